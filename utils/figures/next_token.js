// The next token. The model is the GPT of utils/language_models.py, its weights W by their names there, the rules are those of
// utils/sampling.py.

function log_softmax(logits) {
  const largest = Math.max(...logits), sum = logits.reduce((before, x) => before + Math.exp(x - largest), 0);
  return logits.map((x) => x - largest - Math.log(sum));
}

// Where the part of a text of T tokens begins that the model reads. When it is as long as the model can read, half of it goes.
function beginning_of_window(T, longest) {
  const half = Math.ceil(longest / 2);
  return half * Math.max(0, Math.ceil((T - longest) / half));
}

// The text `ids` -> log_p (V,) of what follows it, the `window` of it that was read, and its `past`, keys and values by block.
// Those of `before`, an earlier reading, serve as far as the two windows begin alike: only the rest is read.
function read(W, { longest, ...kind }, ids, before) {
  const window = ids.slice(beginning_of_window(ids.length, longest)), places = W["places.places.weight"];
  let known = 0;
  while (known < window.length - 1 && window[known] === before?.window[known]) known++; // the last one is always read
  const past = before?.past.map(({ keys, values }) => ({ keys: keys.slice(0, known), values: values.slice(0, known) }));
  const x = window.slice(known).map((id, t) => Float64Array.from(W["words.weight"][id], (a, i) => a + places[known + t][i]));
  const { x: y, blocks } = stack(W, "stack", x, kind, { causal: true, past });
  const logits = W["words.weight"].map((word) => dot(word, y.at(-1)));
  return { log_p: log_softmax(logits), window, past: blocks.map(({ kept }) => kept), read: x.length };
}

// log_p (V,) -> p (V,) after temperature, then top-k, then nucleus, and what ruled a token out, "" if nothing did. Of equals
// the smaller id is the first. At temperature 0 stands the limit, the most probable token.
function reshape(log_p, { temperature, top_k, top_p }) {
  const largest = Math.max(...log_p), logits = log_p.map((x) => (x - largest) / (temperature || 1));
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]), out = logits.map(() => "");
  const left = (ids) => softmax(ids.map((id) => (out[id] ? -Infinity : logits[id])));
  if (temperature === 0) order.slice(1).forEach((id) => { out[id] = "temperature 0"; });
  order.slice(top_k).forEach((id) => { out[id] ||= "top-k"; });
  let sum = 0;
  left(order).forEach((p, rank) => {
    if (top_p < 1 && sum >= top_p) out[order[rank]] ||= "the nucleus";
    sum += p;
  });
  return { p: left([...logits.keys()]), out };
}

