// Alignment as ribbons. The model is the AttentionTranslator of utils/attention/translator.py, its weights W by their names
// there; a matrix is a list of rows, one for each unit that it computes.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const total = (x) => x.reduce((a, b) => a + b, 0);

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
const affine = (rows, x, bias) => rows.map((row, i) => dot(row, x) + (bias ? bias[i] : 0));

function log_softmax(logits) {
  const largest = Math.max(...logits), log_sum = Math.log(total(logits.map((x) => Math.exp(x - largest))));
  return logits.map((x) => x - largest - log_sum);
}

// One step of utils.rnn.GRU: the gates r, z and n side by side.
function gru_step(from_x, from_h, h) {
  const H = h.length;
  return h.map((h_u, u) => {
    const r = sigmoid(from_x[u] + from_h[u]), z = sigmoid(from_x[H + u] + from_h[H + u]);
    const n = Math.tanh(from_x[2 * H + u] + r * from_h[2 * H + u]);
    return n + z * (h_u - n);
  });
}

// The states of one direction of the encoder over some words; `way` ends the names of its weights.
function read_words(W, words, way) {
  const [W_x, W_h, b_x, b_h] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) => W[`encoder.${name}_l0${way}`]);
  let h = Array(W_h[0].length).fill(0);
  return words.map((x) => (h = gru_step(affine(W_x, x, b_x), affine(W_h, h, b_h), h)));
}

function encode(W, ids) {
  const words = ids.map((id) => W["source_words.weight"][id]);
  const forward = read_words(W, words, ""), backward = read_words(W, words.toReversed(), "_reverse").reverse();
  const annotations = forward.map((h, j) => [...h, ...backward[j]]);
  return {
    annotations,
    keys: annotations.map((h) => affine(W["attention.U.weight"], h)),
    s: affine(W["first_state.weight"], backward[0], W["first_state.bias"]).map(Math.tanh),
  };
}

// The most probable word at each step, of equals the smaller id, until `end`: its id, all log probabilities, the weights.
function translate(W, ids, { start, end, word_in_query, steps }) {
  const { annotations, keys, s: first } = encode(W, ids), [v] = W["attention.v.weight"], found = [];
  let s = first, id = start;
  do {
    const y = W["target_words.weight"][id];
    const query = affine(W["attention.W.weight"], word_in_query ? [...s, ...y] : s);
    const scores = keys.map((key) => dot(v, key.map((k, u) => Math.tanh(query[u] + k))));
    const weights = log_softmax(scores).map(Math.exp);
    const context = annotations[0].map((_, a) => dot(weights, annotations.map((h) => h[a])));
    const from_x = affine(W["decoder.W_xh"], [...y, ...context], W["decoder.b_x"]);
    s = gru_step(from_x, affine(W["decoder.W_hh"], s, W["decoder.b_h"]), s);
    const pairs = affine(W["deep_output.weight"], [...s, ...y, ...context], W["deep_output.bias"]);
    const larger = s.map((_, u) => Math.max(pairs[2 * u], pairs[2 * u + 1]));
    const log_p = log_softmax(affine(W["readout.weight"], larger, W["readout.bias"]));
    id = log_p.indexOf(Math.max(...log_p));
    found.push({ id, log_p, weights });
  } while (id !== end && found.length < steps);
  return found;
}

// Boxes of these sizes along a line, with equal gaps, in the middle of it: their centres.
function spread(sizes, length, widest) {
  const gap = Math.min(widest, (length - total(sizes)) / Math.max(1, sizes.length - 1));
  let at = (length - total(sizes) - gap * (sizes.length - 1)) / 2;
  return sizes.map((size) => { at += size + gap; return at - gap - size / 2; });
}

// Where words of these widths lie: sources above targets if there is room, else sources on the left and a word a line. A box
// has its centre along the line of words, `at`, its `size` there, and where its middle (x, y) and its ribbons' `edge` are.
const LINE = 30, BOX = 26, NUMBER = 40; // heights of a line and a box, width of a number
function lay_out(sources, targets, width) {
  const rows = [sources, targets], natural = (sizes, gap) => total(sizes) + gap * (sizes.length - 1);
  if (rows.every((sizes) => natural(sizes, 6) <= width)) {
    const length = Math.min(width, Math.max(...rows.map((sizes) => natural(sizes, 40)))), left = (width - length) / 2;
    const [y_s, y_t] = [36, 200], half = BOX / 2;
    const boxes = (sizes, y, edge) =>
      spread(sizes, length, 90).map((at, k) => ({ at: left + at, size: sizes[k], x: left + at, y, w: sizes[k], edge }));
    return {
      upright: false,
      height: y_t + half + 4,
      source: boxes(sources, y_s, y_s + half),
      target: boxes(targets, y_t, y_t - half),
    };
  }
  const length = LINE * Math.max(sources.length, targets.length), [w_s, w_t] = rows.map((sizes) => Math.max(...sizes));
  const between = Math.min(300, width - NUMBER - w_s - w_t), left = (width - NUMBER - w_s - w_t - between) / 2 + NUMBER;
  const boxes = (sizes, middle, edge) => spread(sizes.map(() => BOX), length, 24)
    .map((at, k) => ({ at: at + 2, size: LINE, x: middle(sizes[k]), y: at + 2, w: sizes[k], edge }));
  return {
    upright: true,
    height: length + 4,
    source: boxes(sources, (w) => left + w_s - w / 2, left + w_s),
    target: boxes(targets, (w) => left + w_s + between + w / 2, left + w_s + between),
  };
}

