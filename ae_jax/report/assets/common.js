const data = JSON.parse(document.getElementById("data").textContent);
const { runs, columns, overview } = data;
const columnOf = new Map(columns.map((column) => [column.key, column]));
const ABSENT = "–";

/** The element with an id. */
const byId = (id) => document.getElementById(id);

/** A new element; texts among its children stay text. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Text for DataTables and Plotly, which read their texts as HTML. */
function escaped(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A measured number with four digits. */
function shown(value) {
  if (value === null || value === undefined) return ABSENT;
  const size = Math.abs(value);
  if (size >= 1e6 || (size < 1e-4 && size > 0)) return value.toExponential(3);
  return size >= 1000 ? value.toFixed(0) : value.toPrecision(4);
}

/** A value of a column: settings as they were typed, counts whole. */
function shownIn(column, value) {
  const exact = column.kind === "setting" || (column.kind === "cost" && Number.isInteger(value));
  return exact ? String(value ?? ABSENT) : shown(value);
}

/** Mean and interval, as far as there are any. */
function shownEstimate(estimate) {
  return estimate ? estimate.text : ABSENT;
}

/** A count with its noun. */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Different values, absent first, then numbers in their order, then texts in theirs. */
function distinct(values) {
  const rank = (value) => (value === null ? 0 : typeof value === "number" ? 1 : 2);
  const natural = new Intl.Collator("en", { numeric: true });
  return [...new Set(values)].sort((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    return typeof a === "number" ? a - b : natural.compare(String(a), String(b));
  });
}

/** Whether numbers span so much that a logarithmic axis shows them better. */
function spansDecades(values) {
  const numbers = values.filter((value) => typeof value === "number");
  return numbers.length > 1 && Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) >= 8;
}

/** A control with its label before it; the label alone is its name, without the options of a select. */
function labelled(text, control) {
  control.ariaLabel = text;
  return element("label", {}, element("span", { textContent: text }), control);
}

/** A select of [value, text] pairs. */
function select(pairs, chosen, onChange) {
  const made = element("select", {}, ...pairs.map(([value, text]) => element("option", { value, textContent: text })));
  made.value = chosen;
  made.addEventListener("change", onChange);
  return made;
}

/** A check box. */
function check(checked, onChange) {
  const made = element("input", { type: "checkbox", checked });
  made.addEventListener("change", onChange);
  return made;
}

/** A table of texts, with a heading for each column. Numbers are those columns that `numeric` lists. */
function textTable(headings, rows, numeric = []) {
  const kind = (index) => (numeric.includes(index) ? "number" : "");
  const head = headings.map((text, index) =>
    element("th", { scope: "col", textContent: text, className: kind(index) }),
  );
  const body = rows.map((row) => {
    const cells = row.map((text, index) => element("td", { textContent: text, className: kind(index) }));
    return element("tr", {}, ...cells);
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  return element("div", { className: "scroll" }, table);
}
