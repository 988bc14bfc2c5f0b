// Matrices as grids of coloured cells, which several figures share: one tab stop each, and arrow keys from there.

// One cell of column c. `tint`, from -1 to 1, is its colour; `says` is what a screen reader hears, `shows` what stands in it.
const cell = (c, tint, says, shows = "") => `<i role="gridcell" tabindex="-1" data-c="${c}" aria-label="${says}"
  class="${tint < 0 ? "low" : "high"}" style="--tint:${Math.min(1, Math.abs(tint)).toFixed(3)}">${shows}</i>`;
const row = (r, name, cells) =>
  `<div role="row" data-r="${r}"><span role="rowheader">${name}</span>${cells.join("")}</div>`;
const grid = (part, label, rows) =>
  `<div class="matrix" role="grid" aria-label="${label}" data-part="${part}">${rows.join("")}</div>`;

// values (R, C), named row by row (as HTML), coloured from -limit to limit.
const matrix = (part, label, values, names, limit) => grid(part, `${label}, ${values.length} by ${values[0].length}`,
  values.map((each, r) => row(r, names[r], each.map((x, c) => cell(c, x / limit, `${names[r]}, ${c + 1}: ${signed(x)}`)))));

const place_of = (element) => ({
  part: element.closest("[data-part]").dataset.part,
  r: Number(element.closest("[data-r]").dataset.r),
  c: Number(element.dataset.c),
});
const element_at = (root, { part, r, c }) => root.querySelector(`[data-part="${part}"] [data-r="${r}"] [data-c="${c}"]`);

// Of each matrix one cell can be reached by the tab key: the one at `here`, else the one before, else its first.
function rove(root, here) {
  root.querySelectorAll("[data-part]").forEach((matrix) => {
    const before = matrix.querySelector("[tabindex='0']"), own = matrix.dataset.part === here.part && element_at(root, here);
    const stop = own || before || matrix.querySelector("[data-c]");
    if (before) before.tabIndex = -1;
    stop.tabIndex = 0;
  });
  root.querySelectorAll("[data-here]").forEach((element) => element.removeAttribute("data-here"));
  element_at(root, here)?.setAttribute("data-here", "");
}

// look(place) whenever the pointer moves to a cell, or the keyboard does.
function browse(root, look) {
  const at = ({ target }) => {
    const element = target.closest("[data-c]");
    if (element && !element.hasAttribute("data-here")) look(place_of(element));
  };
  root.addEventListener("pointermove", at); // by its movement, so that a mouse at rest has no say
  root.addEventListener("pointerdown", at);
  root.addEventListener("focusin", at);
  root.addEventListener("keydown", (event) => {
    if (!event.target.matches("[data-c]")) return;
    const { part, r, c } = place_of(event.target), last = event.target.parentElement.querySelectorAll("[data-c]").length - 1;
    const moves = { ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], ArrowUp: [r - 1, c], ArrowDown: [r + 1, c] };
    const to = { ...moves, Home: [r, 0], End: [r, last] }[event.key];
    if (!to) return;
    event.preventDefault(); // the page must not scroll
    element_at(root, { part, r: to[0], c: to[1] })?.focus();
  });
}
