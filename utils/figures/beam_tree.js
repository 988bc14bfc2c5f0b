// The tree of beam search. The searches are those of utils/decoding.py, with the same names and the same rule for ties.

// A hypothesis: its tokens (ids), the sum of their log probabilities, how it was formed, and its place (x, y) in the drawing.
const EMPTY = { sequence: [], score: 0, parent: null, x: 52, y: 0 };
const rank = ({ sequence, score }, penalty) => score / sequence.length ** penalty;

// The row of the table that says what may follow a prefix, and all that may, in the order of the tokens.
const row_after = ({ sequence, token }, { by_time, previous }) => (by_time ? sequence.length : previous.indexOf(token) + 1);
const continuations = (parent, model) => model.table[row_after(parent, model)].map((p, token) =>
  ({ sequence: [...parent.sequence, token], score: parent.score + Math.log(p), parent, token, p }));
const possible = ({ score }) => score > -Infinity;

function greedy(model, steps) {
  let prefix = EMPTY;
  do prefix = continuations(prefix, model).reduce((best, next) => (next.score > best.score ? next : best));
  while (prefix.token !== model.end && prefix.sequence.length < steps);
  return prefix;
}

// Keep the best prefixes, step by step. A level is what one step ranks: candidates, each with its place and its fate, and the
// hypotheses that then run on or are finished. Sorting is stable: of equals, the earlier prefix, then the earlier token.
function beam_search(model, { beams, steps, penalty }) {
  const levels = [], ends = ({ token, sequence }) => token === model.end || sequence.length === steps;
  let running = [EMPTY], finished = [];
  while (running.length) {
    const candidates = running.flatMap((prefix) => continuations(prefix, model)).filter(possible);
    candidates.sort((a, b) => b.score - a.score)
      .forEach((candidate, i) => Object.assign(candidate, { place: i + 1, fate: "dropped" }));
    running = candidates.filter((candidate) => !ends(candidate)).slice(0, beams);
    const ended = candidates.slice(0, beams).filter(ends);
    finished = [...finished, ...ended].sort((a, b) => rank(b, penalty) - rank(a, penalty)).slice(0, beams);
    const stops = finished.length === beams // and the worst of them beats the most that a running one could reach
      && running.every(({ score }) => rank(finished.at(-1), penalty) >= score / steps ** penalty);
    for (const x of [...ended, ...running]) x.fate = ends(x) ? "finished" : stops ? "open" : "kept";
    if (stops) running = [];
    levels.push({ candidates, running, finished });
  }
  return levels;
}

// The best of all sequences: of equals the shorter, then the one whose last sums are higher, then the earlier tokens.
function exhaustive(model, { steps, penalty }) {
  const sums = (x) => (x ? [x.score, ...sums(x.parent)] : []);
  let best = null, best_keys = [-Infinity];
  const visit = (x) => {
    if (x.token !== model.end && x.sequence.length < steps) continuations(x, model).filter(possible).forEach(visit);
    else if (rank(x, penalty) >= best_keys[0]) {
      const keys = [rank(x, penalty), -x.sequence.length, ...sums(x)], first = keys.findIndex((key, i) => key !== best_keys[i]);
      if (!best || keys[first] > best_keys[first]) [best, best_keys] = [x, keys];
    }
  };
  visit(EMPTY);
  return best;
}

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const nats = (score, digits = 3) => (Number.isFinite(score) ? Math.abs(score).toFixed(digits) : "∞");
const bits = (score, digits) => nats(score / Math.LN2, digits);
const total = (row) => row.reduce((a, b) => a + b);
const short = (p) => String(Number(p.toFixed(4)));

const ROW = 25, GAP = 9, HEAD = 44, GUTTER = 52; // of the drawing, in pixels
const left = (t, width) => EMPTY.x + (t - 1) * (width + GUTTER) + GUTTER; // of the column of step t

// Gives each candidate its place: a column for each step, ordered as the parents are and then by token, so that no two lines
// cross. Returns the height of the highest column.
function lay_out(levels, width) {
  return Math.max(...levels.map(({ candidates }, i) => {
    const column = [...candidates].sort((a, b) => a.parent.y - b.parent.y || a.token - b.token), x = left(i + 1, width);
    let y = 0;
    column.forEach((candidate, j) => {
      if (j) y += ROW + GAP * (candidate.parent !== column[j - 1].parent);
      Object.assign(candidate, { x, y });
    });
    for (const candidate of column) candidate.y -= y / 2;
    return y + ROW;
  }));
}

