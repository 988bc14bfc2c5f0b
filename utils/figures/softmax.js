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
const COLUMNS = { // a heading in words, one in signs, and the label that a cell has on a narrow page
  came: ["What came?", "", ""],
  logit: ["logit", `z${PLUS}`, "logit"],
  power: ["exponential", `e<sup>z${PLUS}</sup>`, `e<sup>z${PLUS}</sup>`],
  p: ["probability", "p", "probability"],
  bits: ["surprise", "−log<sub>2</sub> p", "bits"],
  gradient: ["gradient", "p − 1[i = y]", "gradient"],
};
const NUMBER = "<b></b>", [P_BAR, GRADIENT_BAR] = ["p-bar", "gradient-bar"].map((kind) => `<i class="${kind}"></i>${NUMBER}`);

function softmax(root, { answers, logits, limit }) {
  const V = answers.length, z = [...logits];
  const tag = (role, kind, content) => `<div role="${role}" class="${kind}">${content}</div>`;
  const head = ([column, [words, signs]]) => tag("columnheader", column, `${words} <span>${signs}</span>`);
  const line = (kind, contents) => tag("row", kind, Object.entries(COLUMNS).map(([column, [, , label]]) =>
    tag("cell", column, contents[column] ? `<small aria-hidden="true">${label}</small>${contents[column]}` : "")).join(""));
  const slider = (most) => `<input type="range" min="${-most}" max="${most}" step="0.1" value="0">`;
  const radio = '<label><input type="radio" name="came"><span></span></label>';
  const answer = { came: radio, logit: slider(limit) + NUMBER, power: NUMBER, p: P_BAR, bits: NUMBER, gradient: GRADIENT_BAR };

  root.querySelector(".panel").innerHTML = `
    <form>
      <div class="answers" role="table" aria-label="The answers">
        ${tag("row", "head", Object.entries(COLUMNS).map(head).join(""))}
        ${line("answer", answer).repeat(V)}
        ${line("sum", { came: "sum", power: NUMBER, p: NUMBER })}
        ${line("nothing", { came: `<span>knowing nothing: log<sub>2</sub>&thinsp;${V} bits</span>`, p: P_BAR, bits: NUMBER })}
      </div>
      <p class="loss"><q></q> came: the loss is <strong></strong>, or <b></b> nats. Its gradient, in nats, is
        <em>prediction minus what came</em>.</p>
      <div class="shift">
        <label><span>Add the same amount c to every logit</span>${slider(4)}</label><b></b>
        <p>Every exponential, and so their sum, is multiplied by e<sup>c</sup> = <b></b>. The
          probabilities stay.</p>
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
    show(find(".sum"), "power", exponential(sum));
    show(find(".sum"), "p", probability(p.reduce((a, b) => a + b)));
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