// From 0 to below 1: the draw of place i under a seed, the same at each call (the last steps are Tommy Ettinger's mulberry32).
function uniform(seed, i) {
  let bits = ((Math.imul(seed, 0x9e3779b1) ^ i) + 0x6d2b79f5) | 0;
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

// The first token with which the sum of p (V,) exceeds u.
function pick(p, u) {
  let sum = 0;
  return p.findIndex((p_i) => (sum += p_i) > u);
}

const UNSEEN = { " ": ["␣", "space"], "\n": ["⏎", "new line"], "\t": ["⇥", "tab"], "\u00a0": ["⍽", "no-break space"] };
const sign = (character) => UNSEEN[character]?.[0] ?? character;
const spoken = (character) => UNSEEN[character]?.[1] ?? `“${character}”`;
const escaped = (text) => text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
const probability = (p) => (p < 0.0005 ? "<0.001" : p.toFixed(3));
const fate = (after, out) => (out ? `cut by ${out}` : `${probability(after)} after the rules`);

function next_token(root, state) {
  // What is given; the beginning as ids, and what was drawn after it; the last reading of all that; which of the drawn tokens
  // is looked at, -1 while there is none; and those that stand in the page, as HTML.
  const { alphabet, longest, typed } = state, V = alphabet.length;
  const W = Object.fromEntries(Object.entries(state.weights).map(([name, part]) => [name, unpack(part)]));
  const ids = new Map(alphabet.map((character, id) => [character, id]));
  let beginning = [], drawn = [], reading, place = -1, written = "";

  const slider = (name, words, least, most, step, value) => `<label><span>${words}</span><b></b><input type="range"
    name="${name}" min="${least}" max="${most}" step="${step}" value="${value}"></label>`;
  const button = (words) => `<button type="button">${words}</button>`;
  const bar = `<button type="button" tabindex="-1"><b></b><span><i class="before"></i><i class="after"></i></span>
    <small></small></button>`;
  root.querySelector(".panel").innerHTML = `
    <label class="beginning">The text begins<textarea rows="2" autocomplete="off" autocapitalize="off" spellcheck="false"
      aria-describedby="${root.id}-note"></textarea></label>
    <p class="note" id="${root.id}-note" role="status"></p>
    <div class="rules">
      ${slider("temperature", "temperature", 0, 2, 0.05, 0.8)}
      ${slider("top_k", "top-k", 1, V, 1, V)}
      ${slider("top_p", "nucleus", 0.01, 1, 0.01, 0.95)}
    </div>
    <div class="steps">${["draw", "ten more", "back", "start", "again"].map(button).join("")}
      <label>seed <input type="number" min="0" max="999999" value="1"></label>${button("another seed")}</div>
    <p class="text"><span></span><span role="listbox" aria-orientation="horizontal" aria-label="What was drawn"></span></p>
    <p class="window">It has places for ${longest} characters. When they are full, the first half of them goes: it no longer
      reads the pale ones.</p>
    <p class="said" aria-live="polite"></p>
    <p class="kept" id="${root.id}-kept"></p>
    <p class="legend" aria-hidden="true"><i class="before"></i> by the model <i class="after"></i> after the rules</p>
    <div class="bars" role="group" aria-label="Take as the next character" aria-describedby="${root.id}-kept">${
      bar.repeat(V)}</div>`;
  const find = (selector) => root.querySelector(selector), all = (selector) => [...root.querySelectorAll(selector)];
  const field = find("textarea"), note = find(".note"), seed = find("[type=number]"), sliders = all("[type=range]");
  const [first, list] = all(".text > span"), rows = all(".bars button"), buttons = all(".steps button");

  const rules = () => Object.fromEntries(sliders.map(({ name, valueAsNumber }) => [name, valueAsNumber]));
  const whole = () => [...beginning, ...drawn.map(({ id }) => id)];
  const text = (part) => part.map((id) => alphabet[id]).join("");

  // All that is shown, from what is drawn and the places of the sliders.
  function draw() {
    const { log_p } = reading, { p, out } = reshape(log_p, rules()), before = log_p.map(Math.exp);
    const order = [...before.keys()].sort((a, b) => log_p[b] - log_p[a]);
    const unread = whole().length - reading.window.length;
    sliders.forEach((slider) => {
      slider.ariaValueText = setting(slider);
      slider.previousElementSibling.textContent = setting(slider);
    });
    first.innerHTML = `<span class="unread">${escaped(text(beginning.slice(0, unread)))}</span>${
      escaped(text(beginning.slice(unread)))}`;
    write(unread - beginning.length);
    find(".window").hidden = unread === 0;
    if (find(".said").textContent !== say()) find(".said").textContent = say(); // or it would be spoken again
    find(".kept").textContent = summary(before, out);
    rows.forEach((row, rank) => show(row, order[rank], before[order[rank]], p[order[rank]], out[order[rank]]));
    buttons.slice(2, 5).forEach((button) => { button.ariaDisabled = drawn.length === 0; });
    const { window, read } = reading;
    const numbers = { rules: rules(), log_p, p, out, drawn, place, read }; // for whoever wants them
    root.state = { ...root.state, ...numbers, text: text(whole()), window: text(window) };
  }
  function setting({ name, value, max, valueAsNumber }) {
    if (name === "top_k") return value === max ? `all ${V}` : value;
    return valueAsNumber === 0 ? "greedy" : valueAsNumber.toFixed(2);
  }
  // The tokens drawn, as elements; of these the first `unread` are pale.
  function write(unread) {
    const options = drawn.map(({ id, before, chosen }, i) => `<span role="option" data-i="${i}"
      class="${i < unread ? "unread" : ""} ${chosen ? "chosen" : ""}" aria-label="${escaped(spoken(alphabet[id]))}"
      style="--surprise:${Math.min(1, -Math.log2(before) / 8).toFixed(3)}">${
      alphabet[id] === "\n" ? "⏎\n" : escaped(alphabet[id])}</span>`).join("");
    if (options !== written) list.innerHTML = written = options; // only then: who is in there would lose the focus
    [...list.children].forEach((option, i) => {
      option.tabIndex = i === place ? 0 : -1; // one stop for the tab key, arrows from there
      option.ariaSelected = i === place;
      option.toggleAttribute("data-here", i === place);
    });
  }
  function say() {
    if (place < 0) return "Nothing is drawn yet.";
    const { id, before, after, out, chosen } = drawn[place];
    const name = spoken(alphabet[id]), how = chosen ? "chosen by you" : "drawn";
    return `Character ${beginning.length + place + 1}, ${name}, was ${how}: p = ${probability(before)} by the model, ${
      fate(after, out)}.`;
  }
  function summary(before, out) {
    const cut = [...out.keys()].filter((id) => out[id]), kept = V - cut.length;
    if (!cut.length) return `All ${V} characters are kept.`;
    const count = (rule) => cut.filter((id) => out[id] === rule).length;
    const by = ["temperature 0", "top-k", "the nucleus"].filter(count).map((rule) => `${count(rule)} by ${rule}`).join(", ");
    const mass = probability(cut.reduce((sum, id) => sum + before[id], 0));
    return `${kept} of ${V} characters ${kept === 1 ? "is" : "are"} kept. Cut: ${by}, together p = ${mass} by the model.`;
  }
  function show(row, id, before, after, out) {
    const [character, , numbers] = row.children, left = out ? "cut" : probability(after);
    row.dataset.id = id;
    row.toggleAttribute("data-cut", out !== "");
    row.style.cssText = `--before:${before.toFixed(4)};--after:${after.toFixed(4)}`;
    row.ariaLabel = `${spoken(alphabet[id])}: ${probability(before)} by the model, ${fate(after, out)}`;
    character.textContent = sign(alphabet[id]);
    numbers.textContent = `${probability(before)} → ${left}`;
  }

  // One more token: `chosen`, or else the one that chance picks.
  function add(chosen) {
    const { log_p } = reading, { p, out } = reshape(log_p, rules());
    const id = chosen ?? pick(p, uniform(seed.valueAsNumber || 0, drawn.length));
    drawn.push({ id, before: Math.exp(log_p[id]), after: p[id], out: out[id], chosen: chosen !== undefined });
    reading = read(W, state, whole(), reading);
  }
  function more(count) {
    for (let i = 0; i < count; i++) add();
    place = drawn.length - 1;
    draw();
  }
  function keep(count) {
    drawn = drawn.slice(0, Math.max(0, count));
    reading = read(W, state, whole(), reading);
    place = drawn.length - 1;
    draw();
  }
  function again() {
    const count = drawn.length;
    keep(0);
    more(count);
  }
  function take() {
    const now = [...field.value], unknown = [...new Set(now.filter((character) => !ids.has(character)))];
    const wrong = unknown.length > 0 || now.length === 0 || now.length > typed;
    field.ariaInvalid = wrong;
    if (!wrong) {
      beginning = now.map((character) => ids.get(character));
      keep(0);
    }
    note.textContent = explain(now.length, unknown) + (wrong ? " Below, the last text stays." : "");
    root.state = { ...root.state, unknown };
  }
  function explain(count, unknown) {
    if (unknown.length) {
      const rest = unknown.length > 8 ? ` and ${unknown.length - 8} more` : "";
      return `It does not know ${unknown.slice(0, 8).map(spoken).join(", ")}${rest}.`;
    }
    if (!count) return "Type at least one character.";
    if (count > typed) return `${count} characters; a beginning can have ${typed}.`;
    return `Up to ${typed} of the ${V} characters that it knows.`;
  }

  const does = [() => more(1), () => more(10), () => keep(drawn.length - 1), () => keep(0), again, () => {
    seed.valueAsNumber = (seed.valueAsNumber || 0) + 1;
    again();
  }];
  buttons.forEach((button, k) => { button.onclick = does[k]; });
  seed.onchange = again;
  field.oninput = take;
  find(".rules").oninput = draw;

  const bars = find(".bars");
  bars.onclick = ({ target }) => {
    const row = target.closest("button");
    if (!row) return;
    add(Number(row.dataset.id));
    place = drawn.length - 1;
    draw();
    rows[0].focus(); // of the next character, the most probable
  };
  bars.addEventListener("focusin", ({ target }) => rows.forEach((row) => { row.tabIndex = row === target ? 0 : -1; }));
  arrows(bars, "ArrowUp", "ArrowDown");

  const look = ({ target }) => {
    const i = Number(target.closest("[data-i]")?.dataset.i ?? place);
    if (i === place) return;
    place = i;
    draw();
  };
  list.onpointermove = look; // by its movement, so that a mouse at rest has no say
  list.onpointerdown = look;
  list.addEventListener("focusin", look);
  arrows(list, "ArrowLeft", "ArrowRight");

  rows[0].tabIndex = 0;
  field.value = state.beginning;
  take();
  more(10);
}

// Within a region two keys lead from element to element, Home to its first and End to its last.
function arrows(region, back, ahead) {
  region.addEventListener("keydown", (event) => {
    const all = [...region.children], i = all.indexOf(event.target);
    const to = { [back]: i - 1, [ahead]: i + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault(); // the page must not scroll
    all[to]?.focus();
  });
}
