const QUIET_MS = 80;

/** The id of the run in the address; null for none. */
function runInAddress() {
  const found = /^#run=(.*)$/.exec(location.hash);
  if (!found) return null;
  try {
    return decodeURIComponent(found[1]);
  } catch {
    return found[1];
  }
}

/** Opening a run is going to its address, so that the browser's history and links work. */
function openRun(index) {
  location.hash = `run=${encodeURIComponent(runs[index].id)}`;
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
    if (runInAddress() === null) return;
    history.pushState(null, "", location.href.split("#")[0]);
    follow();
  };
  const panel = makePanel(leave);
  const follow = () => {
    const id = runInAddress();
    if (id === null) {
      panel.close();
      before?.focus({ preventScroll: true });
      return;
    }
    if (!byId("panel").contains(document.activeElement)) before = document.activeElement;
    const index = runs.findIndex((run) => run.id === id);
    index < 0 ? panel.missing(id) : panel.show(index);
  };
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
  addEventListener("keydown", (event) => event.key === "Escape" && leave());
  darkScheme.addEventListener("change", () => runInAddress() !== null && follow());
  if (runInAddress() !== null) follow();
}

async function startExploring() {
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, QUIET_MS);
  };
  const search = searchBox(later);
  const filters = makeFilters(byId("filters"), later);
  const table = makeTable(await loadDataTables(), filters.passes, openRun);
  const charts = [makeScatter(openRun), makeCurves(openRun), makeParallel()].filter((chart) => chart !== null);

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
  await startExploring();
  startPanel();
}
document.body.dataset.ready = "true";