// The ribbons of weights (T, S), side by side where they leave a word and where they arrive. All of a target word together
// are `thick`: 22 or as much less, down to 12, as the source word most looked at has room for; past that they overlap.
function bands(weights, { source, target, upright }) {
  const columns = source.map((_, j) => total(weights.map((row) => row[j])));
  const room = source.map(({ size }, j) => (size - 4) / columns[j]), thick = Math.min(22, Math.max(12, Math.min(...room)));
  const squeeze = room.map((most) => Math.min(1, most / thick));
  const passed = columns.map(() => 0); // of each source word, what earlier ribbons took
  return weights.flatMap((row, i) => {
    let before = 0;
    return row.map((weight, j) => {
      const from = source[j].at + squeeze[j] * thick * (passed[j] + weight / 2 - columns[j] / 2);
      const to = target[i].at + thick * (before + weight / 2 - 1 / 2);
      passed[j] += weight;
      before += weight;
      const [start, stop] = [source[j].edge, target[i].edge], middle = (start + stop) / 2;
      const point = (along, across) => (upright ? `${across} ${along}` : `${along} ${across}`);
      const d = `M${point(from, start)}C${point(from, middle)} ${point(to, middle)} ${point(to, stop)}`;
      return { i, thickness: weight * thick, d };
    });
  });
}

