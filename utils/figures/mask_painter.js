// A mask to paint, and what becomes of a softmax under it: utils.attention.core.attend, and the mistake beside it.

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const total = (x) => x.reduce((a, b) => a + b, 0);

// A softmax of the scores that are `seen`; the others weigh 0, all of them where none is seen.
function softmax(scores, seen) {
  const largest = Math.max(...scores.filter((_, j) => seen[j]));
  const powers = scores.map((s, j) => (seen[j] ? Math.exp(s - largest) : 0)), sum = total(powers);
  return powers.map((power) => (sum ? power / sum : 0));
}

// Weights (T, T) -> what they read of values (T, D), and what each row sums to.
const read = (weights, values) => ({
  weights,
  sums: weights.map(total),
  context: weights.map((row) => values[0].map((_, c) => total(row.map((weight, j) => weight * values[j][c])))),
});
const attend = (scores, values, mask) => read(scores.map((row, i) => softmax(row, mask[i])), values);
const mask_late = (scores, values, mask) => // the mistake
  read(scores.map((row, i) => softmax(row, row.map(() => true)).map((weight, j) => (mask[i][j] ? weight : 0))), values);

const MASKS = { // may query i see key j, of T words?
  none: ["Every word sees every word.", () => true],
  causal: ["A word sees itself and those before it: a language model reads so.", (i, j) => j <= i],
  earlier: ["A word sees those before it, and not itself.", (i, j) => j < i],
  window: ["A word sees itself and its neighbours.", (i, j) => Math.abs(i - j) <= 1],
  padding: ["The last two words are taken for padding: nobody sees them.", (i, j, T) => j < T - 2],
  blocks: ["Two sentences in one row: a word sees its own.", (i, j, T) => (i < T / 2) === (j < T / 2)],
};

const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0]);
const block = (kind, title, formula) =>
  `<div class="${kind}"><p class="title"><b>${title}</b> <span>${formula}</span></p><div class="cells"></div></div>`;
const short = (x) => signed(x, 1).replace("+", "");

