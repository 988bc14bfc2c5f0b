// What scrolls sideways can be scrolled with the keyboard, and says what it is.
const SCROLLERS = {
  ".katex-display": "Equation",
  pre: "Code",
  "div.cell_output pre": "Output",
  ".pst-scrollable-table-container, div.cell_output > .output": "Table",
};

function name_scrollers(article) {
  for (const [selector, kind] of Object.entries(SCROLLERS)) {
    for (const element of article.querySelectorAll(selector)) {
      if (element.scrollWidth > element.clientWidth) {
        Object.assign(element, { tabIndex: 0, role: "group", ariaLabel: `${kind}, wider than its place` });
      } else {
        for (const attribute of ["tabindex", "role", "aria-label"]) element.removeAttribute(attribute);
      }
    }
  }
}

document.addEventListener("DOMContentLoaded", () => {
  for (const article of document.querySelectorAll(".bd-article")) new ResizeObserver(() => name_scrollers(article)).observe(article);
});
