const data = JSON.parse(document.getElementById("data").textContent);
const { runs, columns, overview } = data;
const columnOf = new Map(columns.map((column) => [column.key, column]));
const SECOND_MS = 1000;

// What each value of a setting looks like.
for (const column of columns) {
  column.textOf = new Map(column.values.map((value, run) => [value, column.texts?.[run]]));
}

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
  const [low, high] = extent(numbers);
  return numbers.length > 1 && low > 0 && high / low >= 8;
}

/** A control with its label before it; the label alone is its name, without the options of a select. */
function labelled(text, control) {
  control.ariaLabel = text;
  return element("label", {}, element("span", { textContent: text }), control);
}

/** A select of [value, text] pairs; those with a third, the name of their group, stand below it. */
function select(pairs, chosen, onChange) {
  const groups = new Map();
  const made = element("select");
  for (const [value, textContent, label] of pairs) {
    if (label && !groups.has(label)) groups.set(label, element("optgroup", { label }));
    (groups.get(label) ?? made).append(element("option", { value, textContent }));
  }
  made.append(...data.groups.filter((label) => groups.has(label)).map((label) => groups.get(label)));
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

/** A cell's text, with what moves its decimal point below the others'. */
function paddedText(text, padding) {
  const pad = element("span", { className: "pad", textContent: padding, ariaHidden: "true" });
  return padding ? [text, pad] : [text];
}

/** A table of texts, with a heading for each column. Numbers are those columns that `numeric` lists. */
function textTable(headings, rows, numeric = [], label = "table") {
  const kind = (index) => (numeric.includes(index) ? "number" : "");
  const pads = headings.map((_, index) => (numeric.includes(index) ? paddings(rows.map((row) => row[index])) : []));
  const head = headings.map((text, index) =>
    element("th", { scope: "col", textContent: text, className: kind(index) }),
  );
  const body = rows.map((row, at) => {
    const cells = row.map((text, index) =>
      element("td", { className: kind(index) }, ...paddedText(text, pads[index][at] ?? "")),
    );
    return element("tr", {}, ...cells);
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
  return scrolling(element("div", { className: "scroll" }, table), label);
}

/** What is wider than its place, with a mark where there is more; the keyboard scrolls it then. */
function scrolling(scroller, label, onChange = () => {}) {
  const frame = element("div", { className: "frame" }, scroller);
  const look = () => {
    const isWide = scroller.scrollWidth > scroller.clientWidth + 1;
    frame.classList.toggle("more", scroller.scrollLeft + scroller.clientWidth < scroller.scrollWidth - 1);
    const named = { tabindex: "0", role: "region", "aria-label": `${label}, wider than its place` };
    for (const [name, value] of Object.entries(named)) {
      isWide ? scroller.setAttribute(name, value) : scroller.removeAttribute(name);
    }
    onChange(isWide);
  };
  scroller.addEventListener("scroll", look, { passive: true });
  const observer = new ResizeObserver(look);
  observer.observe(scroller);
  for (const child of scroller.children) observer.observe(child);
  return frame;
}