function mask_painter(root, state) {
  const { words } = state, T = words.length, names = words.map(escaped), each = [...words.keys()];
  const rows = ({ shape: [R, C], ...packed }) =>
    Array.from({ length: R }, (_, r) => [...numbers(packed)].slice(r * C, (r + 1) * C));
  const scores = rows(state.scores), values = rows(state.values);
  const [steepest, largest] = [scores, values].map((matrix) => Math.max(...matrix.flat().map(Math.abs)) || 1);
  const made = (sees) => each.map((i) => each.map((j) => sees(i, j, T)));
  // What is painted, and what follows; the cell looked at; while the pointer is down, what it paints.
  let mask = made(MASKS.causal[1]), right, wrong, here = { part: "mask", r: 1, c: 0 }, paints = null;

  root.querySelector(".panel").innerHTML = `
    <div class="masks" role="group" aria-label="Masks">${Object.keys(MASKS).map((name) =>
      `<button type="button">${name}</button>`).join("")}</div>
    <p class="which"></p>
    <div class="blocks">
      ${block("mask", "scores", "paint here")}
      ${block("weights", "weights", "softmax of what is seen")}
      ${block("right", "contexts", "Σ α v, and Σ α")}
      ${block("wrong", "the mistake", "masked after the softmax")}
    </div>
    <p class="where"></p>
    <p class="said" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), panel = find(".panel");
  const buttons = [...root.querySelectorAll("button")];
  const fill = (kind, content) => { find(`.${kind} .cells`).innerHTML = content; };
  const head = `<div role="row" class="head"><span role="cell"></span>${names.map((name) =>
    `<span role="columnheader">${name}</span>`).join("")}</div>`;

  // The grid that is painted is made once, so that it keeps the focus; the others anew at each change.
  fill("mask", grid("mask", "who sees whom: the space bar changes a cell", [head, ...each.map((i) =>
    row(i, names[i], each.map((j) => cell(j, scores[i][j] / steepest, "", short(scores[i][j])))))]));
  function draw() {
    right = attend(scores, values, mask);
    wrong = mask_late(scores, values, mask);
    for (const i of each) for (const j of each) {
      const element = element_at(panel, { part: "mask", r: i, c: j });
      element.toggleAttribute("data-hidden", !mask[i][j]);
      element.ariaSelected = mask[i][j];
      const sees = mask[i][j] ? "sees" : "does not see";
      element.ariaLabel = `${words[i]} ${sees} ${words[j]}, score ${signed(scores[i][j], 2)}`;
    }
    fill("weights", grid("weights", "weights", [head, ...each.map((i) => row(i, names[i], each.map((j) => {
      const weight = right.weights[i][j], label = `weight of ${names[j]} for ${names[i]}: ${weight.toFixed(3)}`;
      return cell(j, weight, label, mask[i][j] ? weight.toFixed(2).replace(/^0/, "") : "0");
    })))]));
    const sum = (x, name) => `<span class="sum" style="--sum:${x.toFixed(4)}"><s></s><b>${x.toFixed(2)}</b>
      <span class="spoken">is what the row of ${name} sums to</span></span>`;
    for (const [kind, { context, sums }] of Object.entries({ right, wrong })) {
      fill(kind, `${matrix(kind, kind === "right" ? "contexts" : "contexts of the mistake", context, names, largest)}
        <div class="sums">${sums.map((x, i) => sum(x, names[i])).join("")}</div>`);
    }
    const now = mask.flat().join(), name = Object.keys(MASKS).find((name) => made(MASKS[name][1]).flat().join() === now);
    buttons.forEach((button) => { button.ariaPressed = button.textContent === name; });
    find(".which").textContent = name ? MASKS[name][0] : "A mask of your own.";
    const said = say();
    if (find(".said").textContent !== said) find(".said").textContent = said; // or it would be spoken again
    look(here);
  }
  function say() {
    const empty = each.filter((i) => !mask[i].includes(true)), quoted = (i) => `“${words[i]}”`;
    const late = Math.min(...wrong.sums.filter((_, i) => mask[i].includes(true))), least = wrong.sums.indexOf(late);
    const nothing = empty.length === 0 ? "" : `${listed(empty.map(quoted))} may see nothing. A softmax over no key would be `
      + "0 / 0, so weights and context are defined as 0: nothing is read, and no gradient flows. ";
    if (empty.length === T) return nothing;
    return `${nothing}Masked after the softmax, ${late > 0.995 ? `each ${empty.length ? "other " : ""}row would still sum to 1.00.`
      : `the row of ${quoted(least)} sums to ${late.toFixed(2)}, and its context shrinks with it.`}`;
  }

  // The number at a place, and where it comes from.
  function explain({ part, r, c }) {
    const asks = `“${words[r]}”`, key = `“${words[c]}”`, sum = (terms) => terms.map((t) => signed(t, 2)).join(" ");
    if (part === "mask") {
      return `${asks} ${mask[r][c] ? "sees" : "does not see"} ${key}: its score, ${signed(scores[r][c])}, `
        + `${mask[r][c] ? "goes into the softmax" : "counts as −∞"}.`;
    }
    if (part === "weights") {
      const weight = `Weight of ${key} for ${asks}: ${right.weights[r][c].toFixed(3)}`;
      if (!mask[r].includes(true)) return `${weight}. ${asks} may see nothing.`;
      return mask[r][c] ? `${weight}, a share among the ${mask[r].filter(Boolean).length} that it sees.` : `${weight}: hidden.`;
    }
    const { weights, context } = part === "right" ? right : wrong, component = values.map((value) => value[c]);
    return `Context of ${asks}, component ${c + 1}, ${part === "right" ? "" : "masked too late, "}a sum of weight times value: `
      + `${sum(weights[r].map((weight, j) => weight * component[j]))} = ${signed(context[r][c])}.`;
  }
  function look(place) {
    here = place;
    rove(panel, here);
    root.querySelectorAll("[data-asks]").forEach((element) => element.removeAttribute("data-asks"));
    root.querySelectorAll(`[data-r="${here.r}"]`).forEach((element) => element.setAttribute("data-asks", ""));
    find(".where").textContent = explain(here);
    root.state = { mask, scores, values, right, wrong, here }; // for whoever wants the numbers
  }

  function paint({ r, c }, seen) {
    if (mask[r][c] === seen) return;
    mask = mask.map((row, i) => row.map((old, j) => (i === r && j === c ? seen : old)));
    draw();
  }
  const board = find("[data-part=mask]");
  board.onpointerdown = (event) => {
    if (event.button || !event.target.matches("[data-c]")) return;
    event.target.releasePointerCapture(event.pointerId); // a finger's too, so that it reaches other cells
    const place = place_of(event.target);
    paints = !mask[place.r][place.c];
    paint(place, paints);
  };
  board.onpointermove = ({ target }) => { if (paints !== null && target.matches("[data-c]")) paint(place_of(target), paints); };
  board.onpointerup = board.onpointerleave = board.onpointercancel = () => { paints = null; };
  board.onkeydown = (event) => {
    if ((event.key !== " " && event.key !== "Enter") || !event.target.matches("[data-c]")) return;
    event.preventDefault(); // the page must not scroll
    const place = place_of(event.target);
    paint(place, !mask[place.r][place.c]);
  };
  find(".masks").onclick = ({ target: { type, textContent } }) => {
    if (type !== "button") return;
    mask = made(MASKS[textContent][1]);
    draw();
  };
  browse(panel, look);
  draw();
}
