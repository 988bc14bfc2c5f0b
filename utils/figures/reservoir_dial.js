// A leaky reservoir under the reader's hands. The run and the memory are those of utils/reservoir.py, without a bias.

// x~(n) = tanh(u(n) W_in + x(n-1) W), x(n) = (1 - a) x(n-1) + a x~(n): the states, T of (N,), from x (N,) under u (T,).
function run({ W_in, W, leak }, u, x) {
  const N = x.length;
  return Array.from(u, (u_n) => {
    const sum = W_in.map((w) => u_n * w);
    for (let i = 0; i < N; i++) for (let j = 0; j < N; j++) sum[j] += x[i] * W[i * N + j];
    x = x.map((x_j, j) => (1 - leak) * x_j + leak * Math.tanh(sum[j]));
    return x;
  });
}

// The lower triangle L of a symmetric, positive definite A = L L^T, F of (F,).
function cholesky(A) {
  const L = A.map(() => []);
  A.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let rest = row[j];
      for (let k = 0; k < j; k++) rest -= L[i][k] * L[j][k];
      L[i][j] = i === j ? Math.sqrt(rest) : rest / L[j][j];
    }
  });
  return L;
}

// w (F,) of L L^T w = b.
function solve(L, b) {
  const w = [...b], F = w.length;
  for (let i = 0; i < F; i++) {
    for (let k = 0; k < i; k++) w[i] -= L[i][k] * w[k];
    w[i] /= L[i][i];
  }
  for (let i = F - 1; i >= 0; i--) {
    for (let k = i + 1; k < F; k++) w[i] -= L[k][i] * w[k];
    w[i] /= L[i][i];
  }
  return w;
}

const mean = (x) => x.reduce((a, b) => a + b, 0) / x.length;
function dot(x, y) { // most of the work, so a plain loop
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}
const deviations = (x) => { const m = mean(x); return x.map((x_i) => x_i - m); };
function squared_correlation(x, y) {
  const dx = deviations(x), dy = deviations(y), spread = dot(dx, dx) * dot(dy, dy);
  return spread > 1e-20 ? dot(dx, dy) ** 2 / spread : 0; // what varies less is rounding
}

// How well a readout [1, x(n)] w recovers u(n - k), for k = 1 .. delays: fitted by ridge regression to the first half after
// the washout, judged on the second.
function recall(u, states, { washout, delays, beta }) {
  const X = states.slice(washout).map((x) => [1, ...x]), half = Math.floor(X.length / 2), F = X[0].length;
  const columns = Array.from({ length: F }, (_, i) => X.slice(0, half).map((row) => row[i]));
  const L = cholesky(columns.map((x, i) => columns.map((y, j) => (j > i ? 0 : dot(x, y) + beta * (i === j)))));
  return Array.from({ length: delays }, (_, k) => {
    const y = u.slice(washout - k - 1, u.length - k - 1), w = solve(L, columns.map((x) => dot(x, y)));
    return squared_correlation(X.slice(half).map((row) => dot(row, w)), y.slice(half));
  });
}

const distance = (x, y) => Math.hypot(...x.map((x_i, i) => x_i - y[i]));
const size = (x) => mean(x.map(Math.abs));
const modulus = ([re, im]) => Math.hypot(re, im);

const FORGOTTEN = 1e-3; // of the distance at the start
const ROUNDING = 1e-6; // of eigenvalues in float32
const SHOWN = 5, LATE = 100; // units drawn; steps over which the averages are taken
const [HIGHEST, LOWEST] = [0.5, -9], DEPTH = HIGHEST - LOWEST; // decades on the axis of the distance
const decade = (d) => HIGHEST - Math.log10(Math.max(d, 1e-20)); // from its top
const SIDE = 2.15; // the plane reaches so far to each side
const DIALS = { // in words, in signs; least, step, most, and where the figure opens
  radius: ["spectral radius", "ρ(W)", 0, 0.05, 2, 0.9],
  leak: ["leaking rate", "a", 0.05, 0.05, 1, 0.5],
  scale: ["input scale", "of W<sub>in</sub>", 0, 0.05, 2, 0.5],
};

const line = (kind, values, height, from = 0) => // a step is 1 wide
  `<path class="${kind}" d="M${values.map((value, n) => `${n + from} ${height(value).toFixed(4)}`).join("L")}"/>`;
