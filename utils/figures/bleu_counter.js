// BLEU of one sentence against one reference. What counts, and what becomes of it, is as in utils/metrics.py.

const ORDERS = [1, 2, 3, 4];
const KINDS = { counted: "counts", clipped: "clipped", absent: "not in the reference" }; // an n-gram of the hypothesis is one
const ngrams = (words, n) => words.slice(n - 1).map((_, i) => words.slice(i, i + n).join(" ")); // no word has a space in it

// The n-grams of the hypothesis in order: which of its kind each is, from 1, where the reference has that kind, and so what
// it is worth. Of equal ones the first count, as many as the reference has.
function count(hypothesis, reference, n) {
  const theirs = Map.groupBy(ngrams(reference, n).map((text, i) => ({ text, i })), ({ text }) => text), met = new Map();
  return ngrams(hypothesis, n).map((text, i) => {
    const which = (met.get(text) ?? 0) + 1, places = (theirs.get(text) ?? []).map((other) => other.i);
    met.set(text, which);
    return { n, i, text, which, places, kind: which <= places.length ? "counted" : places.length ? "clipped" : "absent" };
  });
}

// The score, 0 to 100, and what it is made of. `worth` of an order is its matches; of orders without any, the first is worth
// a half, the next a quarter ..., unless no word matches. Orders without n-grams are left out of the mean.
function bleu(hypothesis, reference) {
  let share = 1;
  const orders = ORDERS.map((n) => {
    const grams = count(hypothesis, reference, n), matches = grams.filter(({ kind }) => kind === "counted").length;
    return { n, grams, matches, total: grams.length, worth: matches || (grams.length ? (share /= 2) : 0) };
  });
  const used = orders.filter(({ total }) => total), [length, theirs] = [hypothesis.length, reference.length];
  const penalty = length >= theirs ? 1 : length ? Math.exp(1 - theirs / length) : 0;
  const logs = used.reduce((sum, { worth, total }) => sum + Math.log(worth / total), 0);
  const mean = orders[0].matches ? Math.exp(logs / used.length) : 0;
  return { hypothesis, reference, orders, used, penalty, mean, score: 100 * penalty * mean };
}

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt()};`);
const listed = (parts) => (parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join(""));

// The whole count in words.
function summary({ hypothesis, reference, orders, used, penalty, score }) {
  if (!hypothesis.length) return "The translation is empty: nothing counts, and BLEU is 0.";
  if (!reference.length) return "The reference is empty: nothing counts, and BLEU is 0.";
  if (!orders[0].matches) return "None of its words is in the reference: BLEU is 0.";
  const zeros = used.filter(({ matches }) => !matches), left = orders.filter(({ total }) => !total);
  const taken = zeros.map(({ n, worth }) => `that of ${n}-grams is taken as 1/${1 / worth}`);
  const against = `${hypothesis.length} word${hypothesis.length === 1 ? "" : "s"} against ${reference.length}`;
  return [
    `What counts: ${used.map(({ n, matches, total }) => `${n}-grams ${matches} of ${total}`).join(", ")}.`,
    zeros.length ? `A 0 would make the whole product 0, so ${listed(taken)}.` : "",
    left.length ? `It is too short for ${listed(left.map(({ n }) => `${n}-grams`))}: the mean leaves them out.` : "",
    penalty < 1 ? `${against}: the brevity penalty is ${penalty.toFixed(3)}.` : `${against}: no penalty for brevity.`,
    `BLEU is ${score.toFixed(2)}.`,
  ].filter(Boolean).join(" ");
}

// One n-gram in words.
function explain({ text, which, places, kind }, all) {
  const times = all.filter((other) => other.text === text).length, here = `number ${which} of ${times} in the translation`;
  if (kind === "absent") return `“${text}” does not count: it is not in the reference.`;
  if (kind === "clipped") return `“${text}” is clipped: ${here}, and the reference has only ${places.length}.`;
  return `“${text}” counts: ${times > 1 ? `${here}, and the reference has ${places.length}` : "it is in the reference"}.`;
}

const over = (above, below, mark = "") => `<span class="over" ${mark}><span>${above}</span><span>${below}</span></span>`;

// 100 × brevity penalty × mean = BLEU, in this sentence's numbers.
function formula({ hypothesis, reference, orders, used, penalty, mean, score }) {
  const part = (sign, value, caption) =>
    `<span class="part"><span>${sign}</span><span>${value}</span><small>${caption}</small></span>`;
  const above = ({ worth, matches }) => (matches ? worth : { 2: "½", 4: "¼", 8: "⅛" }[1 / worth]);
  const worths = used.map((order) => over(above(order), order.total, order.matches ? "" : "data-taken"));
  const product = orders[0].matches ? `<i>(</i>${worths.join("·")}<i>)</i><sup>1/${used.length}</sup>` : "0";
  const short = penalty < 1 ? `exp(1 − ${reference.length}/${hypothesis.length})` : "not shorter";
  return [part("100 ×", penalty.toFixed(3), `brevity penalty<br>${short}`),
    part("×", product, `geometric mean<br>${mean.toFixed(3)}`), part("=", `<b>${score.toFixed(2)}</b>`, "BLEU")].join(" ");
}

function bleu_counter(root, { examples, longest, longest_text }) {
  const field = (kind, name) => `<label><span>${name}</span><input class="${kind}" type="text" maxlength="${longest_text}"
    autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="${root.id}-note"></label>`;
  const sample = ([kind, words]) => `<span><span class="block" data-kind="${kind}"></span> ${words}</span>`;
  root.querySelector(".panel").innerHTML = `
    <div class="fields">${field("hypothesis", "Your translation (the hypothesis)")}${field("reference", "Reference")}</div>
    <p class="note" id="${root.id}-note" role="status"></p>
    <div class="examples" role="group" aria-label="Examples">${examples.map(([text]) =>
      `<button type="button">${escaped(text)}</button>`).join("")}</div>
    <div class="counts">
      <p class="legend" aria-hidden="true">${Object.entries(KINDS).map(sample).join("")}</p>
      <div class="board">
        <div class="ngrams" role="listbox" aria-label="The n-grams of the translation"></div>
        <div class="found"><p aria-hidden="true">Reference</p><p class="theirs" role="img"></p>
          <p class="said" aria-live="polite"></p></div>
      </div>
      <p class="formula" role="img"></p>
    </div>`;
  const find = (selector) => root.querySelector(selector), grid = find(".ngrams"), panel = find(".panel");
  const fields = [find("input.hypothesis"), find("input.reference")], buttons = [...root.querySelectorAll("button")];
  let counted, here = null, width = 0; // the count, the n-gram looked at, if any, and the width that was drawn for

  function read() {
    const typed = fields.map(({ value }) => value.match(/\S+/g) ?? []);
    const cut = ["translation", "reference"].filter((_, k) => typed[k].length > longest);
    counted = bleu(...typed.map((words) => words.slice(0, longest)));
    here = null;
    find(".note").textContent = cut.length ? `Only the first ${longest} words of the ${listed(cut)} are looked at.`
      : fields.some(({ value }) => value.length >= longest_text) ? `A field takes ${longest_text} characters, no more.`
      : "Spaces divide words; capitals and punctuation make a difference.";
    buttons.forEach((button, k) => { button.ariaPressed = fields.every(({ value }, side) => value === examples[k][side]); });
    paint();
  }

  // New blocks: word i of the translation is line i of the grid, and the n-grams of one order take n lanes by turns.
  function paint() {
    const { hypothesis, reference, orders } = counted, first = (n) => (n * (n + 1)) / 2; // a free lane before each order
    const block = ({ n, i, text, kind }) => `<span class="block" role="option" data-n="${n}" data-i="${i}" data-kind="${kind}"
      style="--at: ${i + 2}; --lane: ${first(n) + (i % n)}; --n: ${n}" aria-label="${escaped(text)}: ${KINDS[kind]}"
      >${n === 1 ? `<span>${escaped(text)}</span>` : ""}</span>`;
    const beside = (n, at, content) =>
      `<span class="beside" aria-hidden="true" style="--at: ${at}; --lane: ${first(n)}; --n: ${n}">${content}</span>`;
    grid.style.setProperty("--words", hypothesis.length);
    grid.hidden = find(".formula").hidden = !hypothesis.length;
    grid.innerHTML = orders.map(({ n, grams, matches, total }) => `<span role="group" aria-label="${n}-grams: ${
      matches} of ${total}">${beside(n, 1, `n = ${n}`)}${grams.map(block).join("")}${
      beside(n, hypothesis.length + 2, total ? over(matches, total) : "none")}</span>`).join("");
    find(".theirs").innerHTML = reference.map((word) => `<span>${escaped(word)}</span>`).join(" ");
    find(".theirs").ariaLabel = `Reference: ${reference.join(" ") || "empty"}`;
    find(".formula").innerHTML = formula(counted);
    find(".formula").ariaLabel = summary(counted);
    fit();
    draw();
  }
  function fit() { // words stand side by side if there is room, else below one another
    width = panel.clientWidth;
    delete grid.dataset.upright;
    if (grid.scrollWidth > grid.clientWidth) grid.dataset.upright = "";
  }

  // What depends on the n-gram looked at: its words, and in the reference the place it matches and the others like it.
  function draw() {
    const within = (start, i) => i >= start && i < start + here.n;
    grid.querySelectorAll(".block").forEach((element, k) => {
      const n = Number(element.dataset.n), i = Number(element.dataset.i), own = here?.n === n && here.i === i;
      element.tabIndex = own || (!here && k === 0) ? 0 : -1; // one stop for the tab key, arrows from there
      element.ariaSelected = own;
      element.toggleAttribute("data-within", here !== null && n === 1 && within(here.i, i));
    });
    find(".theirs").querySelectorAll("span").forEach((element, i) => {
      const found = here?.places.filter((start) => within(start, i)) ?? [];
      const own = here?.kind === "counted" && found.includes(here.places[here.which - 1]);
      element.dataset.lit = own ? "own" : found.length ? "other" : "";
    });
    const said = here ? explain(here, counted.orders[here.n - 1].grams) : summary(counted);
    if (find(".said").textContent !== said) find(".said").textContent = said; // or it would be spoken again
    root.state = { ...counted, here }; // for whoever wants the numbers
  }
  function look_at(n, i) {
    here = counted.orders[n - 1].grams[i];
    draw();
  }

  const at = ({ target }) => { // by its movement, so that a mouse at rest has no say
    const { n, i } = target.closest("[data-n]")?.dataset ?? {};
    if (n && !(here?.n === Number(n) && here.i === Number(i))) look_at(Number(n), Number(i));
  };
  grid.onpointermove = at;
  grid.onpointerdown = at;
  grid.addEventListener("focusin", at);
  grid.onkeydown = (event) => { // along the words, and from order to order
    const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], upright = "upright" in grid.dataset;
    const [back, on, fewer, more] = upright ? [...keys.slice(2), ...keys.slice(0, 2)] : keys;
    const { n, i } = here, step = { [back]: [n, i - 1], [on]: [n, i + 1], [fewer]: [n - 1, i], [more]: [n + 1, i],
      Home: [n, 0], End: [n, Infinity] }[event.key];
    if (!step) return;
    event.preventDefault(); // the page must not scroll
    const order = Math.max(1, Math.min(step[0], counted.used.length));
    look_at(order, Math.max(0, Math.min(step[1], counted.orders[order - 1].total - 1)));
    find("[role=option][tabindex='0']").focus();
  };
  const fill = (k) => {
    examples[k].forEach((text, side) => { fields[side].value = text; });
    read();
  };
  buttons.forEach((button, k) => { button.onclick = () => fill(k); });
  for (const input of fields) input.oninput = read;
  fill(0);
  new ResizeObserver(() => { if (panel.clientWidth !== width) fit(); }).observe(panel);
}
