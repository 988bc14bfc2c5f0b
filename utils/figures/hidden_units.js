// Hidden units over text. The model is the LSTM of utils/rnn.py, with the same names: i, f, g, o, c, h. Rows are vectors.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// y + x @ W, for x (D,), W (D, N) stored row after row, and y (N,).
function affine(x, W, y) {
  const sum = Float64Array.from(y), N = sum.length;
  x.forEach((x_d, d) => { for (let n = 0; n < N; n++) sum[n] += x_d * W[d * N + n]; });
  return sum;
}

function softmax(logits) {
  const largest = Math.max(...logits), powers = logits.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((x) => x / sum);
}

// One step of the LSTM. from_x (4H,) is x W_xh + b_x + b_h, which the table holds ready for each character.
function lstm_step(from_x, W_hh, { h, c }) {
  const H = h.length, a = affine(h, W_hh, from_x); // the gates before their nonlinearity: i, f, g, o side by side
  const next = { h: new Float64Array(H), c: new Float64Array(H) };
  for (let u = 0; u < H; u++) {
    const i = sigmoid(a[u]), f = sigmoid(a[H + u]), g = Math.tanh(a[2 * H + u]), o = sigmoid(a[3 * H + u]);
    next.c[u] = f * c[u] + i * g;
    next.h[u] = o * Math.tanh(next.c[u]);
  }
  return next;
}

// Properties of the text that a unit might follow: at each character, a number that depends on what was read so far.
const at_each = (pattern) => (characters) => characters.map((x) => Number(pattern.test(x)));
const PROPERTIES = {
  "place within the word": (characters) => {
    let place = 0;
    return characters.map((x) => (place = /\p{L}/u.test(x) ? place + 1 : 0));
  },
  "just read a space": at_each(/\s/),
  "just read a capital": at_each(/\p{Lu}/u),
  "just read a digit": at_each(/\p{Nd}/u),
  "inside brackets or quotes": (characters) => {
    let depth = 0, quoted = false;
    return characters.map((x) => {
      if ("([{“".includes(x)) depth += 1;
      if (")]}”".includes(x)) depth = Math.max(0, depth - 1);
      if (x === '"') quoted = !quoted;
      return Number(depth > 0 || quoted);
    });
  },
};

const mean = (x) => x.reduce((a, b) => a + b, 0) / x.length;
const deviations = (x) => { const m = mean(x); return x.map((value) => value - m); };
const covariance = (x, y) => { const dx = deviations(x), dy = deviations(y); return mean(dx.map((d, t) => d * dy[t])); };
const spread = (x) => Math.sqrt(covariance(x, x)); // the standard deviation
const FLAT = 1e-9; // a unit that varies less does not move: what is left of it is rounding

const say = (x) => ({ " ": "space", "\n": "line break", "\t": "tab", "\xa0": "hard space" })[x] ?? x; // a character by name
const show = (x) => ({ " ": "␣", "\n": "↵", "\t": "⇥", "\xa0": "⍽" })[x] ?? x; // and as a sign that can be seen

