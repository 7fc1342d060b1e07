/** DataTables, which itables brings as a module. */
async function loadDataTables() {
  const code = JSON.parse(byId("tables").textContent);
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const module = await import(url);
  URL.revokeObjectURL(url);
  return module.default;
}

/** The table of runs. `passes(run index)` filters it, `onOpen(run index)` is called for the row that is clicked. */
function makeTable(DataTable, passes, onOpen) {
  const place = byId("runs");
  const inTable = columns.filter((column) => column.shown);
  const selectedBy = inTable.findIndex((column) => column.key === "validation.sse");
  const table = new DataTable(place, {
    data: runs.map((_, index) => index),
    columns: [nameColumn(), ...inTable.map(valueColumn), dataColumn()],
    createdRow: (row) => (row.tabIndex = 0),
    autoWidth: false,
    order: selectedBy < 0 ? [] : [[inTable.length + 1, "asc"], [selectedBy + 1, "asc"]],
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
  const opened = (event) => {
    const row = event.target.closest("tbody tr");
    const run = row && table.row(row).data();
    if (Number.isInteger(run)) onOpen(run);
  };
  place.addEventListener("click", opened);
  place.addEventListener("keydown", (event) => event.key === "Enter" && opened(event));
  return table;
}

function nameColumn() {
  return { ...columnFor("run", (run) => runs[run].name, String), type: "string", className: "name" };
}

/** Not shown: errors on different data do not compare, so the runs of each stand together at first. */
function dataColumn() {
  return { ...columnFor("data", (run) => runs[run].data, String), type: "num", visible: false, searchable: false };
}

function valueColumn(column) {
  const made = columnFor(
    column.label,
    (run) => column.values[run],
    (value) => shownIn(column, value),
  );
  return { ...made, type: column.number ? "num" : "string", className: column.number ? "number" : "" };
}

/** A column of DataTables, which reads as HTML what it shows, and also what it searches. */
function columnFor(title, valueOf, textOf) {
  const render = (run, type) => (type === "sort" ? (valueOf(run) ?? -Infinity) : escaped(textOf(valueOf(run))));
  return { title: escaped(title), ariaTitle: title, data: null, render };
}
