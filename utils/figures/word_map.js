// Word vectors on a map: nearest words, analogies and principal components as in utils/word_space.py.

function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
function unit(x) {
  const length = Math.sqrt(dot(x, x)) || 1; // a vector of zeros stays one
  return x.map((x_i) => x_i / length);
}

// The `count` words of the largest cosine with a vector, less those `without`: [id, cosine], best first. The rows of U (n, D)
// have length 1.
function nearest(U, query, count, without) {
  const direction = unit(query), cosines = U.map((u, id) => [id, dot(u, direction)]);
  return cosines.filter(([id]) => !without.includes(id)).sort((x, y) => y[1] - x[1]).slice(0, count);
}
const arithmetic = (U, [a, b, c]) => U[a].map((x, i) => U[b][i] - x + U[c][i]); // b - a + c

// The direction in which a covariance C (D, D) is largest, by power iteration: v <- C v / |C v| until it stays.
function widest(C) {
  let v = unit(C.reduce((best, row, i) => (row[i] > best[1] ? [row, row[i]] : best), [C[0], 0])[0]);
  for (let step = 0, change = 1; change > 1e-10 && step < 5000; step++) {
    const next = unit(C.map((row) => dot(row, v)));
    change = next.reduce((most, x, i) => Math.max(most, Math.abs(x - v[i])), 0);
    v = next;
  }
  return v;
}

// The words `ids` on the two principal components of their vectors: places [x, y], of each axis the largest in size positive,
// and the share of the vectors' variance that is seen.
function plane(U, ids) {
  const mean = U[0].map((_, i) => ids.reduce((sum, id) => sum + U[id][i], 0) / ids.length);
  const centred = ids.map((id) => U[id].map((x, i) => x - mean[i]));
  let C = mean.map(() => mean.map(() => 0));
  for (const x of centred) x.forEach((x_i, i) => { for (let j = 0; j < x.length; j++) C[i][j] += x_i * x[j]; });
  const total = C.reduce((sum, row, i) => sum + row[i], 0) || 1;
  const axes = [0, 1].map(() => {
    const axis = widest(C), variance = dot(axis, C.map((row) => dot(row, axis)));
    C = C.map((row, i) => row.map((x, j) => x - variance * axis[i] * axis[j])); // what is left for the next one
    const places = centred.map((x) => dot(x, axis));
    const largest = places.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    return { variance, places: largest < 0 ? places.map((x) => -x) : places };
  });
  const share = (axes[0].variance + axes[1].variance) / total;
  return { places: ids.map((_, k) => axes.map(({ places }) => places[k])), share };
}

// How places [x, y] come to lie in a drawing, with the same scale for both axes.
function fit(places, { width, height }, margin) {
  const [x_s, y_s] = [0, 1].map((k) => places.map((place) => place[k]));
  const [left, right, low, high] = [Math.min(...x_s), Math.max(...x_s), Math.min(...y_s), Math.max(...y_s)];
  const scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (high - low || 1));
  return ([x, y]) => ({ x: width / 2 + scale * (x - (left + right) / 2), y: height / 2 - scale * (y - (low + high) / 2) });
}

// Boxes for the labels of points, in turn: the first place beside the point that is inside and free, or none.
const around = ({ x, y, r }) => ({ x: x - r, y: y - r, w: 2 * r, h: 2 * r });
function place_labels(points, taken, { width, height }) {
  const h = 17, gap = 3, placed = [];
  const inside = ({ x, y, w }) => x >= 1 && y >= 1 && x + w < width && y + h < height;
  const apart = (a, b) => a.x + a.w + gap <= b.x || b.x + b.w + gap <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
  for (const point of points) {
    const { x, y, w, r } = point, right = r + gap, left = -right - w;
    const box = [[right, -h / 2], [left, -h / 2], [-w / 2, -r - h], [-w / 2, r], [right, -h], [right, 0], [left, -h], [left, 0]]
      .map(([dx, dy]) => ({ ...point, x: x + dx, y: y + dy, h }))
      .find((one) => inside(one) && [taken, placed].every((boxes) => boxes.every((other) => apart(one, other))));
    if (box) placed.push(box);
  }
  return placed;
}

// From a point to another, as a path whose tip touches the other's rim.
function arrow(from, to) {
  const length = Math.hypot(to.x - from.x, to.y - from.y), dx = (to.x - from.x) / length, dy = (to.y - from.y) / length;
  const [x, y] = [to.x - (to.r + 1) * dx, to.y - (to.r + 1) * dy];
  const wing = (side) => `${x - 10 * dx + side * 5 * dy} ${y - 10 * dy - side * 5 * dx}`;
  return length < 20 ? "" : `<path d="M${from.x} ${from.y}L${x} ${y}M${wing(1)}L${x} ${y}L${wing(-1)}"/>`;
}

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const two = (x) => signed(x, 2).replace(/^[+]|^−(?=0.00)/, "");
const NEAREST = 10, ANSWERS = 5;
const RADIUS = { sum: 7, head: 6, near: 4, dot: 2 }; // of a point: b - a + c, those chosen, those near them, the others

