const LEAST_APART = 0.05; // of the height of the axes
const NOTHING = 1e-6; // part of the least error of a run
const CURVES = data.curves;

/** The chart of learning curves; returns { update(visible run indices) }. */
function makeCurves(onOpen) {
  const update = () => drawCurves();
  const there = Object.entries(CURVES).filter(([name]) =>
    runs.some((run) => run.curve[name]?.some((value) => value !== null)),
  );
  const what = select(there, "validation_sse", update);
  const swept = columns.filter((column) => column.kind === "setting" && column.swept);
  const colour = select([["", "one colour"], ...menuOf(swept)], data.defaults.colour ?? "", update);
  const logX = check(false, update);
  const logY = check(true, update);
  let visible = ALL;

  function drawCurves() {
    const groups = groupsBy(colour.value);
    const has = (run) => runs[run].curve[what.value]; // a term is not in every run
    const traces = groups.map((group) => curveTrace(what.value, group, visible.filter(has).filter(group.holds)));
    const epochs = visible.flatMap((run) => runs[run].curve.epoch);
    const pca = what.value === "validation_sse" ? pcaLevels(visible, epochs) : [];
    const values = [...visible.flatMap((run) => runs[run].curve[what.value] ?? []), ...pca.flatMap((trace) => trace.y)];
    const layout = {
      xaxis: epochAxis(epochs, logX.checked),
      yaxis: { title: { text: CURVES[what.value] }, ...scaleOf(values, logY.checked) },
      height: 420,
      ...besideCurves(pca, values, logY.checked),
      ...legendOf(colour.value, groups),
    };
    const theirs = pca.length ? "; PCA of as many components is a dotted line" : "";
    const said = `Learning curves: ${CURVES[what.value]} over the epochs, ${counted(visible.filter(has).length, "run")}${theirs}.`;
    const drawn = [...traces.filter((trace) => trace.x.length), ...pca];
    return draw(byId("curves"), drawn, layout, { said, onOpen });
  }

  byId("curves-controls").append(
    labelled("curve", what),
    labelled("colour", colour),
    labelled("log x", logX),
    labelled("log y", logY),
    ...pictureButtons(byId("curves"), "learning_curves"),
  );
  return { update: (indices) => ((visible = indices), drawCurves()) };
}

/** PCA's validation sse, a level for each number of components that stands beside these runs.
 *
 * Where PCA has all components its error is rounding, which is no level to draw; it is named all the same. */
function pcaLevels(indices, epochs) {
  const levels = new Map();
  for (const index of indices) {
    const { measures, num_components, latent_size } = runs[index];
    const sse = measures.validation.sse?.[1];
    const level = [num_components ?? latent_size, sse];
    if (sse !== null && sse !== undefined) levels.set(String(level), level);
  }
  if (!levels.size) return [];
  const ours = extent(indices.map((index) => runs[index].measures.validation.sse[0]).filter((sse) => sse > 0))[0];
  const [first, last] = extent(epochs);
  const all = [...levels.values()].sort(([, a], [, b]) => b - a);
  const drawn = all.filter(([, sse]) => sse > NOTHING * ours);
  const said = ([size, sse]) => `<b>PCA</b><br>${counted(size, "component")}<br>validation sse: ${shown(sse)}`;
  return [
    {
      type: "scatter",
      mode: "lines",
      name: "PCA",
      legendrank: 2000,
      x: drawn.flatMap(() => [first, last, null]),
      y: drawn.flatMap(([, sse]) => [sse, sse, null]),
      text: drawn.flatMap((place) => [said(place), said(place), ""]),
      hovertemplate: "%{text}<extra></extra>",
      line: { color: PCA, width: 2, dash: "dot" },
      levels: all,
      num_drawn: drawn.length,
    },
  ];
}

/** The names of PCA's levels, and room for them. */
function besideCurves(pca, values, isLog) {
  const annotations = pcaNames(pca, values, isLog);
  const longest = extent(annotations.map(({ text }) => text.length))[1];
  return { annotations, margin: { l: 56, r: annotations.length ? 10 + 7 * longest : 12, t: 8, b: 44 } };
}

/** Names of PCA's levels, at their right ends; those too near to each other share one. */
function pcaNames(pca, values, isLog) {
  if (!pca.length) return [];
  const { levels, num_drawn } = pca[0];
  const scaled = isLog ? Math.log10 : (value) => value;
  const [low, high] = extent(values.filter((value) => typeof value === "number" && (!isLog || value > 0)).map(scaled));
  const names = [];
  for (const [size, sse] of levels.slice(0, num_drawn)) {
    const near = names.at(-1);
    if (near && near.y - scaled(sse) < LEAST_APART * (high - low)) near.sizes.push(size);
    else names.push({ y: scaled(sse), sizes: [size] });
  }
  const listed = (sizes) => (sizes.length > 3 ? `${sizes[0]} to ${sizes.at(-1)}` : [...new Set(sizes)].join(", "));
  const look = {
    font: { color: styleColour("--pca"), size: 12 },
    x: 1,
    xref: "paper",
    xanchor: "left",
    showarrow: false,
  };
  const none = levels.slice(num_drawn).map(([size]) => size);
  const below = { ...look, text: `PCA, ${listed(none)}: 0`, y: 0, yref: "paper", yanchor: "top", xshift: 14 };
  const named = names.map(({ y, sizes }) => ({ ...look, text: `PCA, ${listed(sizes)}`, y }));
  return none.length ? [...named, below] : named;
}

/** Curves of a group in one trace, with gaps between them, which draws many at once. */
function curveTrace(name, group, members) {
  const gap = [null];
  const said = new Map(members.map((run) => [run, [run, hoverHeads[run]]]));
  return {
    type: "scatter",
    mode: "lines",
    name: escaped(group.label),
    x: members.flatMap((run) => runs[run].curve.epoch.concat(gap)),
    y: members.flatMap((run) => runs[run].curve[name].concat(gap)),
    customdata: members.flatMap((run) => Array(runs[run].curve.epoch.length + 1).fill(said.get(run))),
    hovertemplate: `%{customdata[1]}<br>epoch %{x}<br>${CURVES[name]}: %{y:.4~g}<extra></extra>`,
    line: { color: group.colour, width: 1.4 },
    opacity: members.length > 40 ? 0.6 : 0.9,
  };
}