function beam_tree(root, state) {
  // What is given; what the reader changes: the table, the step shown, the candidate looked at; what follows from it.
  const { tokens, by_time, end } = state, V = tokens.length, names = tokens.map(escaped);
  const previous = [...tokens.keys()].filter((id) => id !== end); // the tokens that another can follow
  const table = state.table.map((row) => [...row]);
  let t = Infinity, here = null, found = null;

  const label = (r) => (by_time ? `step ${r + 1}` : r ? `after ${tokens[previous[r - 1]]}` : "start");
  const setting = (words, min, max, step, value) => `<label><span>${words}</span>
    <input type="range" min="${min}" max="${max}" step="${step}" value="${value}"><output></output></label>`;
  root.querySelector(".panel").innerHTML = `
    <div class="top">
      <div class="model" style="--V: ${V}">
        <p>The model: ${by_time ? "p(token), step by step" : "p(next | previous)"}</p>
        <div class="given" aria-hidden="true"><span></span>${names.map((name) => `<b>${name}</b>`).join("")}<span>sum</span></div>
        ${table.map((row, r) => `<div class="given" role="group"><span>${escaped(label(r))}</span>
          ${row.map((p) => `<input type="text" inputmode="decimal" autocomplete="off" value="${short(p)}">`).join("")}
          <output></output><p class="error" role="alert"></p></div>`).join("")}
        <button type="button">normalise rows</button>
      </div>
      <div class="settings">
        ${setting("beam width k", 1, state.widest, 1, state.beams)}
        ${setting("steps, at most", state.shortest, state.most_steps, 1, state.steps)}
        ${setting("length penalty α", 0, 1.5, 0.1, 0)}
        <p>What is finished is ranked by its score, −log<sub>2</sub> p / length<sup>α</sup>, the least first.
          ${end === null ? "Without an end token all are equally long, and α changes no order." : ""}</p>
      </div>
    </div>
    <div class="steps">${"first back step all".replace(/\w+/g, '<button type="button">$&</button>')}<b></b></div>
    <div class="tree"><svg role="tree" aria-label="The prefixes that beam search ranks, a column for each step"></svg></div>
    <p class="legend" aria-hidden="true"><span class="kept">runs on</span><span class="finished">finished ∎</span><span
      class="dropped">dropped</span><span>★ leads to the best of all</span></p>
    <p class="detail"></p>
    <table><caption></caption><thead><tr>
      ${["rank", "tokens", "length", "−log<sub>2</sub> p", "−ln p", "score"].map((head) => `<th>${head}</th>`).join("")}
      </tr></thead><tbody></tbody></table><div class="verdict"></div>
    <p class="spoken" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), all = (selector) => [...root.querySelectorAll(selector)];
  const svg = find("svg"), rows = all(".given[role]"), inputs = rows.map((row) => [...row.querySelectorAll("input")]);
  const sums = all(".given output"), errors = all(".error"), buttons = all(".steps button");
  const context = document.createElement("canvas").getContext("2d");
  const width = 96 + 1.5 * Math.max(...tokens.map((token) => context.measureText(token).width)); // of a candidate
  inputs.forEach((row, r) => row.forEach((input, i) => {
    rows[r].ariaLabel = label(r);
    input.ariaLabel = `${label(r)}: p(${tokens[i]})`;
    input.oninput = () => { // what is no probability is said beside it, and the last number that was one stays in force
      const p = input.value.trim() === "" ? NaN : Number(input.value), good = p >= 0 && p <= 1;
      input.ariaInvalid = !good;
      if (good) table[r][i] = p;
      errors[r].textContent = row.map((cell, j) => (cell.ariaInvalid !== "true" ? "" : `${cell.ariaLabel} is ${
        cell.value.trim() ? `“${cell.value}”` : "empty"}, no number from 0 to 1; ${short(table[r][j])} stays. `)).join("");
      search();
    };
  }));

  // Everything that depends on the model and the settings.
  function search() {
    const [beams, steps, penalty] = all(".settings input").map((input) => input.valueAsNumber);
    all(".settings output").forEach((output, i) => { output.value = [beams, steps, penalty.toFixed(1)][i]; });
    table.map(total).forEach((sum, r) => { sums[r].innerHTML = Math.abs(sum - 1) < 1e-6 ? "1" : `<b>${short(sum)} ≠ 1</b>`; });
    const model = { table: table.map((row) => [...row]), by_time, previous, end }, C = previous.length;
    const ended = Array.from({ length: end === null ? 0 : steps }, (_, i) => C ** i); // sequences with an end, by its step
    const count = ended.reduce((a, b) => a + b, C ** steps);
    const at_end = !found || t === found.levels.length, levels = beam_search(model, { beams, steps, penalty });
    const best = count <= state.enumerable ? exhaustive(model, { steps, penalty }) : null;
    found = { model, beams, steps, penalty, levels, count, best, greedy: greedy(model, steps), height: lay_out(levels, width) };
    go(at_end ? Infinity : t);
  }

  const say = ({ sequence }) => `“${sequence.map((id) => tokens[id]).join(" ") || "start"}”`;
  const leads = ({ sequence }) => found.best && sequence.every((id, i) => id === found.best.sequence[i]);
  function describe({ sequence, score, parent, token, p, place, fate }) {
    const fates = { kept: "it runs on", open: "the search stopped before it could run on", dropped: "dropped",
      finished: token === end ? `finished, with ${tokens[end]}` : "finished, as no step is left" };
    return `${say({ sequence })}: ${bits(score)} bits, log p = ${signed(score)}. Formed from ${say(parent)}, `
      + `${bits(parent.score)} bits, and ${tokens[token]}, p = ${short(p)}, ${bits(Math.log(p))} bits. `
      + `Place ${place} of ${found.levels[sequence.length - 1].candidates.length}: ${fates[fate]}.`;
  }
  function node(candidate) {
    const { x, y, parent, token, score, place, fate, sequence } = candidate;
    const from = (parent === EMPTY ? EMPTY.x : parent.x + width) - x, rise = parent.y - y;
    const end_sign = fate === "finished" ? " ∎" : "", star = leads(candidate) ? '<text class="star" x="-9">★</text>' : "";
    return `<g class="${fate}" role="treeitem" transform="translate(${x} ${y})" aria-level="${sequence.length}"
      aria-label="${escaped(describe(candidate))}"><path d="M${from} ${rise}C${from / 2} ${rise} ${from / 2} 0 0 0"/>
      <rect y="-11" width="${width}" height="22" rx="5"/><rect class="inner" x="3" y="-8" width="${width - 6}" height="16"/>
      <text class="place" x="22">${place}</text><text class="token" x="28">${names[token]}${end_sign}</text>
      <text class="score" x="${width - 9}">${bits(score, 2)}</text>${star}</g>`;
  }

  // The tree, the list and the verdict as they are after a step.
  function go(step) {
    const { levels, height, penalty } = found, top = -height / 2, right = left(levels.length + 1, width) - GUTTER + 8;
    t = Math.max(1, Math.min(step, levels.length));
    const { candidates, running, finished } = levels[t - 1], last = t === levels.length;
    const drawn = levels.slice(0, t).flatMap((level) => level.candidates);
    svg.setAttribute("viewBox", `0 ${top - HEAD} ${right} ${height + HEAD + 6}`);
    svg.setAttribute("width", right);
    svg.innerHTML = levels.map((level, i) => `<text class="head" x="${left(i + 1, width)}" y="${top - 24}">step ${i + 1}
      <tspan>${i < t ? `${level.candidates.length} ranked` : ""}</tspan></text>`).join("")
      + `<text class="start" x="${EMPTY.x - 7}">start</text>${drawn.map(node).join("")}`;
    svg.querySelectorAll("g").forEach((element, i) => {
      drawn[i].element = element;
      element.onpointerenter = element.onfocus = () => look_at(drawn[i]);
    });
    find(".tree").scrollLeft = left(t + 1, width) - find(".tree").clientWidth;
    look_at(candidates[0]);
    buttons.forEach((button, i) => { button.ariaDisabled = i < 2 ? t === 1 : last; });
    find(".steps b").textContent = `step ${t} of ${levels.length}`;
    const row = (sign) => (x, i) => `<tr><td>${i + 1}</td><td>${escaped(say(x).slice(1, -1))} ${sign}</td>
      <td>${x.sequence.length}</td><td>${bits(x.score)}</td><td>${nats(x.score)}</td><td>${bits(rank(x, penalty))}</td></tr>`;
    find("tbody").innerHTML = [...running.map(row("…")), ...finished.map(row("∎"))].join("");
    find("caption").textContent = last ? "Final ranking" : `After step ${t}: what runs on … and what is finished ∎`;
    const verdict = last ? judge() : ["The verdict comes with the last step."];
    find(".verdict").innerHTML = verdict.map((words) => `<p>${escaped(words)}</p>`).join("");
    const list = (some) => some.map((x) => `${say(x)}, ${bits(x.score)} bits`).join("; ") || "none";
    find(".spoken").textContent = `Step ${t} of ${levels.length}, ${candidates.length} candidates. Kept: ${list(running)}. `
      + `Finished: ${list(finished)}. ${last ? verdict.join(" ") : ""}`;
    root.state = { ...found, t }; // for whoever wants the numbers
  }

  // What beam search found, beside the best of all and the greedy sequence.
  function judge() {
    const { levels, steps, penalty, count, best, greedy } = found, [first] = levels.at(-1).finished;
    const unit = penalty ? `bits / length^${penalty}` : "bits", every = `all ${count.toLocaleString("en")} sequences`;
    const cost = (x) => `${say(x)} at ${bits(rank(x, penalty))} ${unit}`;
    const behind = (x) => rank(best, penalty) - rank(x, penalty), by = (x) => `by ${bits(behind(x))} ${unit}`;
    const lost = levels.flatMap(({ candidates }) => candidates).find((x) => leads(x) && x.fate === "dropped");
    const early = levels.length < steps && first ? `After step ${levels.length} nothing else could get ahead. ` : "";
    const result = !first ? "Beam search found nothing: all that it kept came to probability 0."
      : !best ? `Beam search found ${cost(first)}. To try ${every} beside it would take too long here.`
        : behind(first) < 1e-9 ? `Beam search found the best one of ${every}: ${cost(first)}.`
          : `Beam search missed it: the best of ${every} is ${cost(best)}, ahead ${by(first)}. `
            + (lost ? `The way there was dropped at step ${lost.sequence.length}, in place ${lost.place}.` : "");
    const beside = !best ? "" : behind(greedy) < 1e-9 ? ", as good as the best" : `, behind the best ${by(greedy)}`;
    return [early + result, `Greedy, the most probable token at each step, gives ${cost(greedy)}${beside}.`];
  }

  // Show how a candidate was formed, the way to it, and the number of the table that it took.
  function look_at(candidate) {
    const way = []; // from the candidate back to the start
    for (let x = candidate; x?.parent; x = x.parent) way.push(x.element);
    svg.querySelectorAll("g").forEach((element) => {
      element.toggleAttribute("data-way", way.includes(element));
      element.setAttribute("tabindex", element === way[0] ? 0 : -1); // one stop for the tab key, arrows from there
    });
    const used = candidate && inputs[row_after(candidate.parent, found.model)][candidate.token];
    for (const input of inputs.flat()) input.toggleAttribute("data-used", input === used);
    find(".detail").textContent = candidate ? describe(candidate) : "Nothing can follow: each probability is 0.";
    here = candidate;
  }

  buttons.forEach((button, i) => { button.onclick = () => go([1, t - 1, t + 1, Infinity][i]); });
  svg.onkeydown = (event) => {
    const column = found.levels[here.sequence.length - 1].candidates.toSorted((a, b) => a.y - b.y), i = column.indexOf(here);
    const next = found.levels.slice(0, t)[here.sequence.length]?.candidates.find(({ parent }) => parent === here);
    const to = { ArrowUp: column[i - 1], ArrowDown: column[i + 1], ArrowLeft: here.parent, ArrowRight: next };
    if (event.key in to) event.preventDefault(); // the page must not scroll
    to[event.key]?.element?.focus();
  };
  find(".settings").oninput = search;
  find(".model button").onclick = () => {
    table.forEach((row, r) => {
      const sum = total(row) || 1;
      row.forEach((p, i) => Object.assign(inputs[r][i], { value: short(row[i] = p / sum), ariaInvalid: "false" }));
      errors[r].textContent = "";
    });
    search();
  };
  search();
}
