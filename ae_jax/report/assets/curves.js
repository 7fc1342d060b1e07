const CURVES = { validation_sse: "validation sse", validation_loss: "validation loss", train_loss: "train loss" };

/** The chart of learning curves; returns { update(visible run indices) }. */
function makeCurves(onOpen) {
  const update = () => drawCurves();
  const there = Object.entries(CURVES).filter(([name]) =>
    runs.some((run) => run.curve[name].some((value) => value !== null)),
  );
  const what = select(there, "validation_sse", update);
  const swept = columns.filter((column) => column.kind === "setting" && column.swept);
  const colour = select(
    [["", "one colour"], ...swept.map((column) => [column.key, column.label])],
    data.defaults.colour ?? "",
    update,
  );
  const logX = check(false, update);
  const logY = check(true, update);
  let visible = ALL;

  function drawCurves() {
    const groups = groupsBy(colour.value);
    const traces = groups.map((group) => curveTrace(what.value, group, visible.filter(group.holds)));
    const layout = {
      xaxis: epochAxis(
        visible.flatMap((run) => runs[run].curve.epoch),
        logX.checked,
      ),
      yaxis: {
        title: { text: CURVES[what.value] },
        ...scaleOf(
          visible.flatMap((run) => runs[run].curve[what.value]),
          logY.checked,
        ),
      },
      height: 420,
      ...legendOf(colour.value, groups),
    };
    return draw(
      byId("curves"),
      traces.filter((trace) => trace.x.length),
      layout,
      onOpen,
    );
  }

  byId("curves-controls").append(
    labelled("curve", what),
    labelled("colour", colour),
    labelled("log x", logX),
    labelled("log y", logY),
  );
  return { update: (indices) => ((visible = indices), drawCurves()) };
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
