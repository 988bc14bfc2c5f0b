// A field for a sentence of known words, with examples below it; utils/figures/sentence.py says who uses it.

const escaped = (words) => words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const cut = (word, most) => (word.length > most ? `${word.slice(0, most - 1)}…` : word);

// A sentence -> its words as the vocabulary has them, without what else stands around them: "Look it up!" -> look, it, up.
function split(text, known) {
  const bare = (word) => word.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  const plain = (word) => word.toLowerCase().replaceAll("’", "'");
  const forms = (word) => [word, plain(word), bare(word), bare(plain(word))];
  return text.split(/\s+/).map((word) => forms(word).find((form) => known.has(form)) ?? forms(word)[3]).filter(Boolean);
}

// How many letters must be put in, taken out or exchanged (Levenshtein).
function edits(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) next.push(Math.min(row[j] + (a[i] !== b[j]), row[j + 1] + 1, next[j] + 1));
    row = next;
  }
  return row.at(-1);
}

// Up to three words of similar spelling, the most similar first; those that begin so come early, for they may become it.
function similar(word, words) {
  return words.map((other) => [other.startsWith(word) ? 0.5 : edits(word, other), other])
    .filter(([cost]) => cost <= Math.max(1, word.length / 2))
    .sort((a, b) => a[0] - b[0] || a[1].length - b[1].length).slice(0, 3).map(([, other]) => other);
}

const sentence_markup = (root, examples) => `
  <div class="sentence-field">
    <label class="sentence"><span>Your sentence</span><input type="text" maxlength="300" autocomplete="off"
      autocapitalize="off" spellcheck="false" aria-describedby="${root.id}-note"></label>
    <p class="advice" id="${root.id}-note" role="status"></p>
    <div class="examples" role="group" aria-label="Examples">${examples.map((example) =>
      `<button type="button">${escaped(example)}</button>`).join("")}</div>
  </div>`;

const known_words = (words) => `
  <details class="known-words"><summary>The ${words.length} words that it knows</summary>
    <p class="known">${escaped(words.toSorted().join(" · "))}</p></details>`;

// Lets the field of `sentence_markup` read: take(words) at each new sentence, and at once with the first example. Where what
// is typed cannot be taken, the note says why, and the last sentence stays.
function sentence_field(root, { words, longest, examples }, take) {
  const known = new Set(words), field = root.querySelector(".sentence-field");
  const [input, note, offered] = ["input", ".advice", ".examples"].map((part) => field.querySelector(part));
  let sentence = [];

  function read() {
    const typed = split(input.value, known), unknown = [...new Set(typed.filter((word) => !known.has(word)))];
    const wrong = unknown.length > 0 || typed.length === 0 || typed.length > longest;
    input.ariaInvalid = wrong;
    if (!wrong && typed.join(" ") !== sentence.join(" ")) {
      sentence = typed;
      take(sentence);
    }
    note.replaceChildren(...explain(typed, unknown));
    root.state = { ...root.state, unknown };
  }
  function explain(typed, unknown) {
    const stays = sentence.length ? ` Below is still “${cut(sentence.join(" "), 40)}”.` : "";
    if (!typed.length) return [`Type a sentence.${stays}`];
    if (!unknown.length) {
      return [typed.length > longest ? `A sentence of ${typed.length} words; it can be ${longest} long.${stays}`
        : `Up to ${longest} of the ${words.length} words that it knows. They are listed at the end.`];
    }
    const parts = ["It does not know: "];
    for (const word of unknown.slice(0, 3)) {
      parts.push(`“${cut(word, 24)}” `);
      for (const other of similar(word, words)) {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: other, ariaLabel: `${other} for ${cut(word, 24)}` });
        button.onclick = () => { fill(typed.map((each) => (each === word ? other : each)).join(" ")); input.focus(); };
        parts.push(button, " ");
      }
    }
    if (unknown.length > 3) parts.push(`and ${unknown.length - 3} more`);
    return [...parts, document.createElement("br"), stays];
  }
  function fill(text) {
    input.value = text;
    read();
  }

  offered.onclick = ({ target: { type, textContent } }) => { if (type === "button") fill(textContent); };
  input.oninput = read;
  fill(examples[0]);
}
