// Queries, keys and values: one head of self-attention on the reader's sentence, each step of its arithmetic.

const total = (x) => x.reduce((a, b) => a + b, 0);

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function softmax(scores) { // some may be -Infinity, not all
  const largest = Math.max(...scores), powers = scores.map((s) => Math.exp(s - largest)), sum = total(powers);
  return powers.map((power) => power / sum);
}

// What word `i` of the words x (T, D) reads under a head: a matrix of it has a row for each unit. A step a name.
function read(x, { W_q, W_k, W_v }, i, causal) {
  const [q, k, v] = [W_q, W_k, W_v].map((W) => x.map((each) => W.map((unit) => dot(unit, each))));
  const scores = k.map((each) => dot(q[i], each)), scaled = scores.map((s) => s / Math.sqrt(q[i].length));
  const masked = scaled.map((s, j) => (causal && j > i ? -Infinity : s)), weights = softmax(masked);
  const parts = v.map((each, j) => each.map((v_c) => weights[j] * v_c));
  const context = v[0].map((_, c) => total(parts.map((each) => each[c])));
  return { x, q, k, v, scores, scaled, masked, weights, parts, context };
}

const score = (s) => (s === -Infinity ? "−∞" : signed(s, 2));
const block = (kind, title, formula) =>
  `<div class="${kind}"><p class="title"><b>${title}</b> <span>${formula}</span></p><div class="cells"></div></div>`;
const STEPS = ["q · k", "÷ √d", "mask", "softmax"];