const grid = (xs, ys, width, height) =>
  `<path class="grid" d="${xs.map((x) => `M${x} 0V${height}`).join("")}${ys.map((y) => `M0 ${y}H${width}`).join("")}"/>`;
const circles = (kind, z, r) => z.map(([re, im]) => `<circle class="${kind}" cx="${re}" cy="${-im}" r="${r}"/>`).join("");
const labels = (side, all) => all.map(([at, words]) => `<span class="${side}" style="--at: ${at}">${words}</span>`).join("");
const panel = (kind, question, view, words) => `<div class="${kind}"><p class="question">${question}</p>
  <div class="plot" aria-hidden="true"><svg viewBox="${view}" preserveAspectRatio="none"></svg>${words}</div>
  <p class="answer"></p></div>`;
const short = (x) => (x > 0 && x < 1e-3 ? "less than 0.001" : String(Number(x.toPrecision(2))));
const plural = (n) => (n === 1 ? "1 step" : `${n} steps`);

function reservoir_dial(root, state) {
  const [W_in, W, start, noise] = ["W_in", "W", "start", "noise"].map((name) => Float64Array.from(numbers(state[name])));
  const names = Object.keys(state.inputs), inputs = Object.values(state.inputs).map((u) => [...numbers(u)]);
  const N = start.length, T = inputs[0].length, { delays } = state.memory, parts = numbers(state.eigenvalues);
  const eigenvalues = Array.from(start, (_, i) => [parts[2 * i], parts[2 * i + 1]]);
  const units = [...Array(SHOWN).keys()], times = [0, 50, 100, 150, 200];

  const steps = labels("below", times.map((n) => [n / T, n]));
  const rows = ["u(n)", ...units.map((i) => `x<sub>${i + 1}</sub>(n)`)].map((words, i) => [(i + 0.5) / (SHOWN + 1), words]);
  const powers = [0, -3, -6, -9].map((y) => [(HIGHEST - y) / DEPTH, y ? `10<sup>−${-y}</sup>` : 1]);
  root.querySelector(".panel").innerHTML = `
    <form>
      <div class="dials">${Object.entries(DIALS).map(([name, [words, sign, min, step, max, value]]) =>
        `<label><span>${words} <i>${sign}</i></span><b></b><input type="range" name="${name}" aria-label="${words}"
          min="${min}" max="${max}" step="${step}" value="${value}"></label>`).join("")}</div>
      <fieldset><legend>input u(n)</legend>${names.map((words, i) =>
        `<label><input type="radio" name="input" value="${i}"${i ? "" : " checked"}><span>${words}</span></label>`).join("")}
      </fieldset>
    </form>
    <div class="panels">
      ${panel("states", "What do the units do?", `0 0 ${T} ${SHOWN + 1}`, steps + labels("beside", rows))}
      ${panel("distance", "Does it forget where it started?", `0 0 ${T} ${DEPTH}`,
        `${steps + labels("beside", powers)}<i class="moment"></i>`)}
      ${panel("plane", "Where are the eigenvalues?", `${-SIDE} ${-SIDE} ${2 * SIDE} ${2 * SIDE}`, "")}
      ${panel("memory", "What does it remember?", `0 0 ${delays} 1`, labels("beside", [[0, 1], [0.5, 0.5]])
        + labels("below", [1, 10, 20, 30, 40].map((k) => [(k - 0.5) / delays, k === 1 ? "k = 1" : k])))}
    </div>
    <p class="spoken" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), form = find("form"), values = root.querySelectorAll(".dials b");
  const fill = (kind, drawing, words) => {
    find(`.${kind} svg`).innerHTML = drawing;
    find(`.${kind} .answer`).innerHTML = words;
  };

  // All that follows from the dials and an input u (T,).
  function follow(radius, leak, scale, u) {
    const network = { W_in: W_in.map((w) => scale * w), W: W.map((w) => radius * w), leak };
    const [first, second] = [start, start.map((x) => -x)].map((x) => [x, ...run(network, u, x)]); // steps 0 .. T
    const distances = first.map((x, n) => distance(x, second[n]) / distance(first[0], second[0]));
    const apart = distances.findLastIndex((d) => d >= FORGOTTEN), forgotten = apart < T ? apart + 1 : null;
    const of_W = eigenvalues.map(([re, im]) => [radius * re, radius * im]);
    const of_map = of_W.map(([re, im]) => [1 - leak + leak * re, leak * im]);
    const r2 = recall(noise, run(network, noise, start.map(() => 0)), state.memory);
    const swing = mean(first.slice(-LATE).map(size));
    const change = mean(first.slice(-LATE).map((x, n) => size(x.map((x_i, i) => x_i - first[T - LATE + n][i]))));
    const largest = Math.max(...of_map.map(modulus)), capacity = r2.reduce((a, b) => a + b);
    return { first, second, distances, forgotten, of_W, of_map, largest, r2, capacity, swing, change };
  }

  function draw() {
    const [radius, leak, scale] = Object.keys(DIALS).map((name) => form.elements[name].valueAsNumber);
    const u = inputs[form.elements.input.value];
    const found = follow(radius, leak, scale, u), { first, second, distances, forgotten, of_W, of_map, largest, r2 } = found;
    [radius, leak, scale].forEach((value, i) => { values[i].textContent = value.toFixed(2); });

    const row = (i) => (value) => i + 0.5 - 0.42 * value;
    const unit = (kind, states) => (i) => line(kind, states.map((x) => x[i]), row(i + 1));
    fill("states", grid(times, units.map((i) => i + 1), T, SHOWN + 1) + line("input", u, row(0), 1)
      + units.map(unit("second", second)).join("") + units.map(unit("first", first)).join(""),
      `Five of the ${N} units, each from −1 to 1, <span class="first">from one start</span> <span class="second">from its
      opposite</span>. In the last ${LATE} steps a unit is ${short(found.swing)} from 0 on average, and changes by
      ${short(found.change)} a step.`);

    const outside = of_map.filter((z) => modulus(z) > 1 + ROUNDING).length;
    fill("distance", grid(times, [1, 1e-3, 1e-6, 1e-9].map(decade), T, DEPTH)
      + line("theory", distances.map((_, n) => largest ** n), decade) + line("first", distances, decade),
      (forgotten === null
        ? `<strong>Not forgotten within ${plural(T)}</strong>: at the end the runs are ${short(distances[T])} times as far
          apart as at the start.`
        : `<strong>Forgotten after ${plural(forgotten)}</strong>: from there on the runs are less than 1/1000 as far apart as at
          the start.`) + ` Dotted: ${short(largest)}<sup>n</sup>, from the largest dot of the plane.`);
    find(".moment").hidden = forgotten === null;
    find(".moment").style.cssText = `left: ${(100 * forgotten) / T}%; top: ${(100 * decade(FORGOTTEN)) / DEPTH}%`;

    fill("plane", `<path class="grid" d="M${-SIDE} 0H${SIDE}M0 ${-SIDE}V${SIDE}"/><circle class="unit" r="1"/>`
      + circles("ring", of_W, 0.055) + circles("dot", of_map, 0.035),
      `<span class="ring">of W</span>, the largest at ${Math.max(...of_W.map(modulus)).toFixed(2)}; <span class="dot">of (1 − a)
      I + a W</span>, with the leak, at ${largest.toFixed(2)}. <strong>${outside || "None"} of the dots ${outside === 1 ? "is"
        : "are"} outside the unit circle</strong>: without input, small states ${outside ? "grow" : largest > 1 - ROUNDING
        ? "hardly die out" : "die out"}.`);

    fill("memory", grid([], [0, 0.5, 1], delays, 1)
      + `<path class="bars" d="${r2.map((r, k) => `M${k + 0.15} 1V${(1 - r).toFixed(4)}h0.7V1z`).join("")}"/>`,
      `<strong>Memory capacity ${found.capacity.toFixed(1)}</strong>, at most ${N}: the sum of the bars, squared correlations of
      u(n&nbsp;−&nbsp;k), random numbers, with what a readout of the state recovers on new steps.`);
    root.state = { radius, leak, scale, ...found }; // for whoever wants the numbers
  }

  function speak() {
    const [past, recalled] = ["distance", "memory"].map((kind) => find(`.${kind} strong`).textContent);
    find(".spoken").textContent = `${past}. Largest eigenvalue, with the leak, ${root.state.largest.toFixed(2)}. ${recalled}.`;
  }

  form.oninput = draw;
  form.onchange = speak; // at the end of a drag, not on its way
  form.onsubmit = () => false; // a form only so that its radio buttons are a group of their own
  draw();
  speak();
}
