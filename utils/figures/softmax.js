// From logits to a loss: softmax, surprise and gradient for a few answers.

// Logits z (V,) and the index y of what came -> everything that is shown, (V,) each.
function predict(z, y) {
  const largest = Math.max(...z), powers = z.map((x) => Math.exp(x - largest)); // the largest is 1: nothing overflows
  const sum = powers.reduce((a, b) => a + b), log_sum = Math.log(sum);
  const p = powers.map((power) => power / sum);
  const nats = z.map((x) => log_sum - (x - largest));
  return { p, nats, bits: nats.map((x) => x / Math.LN2), gradient: p.map((p_i, i) => p_i - (i === y)) };
}

const probability = (p) => (p < 0.001 ? "<0.001" : p.toFixed(3));
const exponential = (x) => x.toFixed(x < 0.01 ? 5 : x < 100 ? 3 : x < 10_000 ? 1 : 0);

const PLUS = '<span class="plus">&thinsp;+&thinsp;c</span>'; // seen while c is not 0
const COLUMNS = { // a heading in words and one in signs
  came: ["What came?", ""],
  logit: ["logit", `z${PLUS}`],
  power: ["exponential", `e<sup>z${PLUS}</sup>`],
  p: ["probability", "p"],
  bits: ["bits", "−log<sub>2</sub> p"],
  gradient: ["gradient", "p − 1[i = y]"],
};

function softmax(root, { answers, logits, limit }) {
  const V = answers.length, z = [...logits];
  const cell = (column, content = "") => `<div role="cell" class="${column}">${content}</div>`;
  const label = (column) => `<small aria-hidden="true">${COLUMNS[column].at(-1)}</small>`; // where there is no room for a head
  const bar = (kind) => `<i class="${kind}-bar"></i><b></b>`;

  root.querySelector(".panel").innerHTML = `
    <form>
      <div class="table" role="table" aria-label="The answers">
        <div class="head" role="row">${Object.entries(COLUMNS).map(([column, [words, signs]]) =>
          `<div role="columnheader" class="${column}">${words} <span>${signs}</span></div>`).join("")}
        </div>
        ${answers.map(() => `<div class="answer" role="row">
          ${cell("came", '<label><input type="radio" name="came"><span></span></label>')}
          ${cell("logit", `${label("logit")}<input type="range" min="${-limit}" max="${limit}" step="0.1"><b></b>`)}
          ${cell("power", `${label("power")}<b></b>`)}
          ${cell("p", label("p") + bar("p"))}
          ${cell("bits", `${label("bits")}<b></b>`)}
          ${cell("gradient", label("gradient") + bar("gradient"))}
        </div>`).join("")}
        <div class="sum" role="row">
          ${cell("came", "sum")}${cell("logit")}${cell("power", "<b></b>")}${cell("p")}${cell("bits")}${cell("gradient")}
        </div>
        <div class="nothing" role="row">
          ${cell("came", `knowing nothing: log<sub>2</sub> ${V} bits`)}${cell("logit")}${cell("power")}
          ${cell("p", label("p") + bar("p"))}${cell("bits", `${label("bits")}<b></b>`)}${cell("gradient")}
        </div>
      </div>
      <p class="loss"><q></q> came: the loss is <strong></strong>, or <b></b> nats. Its gradient, in nats, is
        <em>prediction minus what came</em>.</p>
      <div class="shift">
        <label><span>Add the same amount c to every logit</span>
          <input type="range" min="-4" max="4" step="0.1" value="0"></label><b></b>
        <p>Every exponential, and so their sum, is multiplied by e<sup>c</sup> = <b></b>. The probabilities stay.</p>
      </div>
    </form>
    <p class="spoken" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), form = find("form"), shift = find(".shift input");
  const rows = [...root.querySelectorAll(".answer")], part = (row, selector) => row.querySelector(selector);
  const [radios, sliders] = ["[type=radio]", "[type=range]"].map((kind) => rows.map((row) => part(row, kind)));
  const show = (row, column, words) => { part(row, `.${column} b`).textContent = words; };

  rows.forEach((row, i) => {
    part(row, ".came span").textContent = answers[i];
    radios[i].ariaLabel = `What came: ${answers[i]}`;
    sliders[i].ariaLabel = `Logit of ${answers[i]}`;
    sliders[i].value = z[i];
  });
  const nothing = find(".nothing");
  nothing.style.setProperty("--p", 1 / V);
  show(nothing, "p", probability(1 / V));
  show(nothing, "bits", Math.log2(V).toFixed(3));

  function draw() {
    const y = radios.findIndex((radio) => radio.checked), c = shift.valueAsNumber;
    const shifted = z.map((x) => x + c), powers = shifted.map(Math.exp), sum = powers.reduce((a, b) => a + b);
    const { p, nats, bits, gradient } = predict(shifted, y);
    rows.forEach((row, i) => {
      row.toggleAttribute("data-came", i === y);
      row.style.setProperty("--p", p[i]);
      row.style.setProperty("--gradient", Math.abs(gradient[i]));
      part(row, ".gradient-bar").classList.toggle("negative", gradient[i] < 0);
      show(row, "logit", signed(shifted[i], 2));
      show(row, "power", exponential(powers[i]));
      show(row, "p", probability(p[i]));
      show(row, "bits", bits[i].toFixed(3));
      show(row, "gradient", signed(gradient[i]));
    });
    show(find(".table"), "sum .power", exponential(sum));
    find(".loss q").textContent = answers[y];
    find(".loss strong").textContent = `${bits[y].toFixed(3)} bits`;
    find(".loss b").textContent = nats[y].toFixed(3);
    form.toggleAttribute("data-shifted", c !== 0);
    find(".shift > b").textContent = signed(c, 1);
    find(".shift p b").textContent = exponential(Math.exp(c));
    root.state = { z: shifted, y, c, powers, sum, p, bits, gradient }; // for whoever wants the numbers
  }

  function speak() {
    const { p, bits, y } = root.state, best = p.indexOf(Math.max(...p));
    find(".spoken").textContent = `Most probable: ${answers[best]}, ${probability(p[best])}. `
      + `What came: ${answers[y]}; the loss is ${bits[y].toFixed(3)} bits.`;
  }

  form.oninput = ({ target }) => {
    if (sliders.includes(target)) z[sliders.indexOf(target)] = target.valueAsNumber;
    draw();
  };
  form.onchange = speak; // at the end of a drag, not on its way
  form.onsubmit = () => false; // a form only so that its radio buttons are a group of their own
  radios[0].checked = true;
  draw();
  speak();
}
