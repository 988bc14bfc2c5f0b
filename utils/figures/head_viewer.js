// All heads of a translator on the reader's sentence. The model is the Transformer of utils/transformer.py, its weights W by
// their names there; blocks.js runs its stacks.

// The token `id` at the place t: its row of the table times the root of its width, and sinusoids, which Python has in float32.
function embedded(table, id, t) {
  const D = table[id].length, wave = (i) => (i % 2 ? Math.cos : Math.sin)(t * 10000 ** (-(i - (i % 2)) / D));
  return Float64Array.from(table[id], (x, i) => x * Math.sqrt(D) + Math.fround(wave(i)));
}

// The most probable word at each step, of equals the smaller id, until `end`; each step reads one word, and the keys and
// values of those before it are kept. -> the `written` ids, and of each kind the weights [layer][head][row][column].
function translate(W, ids, { encoder, decoder, start, end, steps }) {
  const words = ids.map((id, t) => embedded(W["source_words.weight"], id, t));
  const { x, blocks: read } = stack(W, "encoder", words, encoder, {});
  const source = Array.from({ length: decoder.layers }, (_, i) => offer(W, `decoder.blocks.${i}.cross`, x));
  const written = [], rows = []; // of each step, what the blocks did
  let id = start;
  do {
    const word = [embedded(W["target_words.weight"], id, written.length)], past = rows.at(-1)?.map(({ kept }) => kept);
    const { x, blocks } = stack(W, "decoder", word, decoder, { past, source });
    const [logits] = linear(W, "readout", x);
    rows.push(blocks);
    id = logits.indexOf(Math.max(...logits));
    written.push(id);
  } while (id !== end && written.length < steps);
  const full = (row, columns) => Array.from({ length: columns }, (_, c) => row[c] ?? 0); // what is to come weighs 0
  const collect = (part, columns) => rows[0].map((block, layer) => block[part].map((_, head) =>
    rows.map((blocks) => full(blocks[layer][part][head][0], columns))));
  return {
    written,
    weights: {
      encoder: read.map(({ own }) => own.map((head) => head.map((row) => full(row, ids.length)))),
      decoder: collect("own", written.length),
      cross: collect("looked", ids.length),
    },
  };
}

const KINDS = { // the label, and what the rows and columns are
  encoder: ["encoder, to itself", "Each word of your sentence looks at all of its words."],
  decoder: ["decoder, to itself", "While a word is written, those written before it are looked at, from “start” on."],
  cross: ["decoder, to the sentence", "While a word is written, the words of your sentence are looked at."],
};
const upto = (n) => Array.from({ length: n }, (_, i) => i + 1);
const LEAST = 0.005; // what two digits can tell from 0
const short = (weight) => weight.toFixed(2).replace(/^0/, "");