function qkv_explorer(root, state) {
  const embeddings = unpack(state.embeddings), positions = numbers(state.positions), ids = new Map(state.tokens.map((token, id) => [token, id]));
  const heads = Array.from({ length: state.heads }, () => ({}));
  for (const name of ["W_q", "W_k", "W_v"]) {
    const rows = unpack(state[name]), d = rows.length / state.heads;
    heads.forEach((head, h) => { head[name] = rows.slice(h * d, (h + 1) * d); });
  }
  const d = heads[0].W_q.length, D = embeddings[0].length;
  // The sentence and its words as HTML; what the reader chose; everything computed; the cell that the reader looks at.
  let sentence = [], names = [], head = 0, query = 0, causal = false, found = {}, here = {};

  root.querySelector(".panel").innerHTML = `
    ${sentence_markup(root, state.examples)}
    <div class="choices">
      <fieldset class="heads"><legend>Head</legend>${radios(`${root.id}-head`, heads.map((_, h) => h + 1))}</fieldset>
      <fieldset class="queries"><legend>The word that asks</legend><div></div></fieldset>
      <label class="causal"><input type="checkbox"> <span>causal mask: no word sees a later one</span></label>
    </div>
    <div class="project">
      ${block("x", "words", "x")}
      ${["q", "k", "v"].map((part, i) =>
        block(part, ["queries", "keys", "values"][i], `${part} = x W<sub>${part}</sub>`)).join("")}
    </div>
    <div class="read">
      ${block("scores", "weights", `α = softmax(q · k / √${d})`)}
      ${block("context", "context", "Σ α v")}
    </div>
    <p class="where"></p>
    <p class="said" aria-live="polite"></p>
    <p class="legend" aria-hidden="true"><span></span><i></i><span></span></p>
    ${folded_table("The weights of every word")}
    ${known_words(state.words)}`;
  const find = (selector) => root.querySelector(selector), panel = find(".panel");

  // Everything that follows from the sentence and the choices.
  function draw() {
    const x = sentence.map((word, t) => Array.from(embeddings[ids.get(word)], (each, c) => each + positions[t * D + c]));
    found = read(x, heads[head], query, causal);
    const { q, k, v, scores, scaled, masked, weights, parts, context } = found;
    const limit = Math.max(...[x, q, k, v].flat().map((each) => Math.max(...each.map(Math.abs)))) || 1;
    const fill = (kind, content) => { find(`.${kind} .cells`).innerHTML = content; };
    const labels = { x: "x, the words", q: "q, the queries", k: "k, the keys", v: "v, the values" };
    Object.entries({ x, q, k, v }).forEach(([part, values]) => fill(part, matrix(part, labels[part], values, names, limit)));
    fill("scores", grid("scores", `“${names[query]}” asks, step by step`, [
      `<div role="row" class="head"><span role="columnheader">key</span>${STEPS.map((step) =>
        `<span role="columnheader">${step}</span>`).join("")}</div>`,
      ...names.map((name, j) => row(j, name, [
        ...[scores[j], scaled[j], masked[j]].map((s, c) => cell(c, 0, `${name}, ${STEPS[c]}: ${score(s)}`, score(s))),
        cell(3, 0, `${name}, weight: ${weights[j].toFixed(3)}`,
          `<s style="--weight:${weights[j].toFixed(4)}"></s><b>${weights[j].toFixed(3)}</b>`),
      ])),
    ]));
    fill("context", matrix("parts", "weight times value", parts, names, limit)
      + matrix("context", "context, their sum", [context], ["sum"], limit));
    root.querySelectorAll(".q [data-r], .x [data-r]").forEach((each) =>
      each.toggleAttribute("data-asks", Number(each.dataset.r) === query));
    root.querySelectorAll("[data-part=scores] [data-r], [data-part=parts] [data-r]").forEach((each) =>
      each.toggleAttribute("data-hidden", masked[each.dataset.r] === -Infinity));
    find(".legend").firstChild.textContent = signed(-limit, 2);
    find(".legend").lastChild.textContent = signed(limit, 2);
    tabulate(x);
    say();
    root.state = { ...root.state, sentence, head, query, causal, ...found }; // for whoever wants the numbers
    look(element_at(root, here) ? here : { part: "scores", r: weights.indexOf(Math.max(...weights)), c: 0 });
  }
  function tabulate(x) {
    find("table").innerHTML = table_of("asks", names, names, names.map((_, i) =>
      read(x, heads[head], i, causal).weights.map((weight) => weight.toFixed(3))));
  }
  function say() {
    const { weights, masked } = found, seen = [...weights.keys()].filter((j) => masked[j] > -Infinity);
    const order = seen.sort((a, b) => weights[b] - weights[a]);
    const most = order.slice(0, 4).map((j) => `${sentence[j]} ${weights[j].toFixed(3)}`).join(", ");
    find(".said").textContent = `In head ${head + 1}, “${sentence[query]}” gives its weight to ${most}`
      + (seen.length > 4 ? ", less to the others." : ".");
  }

  // The number at a place, and where it comes from.
  function explain({ part, r, c }) {
    const { q, k, v, scores, scaled, masked, weights, parts, context } = found;
    const asks = `“${sentence[query]}”`, word = `“${sentence[r]}”`, component = `component ${c + 1}`;
    const sum = (terms) => terms.map((term) => signed(term, 2)).join(" ");
    if (part === "x") return `x of ${word}, ${component} of ${D}: ${signed(found.x[r][c])}.`;
    if (part in { q, k, v }) {
      return `${part} of ${word}, ${component} of ${d}: its x times column ${c + 1} of W_${part} `
        + `= ${signed(found[part][r][c])}.`;
    }
    if (part === "parts") {
      return `${component} of α v for ${word}: ${weights[r].toFixed(3)} × ${signed(v[r][c])} = ${signed(parts[r][c])}.`;
    }
    if (part === "context") {
      return `Context of ${asks}, ${component}: ${sum(parts.map((each) => each[c]))} = ${signed(context[c])}.`;
    }
    const hidden = masked[r] === -Infinity;
    return [
      `q of ${asks} · k of ${word}: ${sum(q[query].map((q_c, i) => q_c * k[r][i]))} = ${signed(scores[r])}.`,
      `Divided by the root of the width: ${signed(scores[r])} ÷ √${d} = ${signed(scaled[r])}.`,
      hidden ? `${word} stands after ${asks}, which may not see it: its score becomes −∞.`
        : `${asks} may see ${word}: its score stays.`,
      hidden ? `e to the power of −∞ is 0, and so is the weight of ${word}.`
        : `e to the power of ${signed(scaled[r])}, divided by the sum of such powers over all keys seen, `
          + `= ${weights[r].toFixed(3)}.`,
    ][c];
  }
  function look(place) {
    here = place;
    rove(panel, here);
    const { part, r, c } = here, comes_from = { // the rows that the number is made of
      q: [["x", r]], k: [["x", r]], v: [["x", r]], parts: [["scores", r], ["v", r]], scores: c ? [] : [["q", query], ["k", r]],
    }[part] ?? [];
    root.querySelectorAll("[data-source]").forEach((each) => each.removeAttribute("data-source"));
    comes_from.forEach(([part, r]) => find(`[data-part=${part}] [data-r="${r}"]`).setAttribute("data-source", ""));
    find(".where").textContent = explain(here);
    root.state = { ...root.state, here };
  }

  function take(words) {
    sentence = words;
    names = words.map(escaped);
    query = Math.min(query, words.length - 1);
    find(".queries div").innerHTML = radios(`${root.id}-query`, names);
    find(`.queries input[value="${query}"]`).checked = true;
    here = {};
    draw();
  }
  find(".choices").onchange = () => {
    head = Number(find(".heads :checked").value);
    query = Number(find(".queries :checked").value);
    causal = find(".causal input").checked;
    draw();
  };
  browse(panel, look);
  sentence_field(root, state, take);
}
