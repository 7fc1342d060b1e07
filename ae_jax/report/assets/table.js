/** DataTables, which itables brings as a module. */
async function loadDataTables() {
  const code = JSON.parse(byId("tables").textContent);
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const module = await import(url);
  URL.revokeObjectURL(url);
  return module.default;
}

/** The table of runs. `passes(run index)` filters it, `onOpen(run index)` is called for the row that is clicked. */
function makeTable(DataTable, passes, onOpen, picks) {
  const place = byId("runs");
  const inTable = columns.filter((column) => column.shown);
  const selectedBy = inTable.findIndex((column) => column.key === overview.order[0]);
  const table = new DataTable(place, {
    data: runs.map((_, index) => index),
    columns: [nameColumn(), ...inTable.map(valueColumn), dataColumn()],
    createdRow: (row, run) => row.firstChild.prepend(picks.boxOf(run)),
    autoWidth: false,
    order:
      selectedBy < 0
        ? []
        : [
            [inTable.length + 1, "asc"],
            [selectedBy + 1, overview.order[1]],
          ],
    pageLength: 10,
    lengthMenu: [10, 25, 100, { label: "all", value: -1 }],
    layout: { topStart: null, topEnd: null, bottomStart: ["info", "pageLength"], bottomEnd: "paging" },
    language: {
      info: "_START_ to _END_ of _TOTAL_ runs",
      infoFiltered: "(of _MAX_)",
      infoEmpty: "no runs",
      zeroRecords: "No run passes the filters.",
      lengthMenu: "_MENU_ a page",
    },
  });
  table.search.fixed("settings", (_, run) => passes(run));
  place.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr");
    const run = row && table.row(row).data();
    if (Number.isInteger(run) && !event.target.closest("a, input, label")) onOpen(run);
  });
  showWidth(place, inTable);
  return table;
}

/** The table scrolls in its place, and what is out of sight is said above it. */
function showWidth(place, inTable) {
  const scroller = element("div", { className: "scroll" });
  const hint = byId("runs-more");
  const frame = scrolling(scroller, "Runs", (isWide) => {
    const { right } = scroller.getBoundingClientRect();
    const headings = [...place.querySelectorAll("thead th")].slice(1);
    const hidden = headings.filter((heading) => heading.getBoundingClientRect().right > right + 1);
    hint.hidden = !isWide || !hidden.length;
    hint.textContent = `→ ${counted(hidden.length, "more column")} to the right, from ${hidden[0]?.innerText.trim().replace(/\s+/g, " ")} on.`;
  });
  place.replaceWith(frame);
  scroller.append(place);
}

/** Names for narrow screens: without the parts that all have, and without the hash where the rest tells them apart. */
function shortNames() {
  const parts = runs.map((run) => run.name.split("-"));
  const names = runs.map((run) => run.name);
  if (new Set(parts.map((part) => part.length)).size > 1) return names;
  const varied = parts[0].map((_, at) => at).filter((at) => new Set(parts.map((part) => part[at])).size > 1);
  const joined = (places) => parts.map((part) => places.map((at) => part[at]).join("-"));
  const isTold = (short) => new Set(short).size === runs.length;
  return [joined(varied.slice(0, -1)), joined(varied)].find(isTold) ?? names;
}

function nameColumn() {
  const short = shortNames();
  const render = (run, type) => {
    const name = escaped(runs[run].name);
    if (type !== "display") return name;
    const texts = `<span class="long">${name}</span><span class="short">${escaped(short[run])}</span>`;
    return `<a href="${escaped(runAddress(run))}" title="${name}">${texts}</a>`;
  };
  return { title: "run", ariaTitle: "run", data: null, render, type: "string", className: "name" };
}

/** Not shown: errors on different data do not compare, so the runs of each stand together at first. */
function dataColumn() {
  return { title: "data", data: null, render: (run) => runs[run].data, type: "num", visible: false, searchable: false };
}

/** A column of DataTables, which reads as HTML what it shows, and also what it searches. */
function valueColumn(column) {
  const texts = textsOf(column);
  const pads = column.number ? paddings(texts) : [];
  const render = (run, type) => {
    if (type === "sort") return column.values[run] ?? (column.kind === "measure" ? Infinity : -Infinity); // best first
    const text = escaped(texts[run]);
    if (type === "display" && !column.number) return `<span class="wide">${text}</span>`;
    return type === "display" && pads[run] ? `${text}<span class="pad" aria-hidden="true">${pads[run]}</span>` : text;
  };
  return {
    title: escaped(column.label),
    ariaTitle: column.label,
    data: null,
    render,
    type: column.number ? "num" : "string",
    className: column.number ? "number" : "",
    headerTitle: column.key,
  };
}
