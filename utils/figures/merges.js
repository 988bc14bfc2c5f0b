// Byte-pair encoding, merge by merge. Counts, ties and merges are those of utils/bpe.py.

// A text -> its words in the order in which they are met, each with its count. "hug*10" is hug ten times.
function count_words(text) {
  const counts = new Map();
  for (const piece of text.match(/\S+/g) ?? []) {
    const [, word, times] = piece.match(/^(.+)\*([1-9]\d{0,3})$/) ?? [piece, piece, 1];
    counts.set(word, (counts.get(word) ?? 0) + Number(times));
  }
  return counts;
}

// What a word is at first. A byte is written as the character of its number, so that symbols are strings in both cases.
const SYMBOLS = {
  characters: (word) => [...word], // by code points
  bytes: (word) => Array.from(new TextEncoder().encode(word), (byte) => String.fromCharCode(byte)),
};
// All bytes as GPT-2 numbers them: first those that are a visible character in Latin-1.
const visible = (byte) => /[!-~¡-¬®-ÿ]/.test(byte);
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).sort((a, b) => visible(b) - visible(a));

// How pairs are ranked: by count, then by the ids of their symbols; where that says nothing, the one met first stays first.
function ranking(vocabulary, ties) {
  const id = new Map(ties === "ids" ? vocabulary.map((token, i) => [token, i]) : []), id_of = (token) => id.get(token) ?? 0;
  return (x, y) => y.count - x.count || id_of(x.pair[0]) - id_of(y.pair[0]) || id_of(x.pair[1]) - id_of(y.pair[1]);
}

// The pairs of neighbours within words, in the order in which they are met, each with its count.
function count_pairs(table) {
  const found = new Map();
  for (const { symbols, count } of table) {
    for (let i = 1; i < symbols.length; i++) {
      const key = `${symbols[i - 1]} ${symbols[i]}`; // no word has a space in it
      if (found.has(key)) found.get(key).count += count;
      else found.set(key, { pair: [symbols[i - 1], symbols[i]], count });
    }
  }
  return [...found.values()];
}
const equals = (pairs, best) => pairs.filter(({ count }) => count === best.count).length; // the best one included

// Symbols with each (a, b) made one, from the left.
function replace(symbols, [a, b]) {
  const replaced = [];
  for (const symbol of symbols) replaced.push(symbol === b && replaced.at(-1) === a ? replaced.pop() + b : symbol);
  return replaced;
}

// The states after 0, 1, 2 ... merges: the table of words, the vocabulary, how many tokens the text takes, and the last merge.
function learn(words, symbols, ties, most) {
  let table = Array.from(words, ([word, count]) => ({ count, symbols: SYMBOLS[symbols](word) }));
  const alphabet = [...new Set(table.flatMap((row) => row.symbols))].sort((a, b) => a.codePointAt() - b.codePointAt());
  let vocabulary = symbols === "bytes" ? BYTES : alphabet, merge = null;
  const states = [];
  while (true) {
    states.push({ table, vocabulary, merge, tokens: table.reduce((sum, row) => sum + row.count * row.symbols.length, 0) });
    const pairs = states.length > most ? [] : count_pairs(table), before = ranking(vocabulary, ties);
    if (!pairs.length) return states;
    const best = pairs.reduce((x, y) => (before(x, y) <= 0 ? x : y));
    merge = { ...best, token: best.pair.join(""), tied: equals(pairs, best) };
    table = table.map((row) => ({ ...row, symbols: replace(row.symbols, merge.pair) }));
    vocabulary = [...vocabulary, merge.token];
  }
}

// The merges in order on one word -> its symbols at first, and again after each merge that changed them.
function encode(word, symbols, merges) {
  return merges.reduce((way, { pair }, i) => {
    const before = way.at(-1).symbols, after = replace(before, pair);
    return after.length < before.length ? [...way, { symbols: after, by: i + 1 }] : way;
  }, [{ symbols: SYMBOLS[symbols](word), by: 0 }]);
}

// What is to be seen after t merges, or after all there are: the state, the ranked pairs, and what becomes of another text.
function look(states, { t, symbols, ties, other }) {
  const now = Math.min(t, states.length - 1), { table, vocabulary } = states[now], known = new Set(vocabulary);
  const ranked = count_pairs(table).sort(ranking(vocabulary, ties));
  const learned = states.slice(1, now + 1).map(({ merge }) => merge);
  const words = table.reduce((sum, { count }) => sum + count, 0), totals = states.map(({ tokens }) => tokens);
  const ways = (other.match(/\S+/g) ?? []).map((word) => encode(word, symbols, learned));
  const encoded = ways.flatMap((way) => way.at(-1).symbols);
  const unknown = [...new Set(encoded)].filter((token) => !known.has(token));
  return { ...states[now], now, end: states.length - 1, ranked, learned, words, totals, ways, encoded, unknown };
}

