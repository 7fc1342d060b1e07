/** The panel of a run; returns { show(run index), missing(id), close() }. */
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
  };
  return {
    close,
    missing: (id) => open("No such run", element("p", { textContent: `No run of this page is called ${id}.` })),
    show: (index) => {
      const run = runs[index];
      const curve = element("div", { className: "chart" });
      const pictures = reconstructionsOf(run);
      open(
        run.name,
        runFacts(run),
        measuresOf(run),
        part("Learning curve", curve),
        part("Reconstructions", pictures),
        differenceOf(index),
        configOf(run),
      );
      drawRunCurve(run, curve);
      if (run.reconstructions?.profiles) drawProfiles(run.reconstructions, pictures);
    },
  };
}

function part(title, ...children) {
  return element("section", {}, element("h3", { textContent: title }), ...children);
}

function runFacts(run) {
  return element("p", { className: "hint", textContent: `${run.dataset} · ${run.folder}` });
}

/** Measures against PCA, on the test split and, where inputs were corrupted, on the corrupted one. */
function measuresOf(run) {
  const theirs = `PCA, ${counted(run.num_components ?? run.latent_size, "component")}`;
  const splits = Object.keys(run.measures).filter((split) => split !== "validation");
  const tables = splits.map((split) =>
    textTable([split, "autoencoder", theirs, "ratio"], measureRows(run.measures[split]), [1, 2, 3]),
  );
  const match = run.components_to_match;
  const said =
    match === null
      ? "PCA does not reach this test sse with any number of components."
      : match === 0
        ? "The mean alone, which is PCA without a component, reaches this test sse."
        : `PCA reaches this test sse with ${counted(match, "component")}.`;
  return part("Measures", ...tables, element("p", { className: "hint", textContent: said }));
}

function measureRows(measures) {
  return Object.entries(measures).map(([name, [ours, theirs]]) => {
    const ratio = name === "sse" && theirs ? shown(ours / theirs) : "";
    return [data.measures[name], shown(ours), shown(theirs), ratio];
  });
}

function drawRunCurve(run, place) {
  const { epoch, validation_sse } = run.curve;
  const theirs = run.measures.validation.sse?.[1] ?? null;
  const ours = {
    type: "scatter",
    mode: epoch.length > 1 ? "lines" : "markers",
    name: "autoencoder",
    x: epoch,
    y: validation_sse,
    line: { color: palette()[0], width: 2 },
    hovertemplate: "epoch %{x}<br>validation sse: %{y:.4~g}<extra></extra>",
  };
  const ends = [epoch[0], epoch.at(-1)];
  const pca = {
    type: "scatter",
    mode: "lines",
    name: "PCA",
    x: ends,
    y: [theirs, theirs],
    line: { color: PCA, width: 2, dash: "dash" },
    hovertemplate: "PCA, validation sse: %{y:.4~g}<extra></extra>",
  };
  const layout = {
    xaxis: epochAxis(epoch, false),
    yaxis: { title: { text: "validation sse" }, ...scaleOf([...validation_sse, theirs], spansDecades(validation_sse)) },
    height: 260,
  };
  return draw(place, theirs === null ? [ours] : [ours, pca], layout);
}

/** A picture with a label beside each of its rows, or the reason why there is none. */
function reconstructionsOf(run) {
  const { reconstructions } = run;
  const hint = (text) => element("p", { className: "hint", textContent: text });
  if (!reconstructions)
    return hint(`This page has pictures of the ${overview.num_pictures} runs that are best on validation only.`);
  if (reconstructions.problem) return hint(reconstructions.problem);
  const { labels, png, columns: examples } = reconstructions;
  if (!png) return element("div", { className: "chart" });
  const alt = `${counted(examples, "test example")}; rows from top to bottom: ${labels.join(", ")}`;
  const image = element("img", { src: `data:image/png;base64,${png}`, alt });
  const names = element(
    "div",
    { className: "row-names" },
    ...labels.map((label) => element("span", { textContent: label })),
  );
  return element("div", { className: "pictures" }, names, image);
}

/** Examples that are no images: each method's values over the features, a panel for each example. */
function drawProfiles({ labels, features, profiles }, place) {
  const looks = {
    input: [styleColour("--muted"), "solid"],
    corrupted: ["#999999", "dot"],
    autoencoder: [palette()[0], "dash"],
    PCA: [PCA, "dashdot"],
  };
  const count = profiles[0].length;
  const suffix = (at) => (at ? String(at + 1) : "");
  const traces = profiles[0].flatMap((_, at) =>
    labels.map((label, row) => ({
      type: "scatter",
      mode: features.length > 1 ? "lines" : "markers",
      name: label,
      legendgroup: label,
      showlegend: at === 0,
      x: features,
      y: profiles[row][at],
      xaxis: `x${suffix(at)}`,
      yaxis: `y${suffix(at)}`,
      line: { color: looks[label][0], dash: looks[label][1], width: 1.6 },
      hovertemplate: `${label}: %{y:.4~g}<extra></extra>`,
    })),
  );
  const axes = Object.fromEntries(
    profiles[0].flatMap((_, at) => [
      [`xaxis${suffix(at)}`, { title: { text: at === count - 1 ? "feature" : "" }, showticklabels: at === count - 1 }],
      [`yaxis${suffix(at)}`, { nticks: 4 }],
    ]),
  );
  return draw(place, traces, {
    ...axes,
    grid: { rows: count, columns: 1, pattern: "independent", ygap: 0.15 },
    height: 110 * count + 90,
  });
}

/** What differs from another run, which is chosen from a list. */
function differenceOf(index) {
  const others = ALL.filter((other) => other !== index).map((other) => [String(other), runs[other].id]);
  if (!others.length) return "";
  const place = element("div", { id: "difference" });
  const choice = select([["", "choose a run"], ...others], "", () => {
    place.replaceChildren(...(choice.value === "" ? [] : comparison(runs[index], runs[Number(choice.value)])));
  });
  return part(
    "Difference from another run",
    element("div", { className: "controls" }, labelled("other run", choice)),
    place,
  );
}

function comparison(ours, theirs) {
  const keys = [...new Set([...Object.keys(ours.config), ...Object.keys(theirs.config)])];
  const differing = keys.filter((key) => ours.config[key] !== theirs.config[key]);
  const settings = differing.map((key) => [key, ours.config[key] ?? ABSENT, theirs.config[key] ?? ABSENT]);
  const measures = Object.keys(ours.measures.test).map((name) => [
    `test ${data.measures[name]}`,
    shown(ours.measures.test[name][0]),
    shown(theirs.measures.test[name]?.[0]),
  ]);
  const none = element("p", { className: "hint", textContent: "No setting differs; their data do." });
  const headings = ["", "this run", "other run"];
  return [
    settings.length ? textTable(["setting", ...headings.slice(1)], settings) : none,
    textTable(["measure", ...headings.slice(1)], measures, [1, 2]),
  ];
}

function configOf(run) {
  const rows = [...Object.entries(run.config), ...Object.entries(run.about)];
  return part("Config", textTable(["key", "value"], rows));
}