function word_map(root, { words, vectors, word, question }) {
  // What is given; what the reader chose: the word, a, b and c, the last ones known; what is drawn.
  const D = vectors.shape[1], levels = Array.from(numbers(vectors), (byte) => byte - 128);
  const U = words.map((_, id) => unit(levels.slice(id * D, (id + 1) * D))), everything = [...words.keys()];
  const ids = new Map(words.map((name, id) => [name, id])), names = words.map(escaped), whole = plane(U, everything);
  const chosen = [word, ...question].map((name) => ids.get(name));
  let picture = null;

  const list = `${root.id}-words`, typing = 'autocomplete="off" autocapitalize="off" spellcheck="false"';
  const fields = (labels, first) => `<div class="fields">${labels.map((label, i) => `<label><span>${label}</span>
    <input type="text" list="${list}" value="${names[chosen[first + i]]}" ${typing}></label>`).join("")}</div>`;
  const views = { all: `all ${words.length} words`, word: "the word and its nearest", question: "the question" };
  root.querySelector(".panel").innerHTML = `
    <form>
      <fieldset><legend>The map shows</legend>${Object.entries(views).map(([view, label]) =>
        `<label><input type="radio" name="view" value="${view}"><span>${label}</span></label>`).join("")}</fieldset>
      <svg role="img"></svg>
      <p class="shown"></p>
      <div class="boxes">
        <div class="word"><p class="title">The nearest to a word</p>${fields(["word"], 0)}<p class="note"></p><ol></ol></div>
        <div class="question"><p class="title">a is to b as c is to what?</p>${fields(["a", "b", "c"], 1)}<p class="note"></p>
          <ol></ol>
          <label class="less"><input type="checkbox" checked><span>leave the question’s words out</span></label>
          <p class="rule">The answers are the nearest to b − a + c.</p></div>
      </div>
      <datalist id="${list}">${names.map((name) => `<option value="${name}"></option>`).join("")}</datalist>
    </form>
    <p class="spoken" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), form = find("form"), svg = find("svg"), less = find(".less input");
  const inputs = [...root.querySelectorAll("input[list]")], context = document.createElement("canvas").getContext("2d");

  const known = (text) => ids.get(text.trim()) ?? ids.get(text.trim().toLowerCase());
  function read(kind) { // the fields of the word or the question; where one is not known, its last word stays
    const unknown = [...root.querySelectorAll(`.${kind} input[list]`)].filter((input) => {
      const id = known(input.value), place = inputs.indexOf(input);
      chosen[place] = id ?? chosen[place];
      input.ariaInvalid = id === undefined;
      return id === undefined;
    });
    const notes = unknown.map((input) => (input.value.trim() ? `“${input.value.trim()}” is not` : "An empty field is not")
      + ` one of the ${words.length} words; “${words[chosen[inputs.indexOf(input)]]}” stays.`);
    find(`.${kind} .note`).textContent = notes.join(" ");
  }
  function rank(kind, ranked, asked) {
    const letter = (id) => (asked.includes(id) ? `<em>= ${"abc"[asked.indexOf(id)]}</em>` : "");
    const line = ([id, cosine]) => `<li><span>${names[id]}</span>${letter(id)}
      <i style="--cosine: ${Math.max(cosine, 0)}"></i><b>${two(cosine)}</b></li>`;
    find(`.${kind} ol`).innerHTML = ranked.map(line).join("") || "<li>No other word is left.</li>";
  }

  function draw() {
    read("word");
    read("question");
    const [id, ...asked] = chosen, view = form.elements.view.value, [a, b, c] = asked.map((one) => `“${words[one]}”`);
    const near = nearest(U, U[id], NEAREST, [id]);
    const answers = nearest(U, arithmetic(U, asked), ANSWERS, less.checked ? asked : []);
    rank("word", near, []);
    rank("question", answers, asked);
    const heads = view === "question" ? asked : [id], others = view === "question" ? answers : near;
    const group = [...new Set([...heads, ...others.map(([other]) => other)])], shown = view === "all" ? everything : group;
    const { places, share } = view === "all" ? whole : plane(U, shown);
    picture = { view, heads, group, places: new Map(shown.map((one, k) => [one, places[k]])) };
    find(".shown").textContent = {
      all: `All ${words.length} words; “${words[id]}” and its nearest stand out.`,
      word: `“${words[id]}” and its ${near.length} nearest.`,
      question: `From ${a} to ${b}, and as far from ${c} to ×, which is b − a + c; and the answers.`,
    }[view] + ` The plane shows ${Math.round(100 * share)} % of their variance.`;
    svg.ariaLabel = `A map. ${find(".shown").textContent}`;
    paint();
    const named = (ranked) => ranked.map(([one, cosine]) => [words[one], cosine]);
    const points = shown.map((one, k) => [words[one], ...places[k]]);
    root.state = { view, word: words[id], question: asked.map((one) => words[one]), points, share,
      near: named(near), answers: named(answers) }; // for whoever wants the numbers
  }

  // The map as large as there is room. The plane keeps sums and differences: b - a + c lies where the arrow from c ends.
  function paint() {
    const { view, places, heads, group } = picture, size = { width: svg.clientWidth, height: svg.clientHeight };
    const [a, b, c] = heads.map((id) => places.get(id));
    const sum = view === "question" ? [0, 1].map((k) => b[k] - a[k] + c[k]) : null;
    const at = fit([...places.values(), sum ?? a], size, view === "all" ? 16 : 40);
    const point = (kind, name, place, id) => {
      context.font = `${kind === "head" ? 600 : 400} 13px system-ui, sans-serif`;
      return { kind, name, id, r: RADIUS[kind], w: 2 + context.measureText(name).width, ...at(place) };
    };
    const some = (kind, list) => list.map((id) => point(kind, words[id], places.get(id), id));
    const first = some("head", [...new Set(heads)]), near = some("near", group.filter((id) => !heads.includes(id)));
    const others = some("dot", [...places.keys()].filter((id) => !group.includes(id)));
    const end = sum ? [point("sum", "b − a + c", sum)] : [], marked = [...first, ...end, ...near];
    const [from, to, start] = heads.map((id) => first.find((p) => p.id === id));
    const arrows = end.flatMap((p) => [[from, to], [start, p]]);
    const along = arrows.flatMap(([p, q]) => Array.from({ length: 40 }, (_, k) =>
      around({ x: p.x + (q.x - p.x) * k / 40, y: p.y + (q.y - p.y) * k / 40, r: 3 })));
    const labels = place_labels(marked, [...marked.map(around), ...along], size);
    labels.push(...place_labels(others, [...labels, ...marked.map(around), ...others.map(around)], size));
    svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    svg.innerHTML = [...others, ...near, ...first].map(({ kind, name, id, x, y, r }) =>
      `<circle class="${kind}" data-id="${id}" cx="${x}" cy="${y}" r="${r}"><title>${escaped(name)}</title></circle>`).join("")
      + arrows.map(([p, q]) => arrow(p, q)).join("")
      + end.map(({ x, y }) => `<path d="M${x - 5} ${y - 5}l10 10m0-10l-10 10"/>`).join("")
      + labels.map(({ kind, name, id, x, y, h }) =>
        `<text class="${kind}" data-id="${id}" x="${x}" y="${y + h / 2}">${escaped(name)}</text>`).join("");
  }

  function choose(kind) { // a map of some words follows what the reader works on; the map of all stays
    if (form.elements.view.value !== "all") form.elements.view.value = kind;
    draw();
  }
  function speak(kind) {
    const { word, near, question: [a, b, c], answers } = root.state;
    const said = (ranked) => ranked.map(([name, cosine]) => `${name}, ${two(cosine)}`).join("; ") || "none";
    const told = kind === "word" ? `Nearest to ${word}: ${said(near)}.` : `${a} is to ${b} as ${c} is to: ${said(answers)}.`;
    find(".spoken").textContent = kind ? `${find(`.${kind} .note`).textContent} ${told}` : svg.ariaLabel;
  }
  const part = (element) => ["word", "question"].find((kind) => element.closest(`.boxes .${kind}`));
  form.oninput = ({ target }) => (part(target) ? choose(part(target)) : draw());
  form.onchange = ({ target }) => speak(part(target));
  form.onsubmit = () => false; // a form only so that its radio buttons are a group of their own
  svg.onclick = ({ target }) => {
    const id = target.closest("[data-id]")?.dataset.id;
    if (!(id in words)) return;
    inputs[0].value = words[id];
    choose("word");
    speak("word");
  };
  for (const input of inputs) input.onclick = () => input.select(); // typing replaces the word, as after the tab key
  form.elements.view.value = "all";
  draw();
  speak("word");
  new ResizeObserver(paint).observe(svg);
}
