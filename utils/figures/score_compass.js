// A query among keys in the plane, and its softmax weights under each score of utils/attention. Rows are vectors.

const dot = ([a, b], [c, d]) => a * c + b * d;
const times = (x, W) => W[0].map((_, c) => x.reduce((sum, x_i, i) => sum + x_i * W[i][c], 0)); // x W
const direction = ([a, b]) => { const length = Math.hypot(a, b) || 1; return [a / length, b / length]; };
function softmax(scores) {
  const most = Math.max(...scores), powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

const SCORES = { // its formula, and the score of the key k at place i for the query q
  dot: ["q · k", (q, k) => dot(q, k)],
  "scaled dot": ["q · k / √2", (q, k) => dot(q, k) / Math.SQRT2],
  cosine: ["β cos(q, k)", (q, k, _, { beta }) => beta * dot(direction(q), direction(k))],
  general: ["qW · k", (q, k, _, { W }) => dot(times(q, W), k)],
  additive: ["v · tanh(qW<sub>a</sub> + kU)", (q, k, _, { additive: { W, U, v } }) => {
    const from_key = times(k, U);
    return times(q, W).reduce((sum, from_query, h) => sum + v[h] * Math.tanh(from_query + from_key[h]), 0);
  }],
  location: ["qW<sub>l</sub>, by place", (q, _, i, { location }) => times(q, location)[i]],
};
const NAMES = Object.keys(SCORES);
const attend = (query, keys, settings) => Object.fromEntries(NAMES.map((name) =>
  [name, softmax(keys.map((key, i) => SCORES[name][1](query, key, i, settings)))]));

// An arrow is kept as its angle in degrees and its length, so that turning it does not stretch it, nor the other way round.
const polar = ([x, y], { angle } = {}) =>
  ({ angle: x || y ? Math.atan2(y, x) * 180 / Math.PI : angle ?? 0, length: Math.hypot(x, y) });
const vector = ({ angle, length }) =>
  [length * Math.cos(angle * Math.PI / 180), length * Math.sin(angle * Math.PI / 180)];

const UNIT = 30; // of the drawing, which reaches 100 from its middle on every side
const across = (x) => x.toFixed(2), place = ([x, y]) => `${across(UNIT * x)} ${across(-UNIT * y)}`;
const within = (x, most) => Math.max(-most, Math.min(most, x));
function arrow(tip) { // its shaft and its head, as paths
  const [dx, dy] = direction(tip), size = Math.min(0.22, Math.hypot(...tip) / 2);
  const wing = (side) => place([tip[0] - size * (dx + side * dy / 2), tip[1] - size * (dy - side * dx / 2)]);
  return [`M0 0L${place(tip)}`, `M${wing(1)}L${place(tip)}L${wing(-1)}`];
}

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const listed = (all) => (all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : all[0]);
const largest = (x) => x.indexOf(Math.max(...x));
const number = (x, digits) => signed(Number(x.toFixed(digits)), digits).replace("+", ""); // and no −0

function score_compass(root, { names, keys, query, limit, beta, sharpness: [least, most], maps, additive, location }) {
  // The query and the keys, in this order; which of them moves; the weights when the reader last let go.
  const arrows = [query, ...keys].map((each) => polar(each)), labels = ["q", ...names].map(escaped);
  let chosen = 0, before = null;

  const slider = (name, label, low, high, step) => `<label class="${name}"><span>${label}</span>
    <input type="range" min="${low}" max="${high}" step="${step}"><b></b></label>`;
  const tag = (role, kind, content) => `<div role="${role}" class="${kind}">${content}</div>`;
  root.querySelector(".panel").innerHTML = `
    <form>
      <div class="hand">
        <svg viewBox="-100 -100 200 200" role="img">
          <g class="rings">${[1, 2, 3].map((r) => `<circle r="${r * UNIT}"/>`).join("")}<path d="M-100 0H100M0-100V100"/></g>
          <g class="mapped"><path/><path/><text>qW</text></g>
          ${labels.map((label, a) => `<g class="${a ? "key" : "query"}" data-arrow="${a}">
            <circle r="11"/><path/><path/><text>${label}</text></g>`).join("")}
        </svg>
        <fieldset><legend>Move</legend>${labels.map((label, a) => `<label><input type="radio" name="arrow" value="${a}">
          <span>${a ? label : "query q"}</span></label>`).join("")}</fieldset>
        ${slider("angle", "angle", -180, 180, 5)}
        ${slider("length", "length", 0, limit, 0.1)}
        ${slider("beta", "sharpness β", least, most, 0.1)}
        <label class="map"><span>general W</span><select>${Object.keys(maps).map((name) =>
          `<option>${escaped(name)}</option>`).join("")}</select></label>
      </div>
      <div class="weights${keys.length > 4 ? " many" : ""}" style="--K:${keys.length}" role="table"
        aria-label="Weights of the keys under each score">
        ${tag("row", "head", tag("columnheader", "score", "score") + labels.slice(1).map((label) =>
          tag("columnheader", "", label)).join(""))}
        ${NAMES.map((name) => tag("row", "line", tag("rowheader", "score", `${name} <span>${SCORES[name][0]}</span>`)
          + keys.map(() => tag("cell", "", "<i></i><b></b>")).join(""))).join("")}
      </div>
    </form>
    <p class="said" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), form = find("form"), svg = find("svg");
  const [angle, length, sharp] = ["angle", "length", "beta"].map((name) => find(`.${name} input`)), map = find("select");
  const choose = (a) => {
    chosen = a;
    svg.append(find(`[data-arrow="${a}"]`)); // over the others, where a hand finds it
  };
  const show = (input, value, words) => {
    input.value = value;
    input.ariaValueText = input.nextElementSibling.textContent = words;
  };

  function draw() {
    const [q, ...k] = arrows.map(vector), W = maps[map.value];
    const weights = attend(q, k, { beta, W, additive, location }), mapped = times(q, W);
    const put = (group, tip, turn) => {
      arrow(tip).forEach((path, part) => group.querySelectorAll("path")[part].setAttribute("d", path));
      const [dx, dy] = vector({ angle: turn, length: 0.3 }), text = group.querySelector("text");
      const room = Math.max(0, 3.2 - 0.09 * text.textContent.length); // for its middle, left and right: a letter is 0.18 wide
      text.setAttribute("transform", `translate(${place([within(tip[0] + dx, room), within(tip[1] + dy, 3)])})`);
      group.querySelector("circle")?.setAttribute("transform", `translate(${place(tip)})`);
    };
    [q, ...k].forEach((tip, a) => {
      const group = find(`[data-arrow="${a}"]`);
      put(group, tip, arrows[a].angle);
      group.toggleAttribute("data-chosen", a === chosen);
    });
    put(find(".mapped"), mapped, polar(mapped).angle);
    find(".mapped").toggleAttribute("hidden", Math.hypot(mapped[0] - q[0], mapped[1] - q[1]) < 0.3); // it would hide q
    svg.ariaLabel = `Arrows: ${[q, ...k].map(([x, y], a) =>
      `${a ? names[a - 1] : "query"} (${number(x, 2)}, ${number(y, 2)})`).join(", ")}`;
    root.querySelectorAll(".line").forEach((line, s) => line.querySelectorAll("[role=cell]").forEach((cell, i) => {
      const weight = weights[NAMES[s]][i];
      cell.style.setProperty("--weight", weight.toFixed(4));
      cell.querySelector("b").textContent = weight.toFixed(2);
    }));
    form.elements.arrow.value = chosen;
    show(angle, arrows[chosen].angle, `${number(arrows[chosen].angle, 0)}°`);
    show(length, arrows[chosen].length, arrows[chosen].length.toFixed(2));
    show(sharp, beta, beta.toFixed(1));
    root.state = { query: q, keys: k, chosen, beta, W, weights }; // for whoever wants the numbers
  }

  // Which key each score weighs most, and what the last move did not change.
  function speak() {
    const { weights } = root.state, even = (w) => Math.max(...w) - Math.min(...w) < 1e-9;
    const best = NAMES.map((name) => (even(weights[name]) ? "every key" : `“${names[largest(weights[name])]}”`));
    const groups = [...new Set(best)].map((key) => `${listed(NAMES.filter((_, s) => best[s] === key).map((name) =>
      `${name} ${Math.max(...weights[name]).toFixed(2)}`))} on ${key}`);
    const same = before && NAMES.filter((name) => weights[name].every((w, i) => Math.abs(w - before[name][i]) < 1e-9));
    if (same?.length === NAMES.length) return;
    const stayed = same?.length ? ` The last move left ${listed(same)} as ${same.length > 1 ? "they were" : "it was"}.` : "";
    find(".said").textContent = `The largest weights: ${groups.join("; ")}.${stayed}`;
    before = weights;
  }

  form.oninput = ({ target }) => {
    if (target.name === "arrow") choose(Number(target.value));
    if (target === angle) arrows[chosen] = { ...arrows[chosen], angle: angle.valueAsNumber };
    if (target === length) arrows[chosen] = { ...arrows[chosen], length: length.valueAsNumber };
    if (target === sharp) beta = sharp.valueAsNumber;
    draw();
  };
  form.onchange = ({ target }) => { if (target.name !== "arrow") speak(); }; // at the end of a drag, not on its way
  form.onsubmit = () => false; // a form only so that its radio buttons are a group of their own

  svg.querySelectorAll("[data-arrow] circle").forEach((handle) => {
    handle.ontouchstart = (event) => event.preventDefault(); // the page must not scroll: touch-action has no say inside an svg
    handle.onpointerdown = (event) => {
      if (event.button) return;
      choose(Number(handle.parentElement.dataset.arrow));
      handle.setPointerCapture(event.pointerId);
      draw();
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const { left, top, width } = svg.getBoundingClientRect(), scale = 200 / svg.clientWidth / UNIT;
      const to = polar([(event.clientX - left - width / 2) * scale, (top + width / 2 - event.clientY) * scale], arrows[chosen]);
      arrows[chosen] = { ...to, length: Math.min(to.length, limit) };
      draw();
    };
    handle.onlostpointercapture = speak;
  });
  choose(0);
  draw();
  speak();
}
