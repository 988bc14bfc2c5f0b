// A transformer's blocks, as in utils/transformer.py, that normalise first; utils/figures/blocks.py says who uses them. W holds
// a model's weights by their names there: a matrix is a list of rows, one for each unit that it computes. A sequence is a list
// of vectors; keys and values are lists of vectors too, one for each place, in which the heads lie side by side.

// Several sums at once, since each addition waits for the one before it.
function dot(x, y, from = 0, to = x.length) {
  let [a, b, c, d] = [0, 0, 0, 0], i = from;
  for (; i + 3 < to; i += 4) {
    a += x[i] * y[i];
    b += x[i + 1] * y[i + 1];
    c += x[i + 2] * y[i + 2];
    d += x[i + 3] * y[i + 3];
  }
  for (; i < to; i++) a += x[i] * y[i];
  return a + b + (c + d);
}

// The layer `name` for each place of x (T, columns) -> (T, rows). Row by row, so that each is fetched once for all places.
function linear(W, name, x) {
  const rows = W[`${name}.weight`], bias = W[`${name}.bias`], y = x.map(() => new Float64Array(rows.length));
  rows.forEach((row, r) => {
    for (let t = 0; t < x.length; t++) y[t][r] = dot(row, x[t]) + bias[r];
  });
  return y;
}

const plus = (x, y) => x.map((x_t, t) => Float64Array.from(x_t, (a, i) => a + y[t][i]));

function layer_norm(W, name, x) {
  const gain = W[`${name}.weight`], shift = W[`${name}.bias`];
  return x.map((x_t) => {
    const mean = x_t.reduce((a, b) => a + b) / x_t.length, centred = Float64Array.from(x_t, (a) => a - mean);
    const deviation = Math.sqrt(dot(centred, centred) / x_t.length + 1e-5);
    return centred.map((a, i) => (a / deviation) * gain[i] + shift[i]);
  });
}

const ACTIVATIONS = {
  relu: (x) => Math.max(0, x),
  gelu_tanh: (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
};

function softmax(scores) {
  const largest = scores.reduce((a, b) => Math.max(a, b)), powers = scores.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// What the heads of the attention `name` are shown of x, and read there.
const offer = (W, name, x) => ({ keys: linear(W, `${name}.W_k`, x), values: linear(W, `${name}.W_v`, x) });

// x (T, D) looks at what was offered, its place t at the first `seen(t)` places of that -> `out` (T, D), and the `weights`
// [head][t][place] of all heads, 0 for a place that is not seen.
function attend(W, name, heads, x, { keys, values }, seen = () => keys.length) {
  const asked = linear(W, `${name}.W_q`, x), D = asked[0].length, d = D / heads;
  const context = x.map(() => new Float64Array(D));
  const weights = Array.from({ length: heads }, (_, head) => asked.map((query, t) => {
    const [from, to] = [head * d, (head + 1) * d], p = new Float64Array(keys.length);
    p.set(softmax(keys.slice(0, seen(t)).map((key) => dot(query, key, from, to) / Math.sqrt(d))));
    for (let k = 0; k < seen(t); k++) for (let i = from; i < to; i++) context[t][i] += p[k] * values[k][i];
    return p;
  }));
  return { out: linear(W, `${name}.W_o`, context), weights };
}

// The block `name` over x (T, D). `past` are keys and values of the places before x, `source` what `offer` makes of a source;
// `causal`: a place sees none that is later. -> x one layer on, `kept` keys and values of all places so far, and the weights
// of all heads: `own` [head][t][place], and `looked` [head][t][place of the source] where there is one.
function block(W, name, x, { heads, activation }, { causal = false, past = { keys: [], values: [] }, source }) {
  const h = layer_norm(W, `${name}.norms.0`, x), { keys, values } = offer(W, `${name}.attention`, h), first = past.keys.length;
  const kept = { keys: past.keys.concat(keys), values: past.values.concat(values) };
  const own = attend(W, `${name}.attention`, heads, h, kept, causal ? (t) => first + t + 1 : undefined);
  let y = plus(x, own.out), norms = 1, looked;
  if (source) {
    const read = attend(W, `${name}.cross`, heads, layer_norm(W, `${name}.norms.${norms++}`, y), source);
    y = plus(y, read.out);
    looked = read.weights;
  }
  const wide = linear(W, `${name}.between.widen`, layer_norm(W, `${name}.norms.${norms}`, y));
  const active = wide.map((each) => each.map(ACTIVATIONS[activation]));
  return { x: plus(y, linear(W, `${name}.between.narrow`, active)), kept, own: own.weights, looked };
}

// The stack `name`: its blocks one after another, each with its own item of `past` and of `source`, and the normalisation at
// the end. -> x (T, D), and of each block `kept`, `own` and `looked`.
function stack(W, name, x, { layers, ...kind }, { causal, past = [], source = [] }) {
  const blocks = [];
  for (let i = 0; i < layers; i++) {
    const given = { causal, past: past[i], source: source[i] };
    ({ x, ...blocks[i] } = block(W, `${name}.blocks.${i}`, x, kind, given));
  }
  return { x: layer_norm(W, `${name}.norm`, x), blocks };
}
