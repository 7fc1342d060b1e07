const ALL = runs.map((_, index) => index);
const LATENT = "model.latent_size";

/** Draw, or draw anew, what Plotly shows in a place, and say it to those who do not see it.
 *
 * `onOpen(run index)` is called for a point that is clicked. */
async function draw(place, traces, layout, { said, onOpen }) {
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", said);
  const axis = {
    gridcolor: styleColour("--line"),
    linecolor: styleColour("--line"),
    zeroline: false,
    automargin: true,
  };
  const whole = {
    font: { family: "system-ui, sans-serif", size: 13, color: styleColour("--text") },
    paper_bgcolor: styleColour("--page"),
    plot_bgcolor: styleColour("--page"),
    margin: { l: 56, r: 12, t: 8, b: 44 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: {
      bgcolor: styleColour("--surface"),
      bordercolor: styleColour("--muted"),
      font: { color: styleColour("--text") },
      align: "left",
    },
    hovermode: "closest",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: styleColour("--muted"), activecolor: styleColour("--text") },
    ...layout,
  };
  for (const name of Object.keys(whole)) {
    if (/^[xy]axis\d*$/.test(name)) whole[name] = { ...axis, ...whole[name] };
  }
  const wide = place.clientWidth > 600;
  const config = {
    displaylogo: false,
    displayModeBar: wide ? "hover" : false,
    modeBarButtonsToRemove: ["select2d", "lasso2d"],
    // Plotly offers to send the chart to its makers unless told not to.
    showSendToCloud: false,
    plotlyServerURL: "",
  };
  if (place.dataset.problem) place.replaceChildren();
  delete place.dataset.problem;
  if (!(await settled(place, () => Plotly.react(place, traces, whole, config))) || place.isWatched) return;
  place.isWatched = true;
  const resize = () => place.clientWidth && place.data && settled(place, () => Plotly.Plots.resize(place));
  new ResizeObserver(resize).observe(place);
  if (onOpen) place.on("plotly_click", ({ points: [point] }) => point.customdata && onOpen(point.customdata[0]));
}

/** Whether what Plotly does in a place came to its end: not where the place was closed or hidden meanwhile.
 *
 * What goes wrong is said in the place. */
async function settled(place, act) {
  const isSeen = () => place.isConnected && place.clientWidth > 0;
  try {
    await act();
  } catch (error) {
    if (!isSeen()) return false;
    Plotly.purge(place);
    place.dataset.problem = "true";
    place.replaceChildren(
      element("p", { className: "hint", textContent: `This chart cannot be drawn: ${error.message}` }),
    );
    place.isWatched = false;
  }
  return isSeen() && Boolean(place.data);
}

const HOVER_SETTINGS = columns.filter((column) => column.kind === "setting" && (column.swept || column.key === LATENT));

/** What hovering over a run says first: its name and settings. */
const hoverHeads = runs.map((run, index) => {
  const lines = HOVER_SETTINGS.map((column) => `${column.label} = ${shownIn(column, column.values[index])}`);
  return [`<b>${escaped(run.name)}</b>`, ...lines.map(escaped)].join("<br>");
});

/** The axis of a column, with what is drawn beside its values; categories stand in their order. */
function axisOf(column, isLog, beside = []) {
  const title = { text: escaped(column.title) };
  if (!column.number)
    return {
      title,
      type: "category",
      categoryorder: "array",
      categoryarray: distinct(column.values).map((value) => escaped(shownIn(column, value))),
    };
  const values = distinct(column.values).filter((value) => value > 0);
  if (!isLog || column.kind !== "setting" || values.length > 12)
    return { title, ...scaleOf([...column.values, ...beside], isLog) };
  const apart = values.filter((value, index) => index === 0 || value > 1.2 * values[index - 1]);
  return {
    title,
    type: "log",
    tickmode: "array",
    tickvals: apart,
    ticktext: apart.map((value) => shownIn(column, value)),
  };
}

/** Scale and ticks: over few decades of a logarithmic axis at 1, 2, 5, over many at powers of ten. */
function scaleOf(values, isLog) {
  if (!isLog) return { type: "linear" };
  const [low, high] = extent(values.filter((value) => value > 0));
  const ratio = high / low;
  if (ratio >= 1000) return { type: "log", exponentformat: "power" };
  return { type: "log", tickformat: "~g", dtick: ratio >= 8 ? "D2" : undefined };
}

/** Whole epochs have the ticks. */
function epochAxis(epochs, isLog) {
  const few = epochs.every((epoch) => epoch <= 10);
  return { title: { text: "epoch" }, ...scaleOf(epochs, isLog), ...(few && !isLog ? { dtick: 1 } : {}) };
}

/** A legend, headed by the column that gives the colours, unless there are too many. */
function legendOf(key, groups) {
  const title = { text: key ? `${escaped(columnOf.get(key).label)}:` : "", side: "left" };
  return {
    showlegend: groups.length <= 24,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", title: { ...title, font: { size: 13 } } },
  };
}

/** Menu entries of columns, below the names of their groups. */
function menuOf(some) {
  return some.map((column) => [column.key, column.label, column.group]);
}

/** A value where an axis puts it. */
function placed(column, value) {
  return column.number ? value : escaped(shownIn(column, value));
}
