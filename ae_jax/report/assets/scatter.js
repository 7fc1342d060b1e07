/** The scatter chart of runs; returns { update(visible run indices) }. */
function makeScatter(onOpen) {
  const pairs = menuOf(columns);
  const update = () => drawScatter();
  const axes = {
    x: select(pairs, data.defaults.x, () => choose("x")),
    y: select(pairs, data.defaults.y, () => choose("y")),
  };
  const logs = { x: check(false, update), y: check(false, update) };
  const colour = select([["", "one colour"], ...pairs], data.defaults.colour ?? "", update);
  let visible = ALL;

  function choose(name, draws = true) {
    const column = columnOf.get(axes[name].value);
    logs[name].disabled = !column.number;
    logs[name].checked = column.number && spansDecades(column.values);
    if (draws) drawScatter();
  }

  function drawScatter() {
    const [x, y] = ["x", "y"].map((name) => columnOf.get(axes[name].value));
    const groups = groupsBy(colour.value);
    const traces = groups.map((group) => scatterTrace(x, y, group, visible.filter(group.holds)));
    const pca = pcaTraces(x, y, visible);
    const pcaValues = pca.flatMap((trace) => trace.y);
    const layout = {
      xaxis: axisOf(x, logs.x.checked),
      yaxis: axisOf(y, logs.y.checked, pcaValues),
      height: 460,
      ...legendOf(colour.value, groups),
    };
    const coloured = colour.value ? `, coloured by ${columnOf.get(colour.value).label}` : "";
    const theirs = pca.length ? ", and PCA" : "";
    const said = `Scatter chart: ${y.label} over ${x.label}, ${counted(visible.length, "run")}${coloured}${theirs}. The table has the values.`;
    return draw(byId("scatter"), [...pca, ...traces.filter((trace) => trace.x.length)], layout, { said, onOpen });
  }

  byId("scatter-controls").append(
    labelled("x axis", axes.x),
    labelled("log x", logs.x),
    labelled("y axis", axes.y),
    labelled("log y", logs.y),
    labelled("colour", colour),
    ...pictureButtons(byId("scatter"), "runs"),
  );
  choose("x", false);
  choose("y", false);
  return { update: (indices) => ((visible = indices), drawScatter()) };
}

function scatterTrace(x, y, group, members) {
  const measured = [...new Set([x, y, columnOf.get("test.sse"), columnOf.get("pca.test.sse")])];
  const said = measured.filter((column) => !HOVER_SETTINGS.includes(column));
  const values = (run) => said.map((column) => escaped(`${column.label}: ${shownIn(column, column.values[run])}`));
  return {
    type: "scatter",
    mode: "markers",
    name: escaped(group.label),
    x: members.map((run) => placed(x, x.values[run])),
    y: members.map((run) => placed(y, y.values[run])),
    customdata: members.map((run) => [run]),
    text: members.map((run) => [hoverHeads[run], ...values(run)].join("<br>")),
    hovertemplate: "%{text}<extra></extra>",
    marker: {
      color: group.colour,
      symbol: group.symbol,
      size: 9,
      opacity: 0.85,
      line: { color: styleColour("--page"), width: 1 },
    },
  };
}

/** PCA beside the runs: its whole curve over the latent size, or its value beside each run. */
function pcaTraces(x, y, visible) {
  const look = {
    type: "scatter",
    legendrank: 2000,
    hovertemplate: "%{text}<extra></extra>",
    marker: { color: PCA, symbol: "line-ew-open", size: 12, line: { width: 2 } },
  };
  if (x.key === LATENT && y.key === "test.sse") return pcaCurves(look, visible);
  const theirs = columnOf.get(y.pca);
  if (!theirs) return [];
  const places = new Map(visible.map((run) => [JSON.stringify([x.values[run], theirs.values[run]]), run]));
  const members = [...places.values()].filter((run) => theirs.values[run] !== null);
  const said = (run) => [
    "<b>PCA</b>",
    counted(runs[run].num_components, "component"),
    escaped(`${y.label}: ${shown(theirs.values[run])}`),
  ];
  return [
    {
      ...look,
      mode: "markers",
      name: "PCA",
      x: members.map((run) => placed(x, x.values[run])),
      y: members.map((run) => theirs.values[run]),
      text: members.map((run) => said(run).join("<br>")),
    },
  ];
}

function pcaCurves(look, visible) {
  const reached = Math.ceil(1.2 * extent(runs.map((run) => run.latent_size))[1]);
  const used = [...new Set(visible.map((run) => runs[run].pca_curve))].filter((index) => index !== null);
  return used.map((index, place) => {
    const curve = data.pca_curves[index];
    const label = escaped(data.pca_curves.length > 1 ? curve.label : "PCA");
    const values = curve.values.slice(1, reached + 1);
    return {
      ...look,
      mode: "lines+markers",
      marker: { color: PCA, symbol: SYMBOLS[place % SYMBOLS.length], size: 4 },
      line: { color: PCA, width: 2, dash: "dot" },
      name: label,
      x: values.map((_, at) => at + 1),
      y: values,
      text: values.map(
        (value, at) => `<b>${label}</b><br>${counted(at + 1, "component")}<br>test sse: ${shown(value)}`,
      ),
    };
  });
}
