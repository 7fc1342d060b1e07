const QUIET_MS = 80;

/** The ids of the runs in the address, none where it names none. */
function idsInAddress() {
  const [, list] = /^#runs?=(.*)$/.exec(location.hash) ?? [];
  if (!list) return [];
  return list.split("&").map((text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
}

/** The address of runs on this page. */
function runAddress(...indices) {
  return `#run${indices.length > 1 ? "s" : ""}=${indices.map((index) => encodeURIComponent(runs[index].id)).join("&")}`;
}

/** Opening runs is going to their address, so that the browser's history and links work. */
function openRuns(indices) {
  location.hash = runAddress(...indices);
}

function searchBox(onChange) {
  const input = element("input", { type: "search", id: "search", placeholder: "name or value" });
  input.addEventListener("input", onChange);
  byId("filters").append(labelled("search", input));
  return input;
}

function startPanel() {
  let before = null;
  const leave = () => {
    if (!idsInAddress().length) return;
    history.pushState(null, "", location.href.split("#")[0]);
    follow();
  };
  const panel = makePanel(leave);
  const follow = () => {
    const ids = idsInAddress();
    if (!ids.length) {
      panel.close();
      before?.focus({ preventScroll: true });
      return;
    }
    if (!byId("panel").contains(document.activeElement)) before = document.activeElement;
    const indices = [...new Set(ids)].map((id) => runs.findIndex((run) => run.id === id));
    const missing = ids.filter((id) => !runs.some((run) => run.id === id));
    missing.length ? panel.missing(missing) : panel.show(indices.slice(0, MOST_COMPARED));
  };
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => event.key === "Escape" && leave());
  darkScheme.addEventListener("change", () => idsInAddress().length && follow());
  if (idsInAddress().length) follow();
}

async function startExploring() {
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, QUIET_MS);
  };
  const search = searchBox(later);
  const filters = makeFilters(byId("filters"), later);
  const open = (run) => openRuns([run]);
  const table = makeTable(await loadDataTables(), filters.passes, open, makePicks(byId("picks")));
  const charts = [makeScatter(open), makeCurves(open), makeParallel()].filter((chart) => chart !== null);

  function filter() {
    table.search(search.value).draw();
    const visible = table.rows({ search: "applied", order: "index" }).data().toArray();
    byId("count").textContent = `${visible.length} of ${counted(runs.length, "run")} shown in table and charts.`;
    charts.forEach((chart) => chart.update(visible));
  }

  byId("reset").addEventListener("click", () => {
    search.value = "";
    filters.reset();
    filter();
  });
  darkScheme.addEventListener("change", filter);
  filter();
}

// DataTables' style sheet knows the dark scheme by this class.
const markScheme = () => document.documentElement.classList.toggle("dark", darkScheme.matches);
markScheme();
darkScheme.addEventListener("change", markScheme);
showOverview();
byId("explore").hidden = runs.length === 0;
if (runs.length) {
  try {
    await startExploring();
  } catch (error) {
    // Such as where scripts that a script makes are not allowed.
    const text = `The table and the charts cannot be shown: ${error.message}`;
    byId("explore").prepend(element("p", { className: "hint", textContent: text }));
  }
  startPanel();
}
document.body.dataset.ready = "true";