function hidden_units(root, state) {
  // What is given,
  const { alphabet } = state, V = alphabet.length;
  const [table, W_hh, W_hy, b_y] = ["table", "W_hh", "W_hy", "b_y"].map((name) => numbers(state[name]));
  const H = W_hy.length / V;
  // what the reader chooses: a unit and, among the characters read, a place,
  let unit = 0, place = 0;
  // and what follows from the reader's text: the characters read (T) and skipped, h (T, H), p of the next (T, V), the menu.
  let characters = [], skipped = [], h = [], p = [], menu = [];

  root.querySelector(".panel").innerHTML = `
    <label class="text-label"><span>Your text <span class="count"></span></span>
      <textarea rows="3" spellcheck="false"></textarea></label>
    <p class="skipped" role="status"></p>
    <div class="controls">
      <label class="slider"><span>Unit</span><input type="range" min="0" max="${H - 1}" aria-label="Unit, slider"></label>
      <input class="unit" type="number" min="0" max="${H - 1}" aria-label="Unit, number from 0 to ${H - 1}">
      <label class="menu"><span>or one that stands out in your text</span><select></select></label>
    </div>
    <p class="note">r is the correlation of a unit with a property over your text, the largest of the ${H} units. In a short
      text some unit seems to follow anything by chance: look whether it does so in a second one.</p>
    <div class="text" role="listbox" aria-orientation="horizontal"></div>
    <div class="trace" aria-hidden="true"></div>
    <div class="readout">
      <div>
        <p class="here">After <q></q> unit <b></b> is at <strong></strong></p>
        <div class="legend" aria-hidden="true">
          <div class="bar"><i></i></div><span>−1</span><span>0</span><span>+1</span>
        </div>
      </div>
      <div><p>Most likely next characters:</p><ol class="next"></ol></div>
    </div>
    <p class="summary" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector);
  const [textarea, slider, number, select] = ["textarea", "[type=range]", "[type=number]", "select"].map(find);
  const [text, trace] = [".text", ".trace"].map(find);
  let cells = [], bars = []; // an element for each character read

  // Run the model over the text and find the units that stand out.
  function read() {
    const everything = Array.from(textarea.value);
    characters = everything.filter((x) => alphabet.includes(x));
    skipped = everything.filter((x) => !alphabet.includes(x));
    let now = { h: new Float64Array(H), c: new Float64Array(H) };
    h = characters.map((x) => {
      const id = alphabet.indexOf(x);
      now = lstm_step(table.subarray(4 * H * id, 4 * H * (id + 1)), W_hh, now);
      return now.h;
    });
    p = h.map((h_t) => softmax(affine(h_t, W_hy, b_y)));

    const units = Array.from({ length: H }, (_, u) => h.map((h_t) => h_t[u]));
    const spreads = units.map(spread), best = (scores) => scores.indexOf(Math.max(...scores));
    menu = [];
    if (characters.length) {
      const u = best(spreads);
      menu.push({ unit: u, score: spreads[u], label: `varies most, standard deviation ${spreads[u].toFixed(2)}` });
    }
    for (const [label, property] of Object.entries(PROPERTIES)) {
      const wanted = property(characters), width = spread(wanted);
      if (!(width > FLAT)) continue; // the property never changes in this text: nothing to correlate with
      const r = units.map((values, u) => (spreads[u] > FLAT ? covariance(values, wanted) / spreads[u] / width : 0));
      const u = best(r.map(Math.abs));
      menu.push({ unit: u, score: r[u], label: `${label}, r = ${signed(r[u], 2)}` });
    }
  }

  // New elements for a new text; their colours, heights and names are left to `draw`.
  function lay_out() {
    text.replaceChildren();
    trace.replaceChildren();
    cells = [], bars = [];
    for (const x of textarea.value) {
      const known = alphabet.includes(x), cell = text.appendChild(document.createElement(known ? "span" : "s"));
      cell.textContent = x === "\n" ? "↵\n" : x;
      if (!known) { cell.ariaHidden = "true"; continue; } // the sentence about skipped characters names it
      const t = cells.length;
      cell.role = "option";
      cell.onpointermove = cell.onfocus = () => { if (place !== t) { place = t; draw(); } };
      cells.push(cell);
      bars.push(trace.appendChild(document.createElement("i")));
    }
    select.replaceChildren(new Option("choose", ""), ...menu.map(({ label, unit }) => new Option(label, unit)));
    find(".count").textContent = `(${Array.from(textarea.value).length} of at most ${state.longest} characters)`;
    find(".skipped").textContent = skipped.length
      ? `Not in the model's alphabet of ${V} characters, so struck out and skipped: ${[...new Set(skipped.map(say))].join(" ")}`
      : "";
  }

  // Everything that depends on the unit and the place.
  function draw() {
    const values = h.map((h_t) => h_t[unit]), T = values.length;
    slider.value = number.value = unit;
    const chosen = menu[select.selectedIndex - 1]; // one unit may stand out in two ways
    if (chosen?.unit !== unit) select.selectedIndex = 1 + menu.findIndex((entry) => entry.unit === unit);
    text.ariaLabel = `Your text, coloured by unit ${unit}`;
    values.forEach((value, t) => {
      for (const element of [cells[t], bars[t]]) {
        element.className = value < 0 ? "low" : "high";
        element.style.setProperty("--strength", Math.abs(value).toFixed(3));
        element.toggleAttribute("data-here", t === place);
      }
      cells[t].tabIndex = t === place ? 0 : -1; // one stop for the tab key, arrows from there
      cells[t].ariaSelected = t === place;
      cells[t].ariaLabel = `${say(characters[t])}, ${signed(value)}`;
    });

    const likely = T ? Array.from(p[place].keys()).sort((a, b) => p[place][b] - p[place][a]).slice(0, 3) : [];
    const before = (t) => (t < 12 ? "" : "…") + characters.slice(Math.max(0, t - 11), t + 1).map(show).join("");
    const expected = likely.map((id) => [alphabet[id], p[place][id].toFixed(3)]);
    find(".readout").hidden = !T;
    if (T) {
      cells[place].ariaLabel += `; next ${expected.map(([x, p_x]) => `${say(x)} ${p_x}`).join(", ")}`;
      find(".bar i").style.left = `${50 + 50 * values[place]}%`;
      find(".here q").textContent = before(place);
      find(".here b").textContent = unit;
      find(".here strong").textContent = signed(values[place]);
    }
    find(".next").replaceChildren(...expected.map(([x, p_x]) => {
      const item = document.createElement("li");
      item.style.setProperty("--p", p_x);
      for (const words of [show(x), p_x]) item.appendChild(document.createElement("span")).textContent = words;
      return item;
    }));

    const [low, high] = [Math.min, Math.max].map((extreme) => values.indexOf(extreme(...values)));
    const at = (t) => `${signed(values[t])}, after “${before(t)}”`;
    const summary = T
      ? `Over this text unit ${unit} runs from ${at(low)}, to ${at(high)}.`
      : "There is nothing to read yet: type a text.";
    if (find(".summary").textContent !== summary) find(".summary").textContent = summary; // or it would be spoken again
    root.state = { unit, place, characters, skipped, h, p, menu }; // for whoever wants the numbers
  }

  const go_to = (t) => cells[Math.max(0, Math.min(t, cells.length - 1))]?.focus();
  const choose = (u) => { unit = Math.max(0, Math.min(H - 1, Math.round(u) || 0)); draw(); };
  textarea.oninput = () => {
    read();
    lay_out();
    const left_of_caret = Array.from(textarea.value.slice(0, textarea.selectionEnd)).filter((x) => alphabet.includes(x));
    place = Math.max(0, left_of_caret.length - 1); // so the reader sees what the model expects at the caret
    draw();
  };
  slider.oninput = () => choose(slider.value);
  number.oninput = () => { if (number.value !== "") choose(number.value); };
  select.onchange = () => { if (select.value !== "") choose(select.value); };
  trace.onpointermove = (event) => {
    const { left, width } = trace.getBoundingClientRect();
    place = Math.max(0, Math.min(cells.length - 1, Math.floor(((event.clientX - left) / width) * cells.length)));
    draw();
  };
  text.onkeydown = (event) => {
    const moves = { ArrowLeft: () => go_to(place - 1), ArrowRight: () => go_to(place + 1), Home: () => go_to(0),
      End: () => go_to(cells.length - 1), ArrowUp: () => choose(unit + 1), ArrowDown: () => choose(unit - 1) };
    if (!moves[event.key]) return;
    event.preventDefault(); // the page must not scroll
    moves[event.key]();
  };

  // The untouched figure already speaks: the unit that varies most, at the place where it is highest.
  textarea.maxLength = state.longest;
  textarea.value = state.text;
  read();
  unit = menu[0].unit;
  place = h.reduce((top, h_t, t) => (h_t[unit] > h[top][unit] ? t : top), 0);
  lay_out();
  draw();
}