function ribbons(root, state) {
  // What is given; the last sentence that could be read, and its translation; of that, how many words are shown, and which
  // one the reader looks at: -1 while there is none.
  const { source, target, words, end } = state;
  const W = Object.fromEntries(Object.entries(state.weights).map(([name, part]) => [name, unpack(part)]));
  const ids = new Map(source.map((word, id) => [word, id])), name = (id) => (id === end ? "end" : target[id]);
  let sentence = [], found = [], shown = 0, place = -1, width = 0;

  root.querySelector(".panel").innerHTML = `
    ${sentence_markup(root, state.examples)}
    <div class="steps">${"start back step all".replace(/\w+/g, '<button type="button">$&</button>')}<b></b></div>
    <svg role="group"></svg>
    <p class="said" aria-live="polite"></p>
    ${folded_table("All weights")}
    ${known_words(words)}`;
  const find = (selector) => root.querySelector(selector), svg = find("svg");
  const buttons = [...root.querySelectorAll(".steps button")], context = document.createElement("canvas").getContext("2d");

  // New words and ribbons for a new sentence or width; which of them show is left to `draw`.
  function paint() {
    width = svg.clientWidth;
    context.font = `${getComputedStyle(svg).fontSize} system-ui, sans-serif`;
    const most = (width - NUMBER - 50) / 2;
    const fitted = (word) => { // a long one is cut, so that two of them and their ribbons fit
      while (word.length > 2 && context.measureText(word).width + 18 > most) word = cut(word, word.length - 1);
      return { label: escaped(word), size: Math.max(NUMBER, Math.ceil(context.measureText(word).width) + 18) };
    };
    const s = sentence.map(fitted), t = found.map(({ id }) => fitted(name(id)));
    const layout = lay_out(s.map(({ size }) => size), t.map(({ size }) => size), width), { upright, height } = layout;
    const box = ({ x, y, w }, { label }) => `<rect x="${x - w / 2}" y="${y - BOX / 2}" width="${w}" height="${BOX}" rx="6"/>
      <text x="${x}" y="${y}">${label}</text>`;
    const number = ({ x, y, w }) => (upright ? `x="${x - w / 2 - 19}" y="${y}"` : `x="${x}" y="${y - 25}"`);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height}px`;
    svg.ariaLabel = `Ribbons from “${sentence.join(" ")}” to its translation`;
    const drawn = bands(found.map(({ weights }) => weights), layout).map(({ i, thickness, d }) =>
      `<path data-i="${i}" d="${d}" stroke-width="${thickness.toFixed(2)}" pathLength="1"/>`);
    const sources = layout.source.map((place, j) =>
      `<g>${box(place, s[j])}<text class="number" ${number(place)}></text></g>`);
    const targets = layout.target.map((place, i) => `<g data-i="${i}" role="option" aria-label="${escaped(name(found[i].id))}"
      ${found[i].id === end ? 'class="end"' : ""}>${box(place, t[i])}</g>`);
    svg.innerHTML = `<g class="bands" aria-hidden="true">${drawn.join("")}</g>
      <g class="sources" aria-hidden="true">${sources.join("")}</g>
      <g class="targets" role="listbox" aria-label="The translation"
        aria-orientation="${upright ? "vertical" : "horizontal"}">${targets.join("")}</g>`;
    draw();
  }

  // Everything that depends on how many words are shown and on the one looked at.
  function draw() {
    const here = found[place];
    svg.querySelectorAll("[data-i]").forEach((element) => {
      const i = Number(element.dataset.i);
      element.toggleAttribute("data-ahead", i >= shown);
      element.toggleAttribute("data-here", i === place);
    });
    svg.querySelectorAll("[role=option]").forEach((element, i) => {
      element.setAttribute("tabindex", i === place ? 0 : -1); // one stop for the tab key, arrows from there
      element.ariaSelected = i === place;
    });
    svg.querySelectorAll(".sources > g").forEach((element, j) => {
      element.style.setProperty("--weight", here ? here.weights[j].toFixed(3) : 0);
      element.querySelector(".number").textContent = here ? here.weights[j].toFixed(2) : "";
    });
    buttons.forEach((button, k) => { button.ariaDisabled = k < 2 ? shown === 0 : shown === found.length; });
    find(".steps b").textContent = `${shown} of ${found.length}`;
    const said = say();
    if (find(".said").textContent !== said) find(".said").textContent = said; // or it would be spoken again
    const written = found.slice(0, shown), names = written.map(({ id }) => escaped(name(id)));
    find("table").innerHTML = table_of("", [...sentence.map(escaped), "p"], names, written.map(({ id, log_p, weights }) =>
      [...weights, Math.exp(log_p[id])].map((x) => x.toFixed(3))));
    const translation = found.map(({ id }) => target[id]);
    root.state = { ...root.state, sentence, translation, found, shown, place }; // for whoever wants the numbers
  }
  function say() {
    if (place < 0) return "Nothing is written yet. A step writes the first word.";
    const { id, log_p, weights } = found[place], order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
    const most = order.slice(0, 4).map((j) => `${sentence[j]} ${weights[j].toFixed(3)}`).join(", ");
    const rest = order.length > 4 ? `, the others ${total(order.slice(4).map((j) => weights[j])).toFixed(3)} together` : "";
    const word = id === end ? "the end" : `“${name(id)}”`, unended = found.at(-1).id !== end && place === found.length - 1;
    return `Word ${place + 1}, ${word}, chosen with p = ${Math.exp(log_p[id]).toFixed(3)}, looks at ${most}${rest}.`
      + (unended ? ` No end came in ${found.length} words: here it was cut.` : "");
  }

  // Look at a word of the translation; show it and those before it if they are not shown yet.
  function look_at(i) {
    place = Math.max(0, Math.min(i, found.length - 1));
    shown = Math.max(shown, place + 1);
    draw();
  }
  function show(count) {
    shown = Math.max(0, Math.min(count, found.length));
    place = shown - 1;
    draw();
  }
  const at = (event) => { // by its movement, so that a mouse at rest has no say
    const i = event.target.closest("[data-i]:not([data-ahead])")?.dataset.i;
    if (i !== undefined && Number(i) !== place) look_at(Number(i));
  };
  svg.onpointermove = at;
  svg.onpointerdown = at;
  root.addEventListener("focusin", at); // on the svg it would make that a tab stop
  svg.onkeydown = (event) => {
    const [before, after] = [place - 1, place + 1];
    const moves = { ArrowLeft: before, ArrowUp: before, ArrowRight: after, ArrowDown: after, Home: 0, End: found.length - 1 };
    if (!(event.key in moves)) return;
    event.preventDefault(); // the page must not scroll
    look_at(moves[event.key]);
    svg.querySelector("[role=option][tabindex='0']").focus();
  };
  buttons.forEach((button, k) => { button.onclick = () => show([0, shown - 1, shown + 1, found.length][k]); });
  sentence_field(root, state, (typed) => {
    sentence = typed;
    found = translate(W, typed.map((word) => ids.get(word)), state);
    shown = found.length;
    place = 0;
    paint();
  });
  new ResizeObserver(() => { if (svg.clientWidth !== width) paint(); }).observe(svg);
}
