/** The panel of a run, or of several that are compared; returns { show(run indices), missing(ids), close() }. */
function makePanel(onClose) {
  const panel = byId("panel");
  const close = () => {
    panel.querySelectorAll(".chart").forEach((chart) => Plotly.purge(chart));
    panel.hidden = true;
    document.body.classList.remove("with-panel");
  };
  const open = (title, ...parts) => {
    close();
    const button = element("button", { type: "button", textContent: "Close", className: "close" });
    button.addEventListener("click", onClose);
    const heading = element("h2", { id: "panel-title", textContent: title, tabIndex: -1 });
    panel.replaceChildren(element("header", {}, heading, button), ...parts);
    panel.hidden = false;
    panel.scrollTop = 0;
    document.body.classList.add("with-panel");
    heading.focus({ preventScroll: true });
    panel.querySelectorAll(".chart").forEach((chart) => chart.start?.());
  };
  const link = () => doing("Copy link", () => copyText(location.href));
  return {
    close,
    missing: (ids) => {
      const text = `No run of this page is called ${ids.join(" or ")}.`;
      open("No such run", element("p", { textContent: text }));
    },
    show: (indices) => {
      const parts = indices.length > 1 ? comparisonParts(indices) : runParts(indices[0]);
      const title = indices.length > 1 ? `${indices.length} runs compared` : runs[indices[0]].name;
      open(title, element("div", { className: "controls" }, link()), ...parts);
    },
  };
}

function part(title, ...children) {
  return element("section", {}, element("h3", { textContent: title }), ...children);
}

/** Below a chart of the panel, what copies it. */
function buttonsFor(place, name) {
  return [element("div", { className: "controls" }, ...pictureButtons(place, name))];
}

function runParts(index) {
  const run = runs[index];
  const curve = element("div", { className: "chart" });
  curve.start = () => drawRunCurves([index], curve);
  return [
    element("p", { className: "hint", textContent: `${run.dataset} · ${run.folder}` }),
    ...addingTo([index]),
    measuresOf(run),
    part("Learning curve", curve, ...buttonsFor(curve, "learning_curve")),
    part("Reconstructions", reconstructionsOf([index])),
    configOf(run),
  ];
}

/** Measures against PCA, on the test split and, where inputs were corrupted, on the corrupted one. */
function measuresOf(run) {
  const theirs = `PCA, ${counted(run.num_components ?? run.latent_size, "component")}`;
  const splits = Object.keys(run.measures).filter((split) => split !== "validation");
  const tables = splits.map((split) => {
    const rows = Object.entries(run.measures[split]).map(([name, [ours, pca, gap]]) => {
      return [data.measures[name], ...alike([ours, pca]), gap];
    });
    const made = textTable([split, "autoencoder", theirs, "autoencoder is"], rows, [], `Measures, ${split}`);
    made.classList.add("compared");
    return made;
  });
  return part("Measures", ...tables, element("p", { className: "hint", textContent: neededBy(run) }));
}

function neededBy({ components_to_match: match }) {
  if (match === null) return "PCA does not reach this test sse with any number of components.";
  if (match === 0) return "The mean alone, which is PCA without a component, reaches this test sse.";
  return `PCA reaches this test sse with ${counted(match, "component")}.`;
}

/** Validation sse over the epochs, with PCA's; all runs in one chart. */
function drawRunCurves(indices, place, nameOf = () => "autoencoder") {
  const ours = indices.map((index, at) => ({
    type: "scatter",
    mode: runs[index].curve.epoch.length > 1 ? "lines" : "markers",
    name: nameOf(index),
    x: runs[index].curve.epoch,
    y: runs[index].curve.validation_sse,
    line: { ...lookOf(at), width: 2 },
    hovertemplate: `${nameOf(index)}<br>epoch %{x}<br>validation sse: %{y:.4~g}<extra></extra>`,
  }));
  const epochs = indices.flatMap((index) => runs[index].curve.epoch);
  const errors = indices.flatMap((index) => runs[index].curve.validation_sse);
  const pca = pcaLevels(indices, epochs);
  const values = [...errors, ...pca.flatMap(({ y }) => y)];
  const isLog = spansDecades(errors);
  const layout = {
    xaxis: epochAxis(epochs, false),
    yaxis: { title: { text: "validation sse" }, ...scaleOf(values, isLog) },
    height: 280,
    showlegend: true,
    ...besideCurves(pca, values, isLog),
  };
  const said = `Validation sse over ${counted(extent(epochs)[1], "epoch")}: ${indices.map(nameOf).join(", ")}${pca.length ? ", and PCA" : ""}`;
  return draw(place, [...pca, ...ours], layout, { said });
}

/** The config as it was typed; long numbers are short here, and whole in what is copied. */
function configOf(run) {
  const rows = [...Object.entries(run.config), ...Object.entries(run.about)];
  const lines = Object.entries(run.config).map(([key, value]) => `${key}=${value}\n`);
  const copy = doing("Copy config", () => copyText(lines.join("")));
  const shownRows = rows.map(([key, value]) => [key, ...shortTexts([value])]);
  return part(
    "Config",
    element("div", { className: "controls" }, copy),
    textTable(["key", "value"], shownRows, [], "Config"),
  );
}