// How a token is written: a mark on a circle, what cannot be seen by its number, bytes that are no whole character as such.
function written(token, symbols) {
  const hex = (c) => c.codePointAt().toString(16), whole = /([\xc2-\xdf].|[\xe0-\xef]..|[\xf0-\xf4]...)|[^!-~]/gs;
  const text = symbols === "characters" ? token : token.replace(whole, (byte, bytes) => (bytes
    ? new TextDecoder().decode(Uint8Array.from(bytes, (b) => b.charCodeAt())) : `\\x${hex(byte)}`));
  if (/^\p{C}+$/u.test(text)) return Array.from(text, (c) => `U+${hex(c).toUpperCase()}`).join(" ");
  return /^\p{M}/u.test(text) ? `◌${text}` : text;
}

// How many tokens the text takes after each merge: up to now, from now on, and a line at one for each word.
function curve({ totals, now, end, words }) {
  const x = (i) => (100 * i) / (end || 1), y = (n) => 100 - (100 * n) / (totals[0] || 1);
  const line = (from, to) => `M${totals.map((n, i) => `${x(i)} ${y(n)}`).slice(from, to).join("L")}`;
  return `<path class="floor" d="M0 ${y(words)}H100"/><path class="later" d="${line(now)}"/><path d="${line(0, now + 1)}"/>
    <path class="now" d="M${x(now)} 0V100"/>`;
}

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt()};`);
const number = (n) => n.toLocaleString("en");
const many = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
const items = (some, content) => some.map((x, i) => `<li>${content(x, i)}</li>`).join("");
const REASONS = { met: "stands first in the text", ids: "has the smaller ids" };
const SHOWN = 8; // pairs

function merges(root, { examples, merges: opening, most, longest, longest_word }) {
  const option = ([key, name]) => `<option value="${key}">${escaped(name)}</option>`;
  const choice = (kind, words, names) => `<label><span>${words}</span>
    <select class="${kind}">${Object.entries(names).map(option).join("")}</select></label>`;
  const box = (kind, title) => `<p class="title">${title}</p><ol class="${kind}" aria-label="${title}"></ol>`;
  root.querySelector(".panel").innerHTML = `
    <form>
      <label><span>A text</span><textarea rows="3" maxlength="${longest}" spellcheck="false"></textarea></label>
      <p class="note counted"></p>
      <div class="choices">
        ${choice("example", "example", { ...examples.map(([name]) => name), own: "your own" })}
        ${choice("symbols", "symbols at first", { characters: "characters", bytes: "bytes (UTF-8)" })}
        ${choice("ties", "of equal pairs, merge", { met: "the first in the text", ids: "smaller ids" })}
      </div>
      <div class="steps">${"start back step end".replace(/\w+/g, '<button type="button">$&</button>')}
        <input type="range" min="0" aria-label="Merges"><b></b></div>
      <p class="last"></p>
      <div class="boxes">
        <div>${box("words", "Words as tokens")}<p class="title tokens"></p>
          <svg role="img" viewBox="0 0 100 100" preserveAspectRatio="none"></svg><p class="note range"></p></div>
        <div>${box("pairs", "Pairs of neighbours")}<p class="note why"></p></div>
        <div>${box("learned", "Merges")}</div>
        <div>${box("vocabulary", "Vocabulary")}<p class="note size"></p></div>
      </div>
      <div class="other">
        <label><span>Encode another word</span>
          <input type="text" maxlength="${longest_word}" autocomplete="off" spellcheck="false"></label>
        <ol class="way" aria-label="The word, and what each merge makes of it"></ol><p class="encoded"></p>
      </div>
    </form>
    <p class="spoken" aria-live="polite"></p>`;
  const find = (selector) => root.querySelector(selector), value = (selector) => find(selector).value;
  const put = (selector, html) => { find(selector).innerHTML = html; };
  const buttons = [...root.querySelectorAll("button")], slider = find(".steps input"), form = find("form");
  const growing = [find(".learned"), find(".vocabulary")];
  for (const list of [find(".words"), ...growing]) list.tabIndex = 0; // they scroll
  let states = [], t = opening; // what is learned from the text; the merges asked for, shown if there are so many

  function draw() {
    const symbols = value(".symbols"), ties = value(".ties"), other = value(".other input");
    const seen = look(states, { t, symbols, ties, other });
    const { now, end, table, vocabulary, merge, tokens, ranked, learned, words, totals, ways, encoded, unknown } = seen;
    const hues = new Map(learned.map(({ token }, i) => [token, (i * 137.5) % 360])); // neighbours in the list far apart
    const kind = (token) => (hues.has(token) ? "merged" : unknown.includes(token) ? "unknown" : "first");
    const chip = (token) => `<span class="token ${kind(token)}" style="--hue: ${hues.get(token) ?? 0}"${
      token === merge?.token ? " data-last" : ""}>${escaped(written(token, symbols))}</span>`;
    const chips = (some) => some.map(chip).join(""), sum = ({ pair }) => pair.map(chip).join(" + ");
    const [next] = ranked, tied = next && equals(ranked, next), first = symbols === "bytes" ? 256 : 0;
    const why = (n) => (n > 1 ? `of ${n} pairs found as often, it ${REASONS[ties]}` : "no other pair is found as often");

    const full = value("textarea").length < longest ? "" : `The box is full: it takes ${number(longest)} characters.`;
    put(".counted", `${many(words, "word")}, ${number(table.length)} distinct.
      White space divides words; hug*10 is hug ten times. ${full}`);
    put(".steps b", `merge ${now} of ${end}`);
    put(".last", merge
      ? `Merge ${now}: ${sum(merge)} → ${chip(merge.token)}, found ${many(merge.count, "time")}; ${why(merge.tied)}.`
      : words ? "No merge yet: each word is a row of its first symbols." : "No words yet.");
    put(".words", items(table, (row) => `${chips(row.symbols)} <small>×${number(row.count)}</small>`));
    put(".pairs", items(ranked.slice(0, SHOWN), (x, i) => `<span>${sum(x)}</span>
      <i style="--share: ${x.count / next.count}"></i><b>${number(x.count)}</b>
      <small>${i === 0 ? "next" : i < tied ? "tied" : ""}</small>`));
    const first_is = now < end ? "The first is merged next" : "The page stops here; the first would be next";
    put(".why", `${next ? `${first_is}: ${why(tied)}.` : words ? "None: each word is one token." : ""}${
      ranked.length > SHOWN ? ` ${many(ranked.length - SHOWN, "more pair")}.` : ""}`);
    put(".learned", items(learned, (x) => `${sum(x)} → ${chip(x.token)} <small>×${number(x.count)}</small>`));
    put(".vocabulary", items(vocabulary.slice(first), chip));
    put(".size", `${first ? "All 256 bytes, and those shown: " : ""}${many(vocabulary.length, "token")}.`);
    put(".tokens", `${many(tokens, "token")} for ${many(words, "word")}: ${(tokens / (words || 1)).toFixed(2)} per word`);
    put(".range", `From ${number(totals[0])} before the first merge to ${number(totals[end])} after merge ${end};
      the thin line is one per word.`);
    put("svg", curve(seen));
    find("svg").ariaLabel = `Tokens of the text against merges. ${find(".tokens").textContent}. ${find(".range").textContent}`;
    put(".way", items(ways.flat(), (x) => `<small>${x.by ? `merge ${x.by}` : "at first"}</small> ${chips(x.symbols)}`));
    put(".encoded", encoded.length ? `${many(encoded.length, "token")}.${
      unknown.length ? ` Unknown, as the text does not have it: ${chips(unknown)}` : ""}` : "");
    for (const list of growing) list.scrollTop = list.scrollHeight; // where the newest stands
    Object.assign(slider, { max: end, value: now });
    buttons.forEach((button, i) => { button.ariaDisabled = now === (i < 2 ? 0 : end); });
    root.state = seen; // for whoever wants the numbers
  }

  function speak() {
    const { now, end, merge, ranked: [next] } = root.state, text = (selector) => find(selector).textContent;
    const sum = ({ pair }) => pair.map((token) => written(token, value(".symbols"))).join(" and ");
    const say = (x) => `${sum(x)}, ${many(x.count, "time")}. `;
    find(".spoken").textContent = `${merge ? `Merge ${now} of ${end}: ${say(merge)}` : "No merge. "}${text(".tokens")}. `
      + `${next ? `Next: ${say(next)}` : ""}The other word: ${text(".encoded") || "none."}`;
  }

  function change({ target }) {
    const example = target.matches(".example") && examples[target.value];
    if (target === slider) t = slider.valueAsNumber;
    if (target.matches("textarea")) find(".example").value = "own";
    if (example) [, find("textarea").value, find(".other input").value] = example;
    if (target.matches("textarea, select")) {
      states = learn(count_words(value("textarea")), value(".symbols"), value(".ties"), most);
    }
    draw();
  }
  form.oninput = change;
  form.onchange = speak; // at the end of a drag or of writing, not on its way
  form.onsubmit = () => false;
  buttons.forEach((button, i) => {
    button.onclick = () => {
      t = [0, Math.max(0, root.state.now - 1), root.state.now + 1, Infinity][i];
      draw();
      speak();
    };
  });
  change({ target: find(".example") });
  speak();
}
