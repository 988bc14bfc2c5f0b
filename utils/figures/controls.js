// Controls that several figures share.

// Choices in a row: radio buttons that look like buttons, in a fieldset within `<div class="choices">`. Labels are HTML.

// `name` is the group's, one on the page; the values are 0, 1, 2 ...
const radio = (name, label, value, checked) =>
  `<label><input type="radio" name="${name}" value="${value}" ${checked ? "checked" : ""}><span>${label}</span></label>`;
const radios = (name, labels, chosen = 0) => labels.map((label, i) => radio(name, label, i, i === chosen)).join("");

// Numbers as a table, folded away below a figure: for who would rather read than look.

const folded_table = (label) => `
  <details class="folded-table"><summary>${label} as a table</summary>
    <div class="wide" tabindex="0" role="region" aria-label="${label}"><table></table></div></details>`;

// What the table shows: `corner` and `columns` above, and each row behind its name; texts as HTML.
function table_of(corner, columns, names, rows) {
  const cells = (tag, texts) => texts.map((text) => `<${tag}>${text}</${tag}>`).join("");
  const lines = rows.map((texts, r) => `<tr><th scope="row">${names[r]}</th>${cells("td", texts)}</tr>`);
  return `<thead><tr>${cells("th", [corner, ...columns])}</tr></thead><tbody>${lines.join("")}</tbody>`;
}
