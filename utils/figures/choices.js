// Choices in a row: radio buttons that look like buttons, in a fieldset within `<div class="choices">`. Labels are HTML.

// `name` is the group's, one on the page; the values are 0, 1, 2 ...
const radio = (name, label, value, checked) =>
  `<label><input type="radio" name="${name}" value="${value}" ${checked ? "checked" : ""}><span>${label}</span></label>`;
const radios = (name, labels, chosen = 0) => labels.map((label, i) => radio(name, label, i, i === chosen)).join("");