function head_viewer(root, state) {
  const { source, target, words, start, end } = state, kinds = Object.keys(KINDS);
  const W = Object.fromEntries(Object.entries(state.weights).map(([name, part]) => [name, unpack(part)]));
  W["readout.weight"] = W["target_words.weight"];
  const ids = new Map(source.map((word, id) => [word, id]));
  const name = (id) => (id === start ? "start" : id === end ? "end" : target[id]);
  // The last sentence that could be read and what became of it; what the reader chose; the words of the rows and columns; the
  // cell looked at.
  let sentence = [], found = {}, kind = "cross", layer = state.decoder.layers - 1, head = 0, rows = [], columns = [], here = {};

  root.querySelector(".panel").innerHTML = `
    ${sentence_markup(root, state.examples)}
    <p class="said" aria-live="polite"></p>
    <div class="choices">
      <fieldset class="kinds"><legend>Attention</legend>${
        radios(`${root.id}-kind`, kinds.map((kind) => KINDS[kind][0]), kinds.indexOf(kind))}</fieldset>
      <fieldset class="layers"><legend>Layer</legend>${
        radios(`${root.id}-layer`, upto(state.decoder.layers), layer)}</fieldset>
    </div>
    <p class="axes"></p>
    <div class="choices">
      <fieldset class="heads"><legend>Heads, one of them enlarged below</legend>${upto(state.decoder.heads).map((h) =>
        `<div>${radio(`${root.id}-head`, `head ${h}`, h - 1, h === 1)}<div class="small"></div></div>`).join("")}</fieldset>
    </div>
    <div class="large"></div>
    <p class="where"></p>
    <p class="legend" aria-hidden="true"><span>0</span><i></i><span>1</span></p>
    ${folded_table("The weights of the enlarged head")}
    ${known_words(words)}`;
  const find = (selector) => root.querySelector(selector), panel = find(".panel");
  const hidden = (r, c) => kind === "decoder" && c > r;
  const chosen = () => found.weights[kind][layer];

  // One head's weights, named on both sides; `number` says what stands in a cell.
  function show(element, part, h, number) {
    const [down, across] = [rows.map(escaped), columns.map(escaped)];
    const names = across.map((name) => `<span role="columnheader"><b>${name}</b></span>`).join("");
    const says = (r, c, weight) => `${down[r]} → ${across[c]} ${hidden(r, c) ? "not written yet" : short(weight)}`;
    element.innerHTML = grid(part, `Head ${h + 1}, ${rows.length} by ${columns.length}`, [
      `<div role="row" class="names"><span role="cell"></span>${names}</div>`,
      ...chosen()[h].map((weights, r) => row(r, down[r], weights.map((weight, c) =>
        cell(c, weight, says(r, c, weight), number(weight))))),
    ]);
    element.querySelectorAll("[data-c]").forEach((each) => {
      const { r, c } = place_of(each);
      each.toggleAttribute("data-hidden", hidden(r, c));
    });
  }
  // All heads anew: for another sentence, kind or layer.
  function draw() {
    const written = found.written.map(name);
    rows = kind === "encoder" ? sentence : written;
    columns = kind === "decoder" ? ["start", ...written.slice(0, -1)] : sentence;
    find(".axes").textContent = KINDS[kind][1];
    root.querySelectorAll(".small").forEach((each, h) => show(each, `head-${h}`, h, () => ""));
    here = { r: here.r < rows.length ? here.r : 0 }; // the same row, and in it the largest weight
    enlarge(head);
  }
  function enlarge(h) {
    head = h;
    find(`.heads input[value="${head}"]`).checked = true;
    show(find(".large"), "large", head, (weight) => (weight < LEAST ? "" : `<b>${short(weight).replace(".00", "")}</b>`));
    find(".large").style.setProperty("--columns", columns.length);
    find("table").innerHTML = table_of("", columns.map(escaped), rows.map(escaped), chosen()[head].map((weights) =>
      weights.map((weight) => weight.toFixed(3))));
    const weights = chosen()[head][here.r];
    look("part" in here ? here : { part: "large", r: here.r, c: weights.indexOf(Math.max(...weights)) });
  }

  function explain({ part, r, c }) {
    const h = part === "large" ? head : Number(part.slice("head-".length)), weights = chosen()[h][r];
    const who = `Head ${h + 1}: ${rows[r]} → ${columns[c]}`;
    if (hidden(r, c)) return `${who} not written yet: it weighs 0.`;
    const others = chosen().flatMap((each, i) => (i === h ? [] : [short(each[r][c])]));
    const order = [...weights.keys()].filter((j) => weights[j] >= LEAST).sort((a, b) => weights[b] - weights[a]);
    const most = order.slice(0, 4).map((j) => `${columns[j]} ${short(weights[j])}`).join(", ");
    return `${who} ${short(weights[c])}${others.length ? ` (the other heads ${others.join(", ")})` : ""}. `
      + `Its row: ${most}${order.length > 4 ? ", less for the others" : ""}.`;
  }
  function look(place) {
    here = place;
    rove(panel, here);
    root.querySelectorAll("[data-same]").forEach((each) => each.removeAttribute("data-same"));
    root.querySelectorAll(`[data-r="${here.r}"] [data-c="${here.c}"]`).forEach((each) => each.setAttribute("data-same", ""));
    find(".where").textContent = explain(here);
    const translation = found.written.map((id) => target[id]), { weights } = found;
    root.state = { ...root.state, sentence, translation, weights, kind, layer, head, here }; // for whoever wants the numbers
  }

  find(".kinds").onchange = ({ target: { value } }) => { kind = kinds[value]; draw(); };
  find(".layers").onchange = ({ target: { value } }) => { layer = Number(value); draw(); };
  find(".heads").onchange = ({ target: { value } }) => enlarge(Number(value));
  const pick = ({ target }) => { // on a small matrix
    const part = target.closest("[data-c]") && place_of(target.closest("[data-c]")).part;
    if (part?.startsWith("head-")) enlarge(Number(part.slice("head-".length)));
  };
  find(".heads").onclick = pick;
  find(".heads").onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (event.target.matches("[data-c]")) event.preventDefault(); // the page must not scroll
    pick(event);
  };
  browse(panel, look);
  sentence_field(root, state, (typed) => {
    sentence = typed;
    found = translate(W, typed.map((word) => ids.get(word)), state);
    const written = found.written.filter((id) => id !== end).map(name);
    const unended = written.length < found.written.length ? "" : ` No end came in ${written.length} words: here it was cut.`;
    const said = written.length ? `It writes: “${written.join(" ")}”.` : "It writes nothing but the end.";
    find(".said").textContent = said + unended;
    draw();
  });
}
