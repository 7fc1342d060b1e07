const MOST_CHARACTERS = 20;

/** Parallel coordinates of what was swept; null where less than two keys were. */
function makeParallel() {
  const swept = columns.filter((column) => column.kind === "setting" && column.swept && column.key !== "seed");
  byId("parallel-section").hidden = swept.length < 2;
  if (swept.length < 2) return null;
  const error = columnOf.get("test.sse");
  const dimensions = [...swept, error].map(dimensionOf);
  byId("parallel-controls").append(...pictureButtons(byId("parallel"), "settings"));
  const longest = extent(dimensions[0].ticktext.map((text) => text.length))[1];
  const margin = { l: Math.max(72, 8 * longest), r: 56, t: 48, b: 24 };
  byId("parallel").style.minWidth = `${120 * dimensions.length}px`;
  const colours = dimensionOf(error);
  return {
    update: (visible) => {
      const only = (values) => visible.map((run) => values[run]);
      const trace = {
        type: "parcoords",
        dimensions: dimensions.map((dimension) => ({ ...dimension, values: only(dimension.values) })),
        line: {
          color: only(colours.values),
          cmin: colours.range[0],
          cmax: colours.range[1],
          colorscale: RAMP.map((_, at) => [at / (RAMP.length - 1), rampColour(at / (RAMP.length - 1))]),
        },
        tickfont: { color: styleColour("--text") },
        rangefont: { color: "rgba(0,0,0,0)" },
      };
      const names = swept.map((column) => column.label).join(", ");
      const said = `Parallel coordinates: ${names} and test sse, ${counted(visible.length, "run")}.`;
      return draw(byId("parallel"), [trace], { height: 360, margin }, { said });
    },
  };
}

/** An axis of parallel coordinates: texts by their place, numbers over decades by their logarithm. */
function dimensionOf(column) {
  const values = distinct(column.values);
  const isLog = column.number && spansDecades(column.values);
  const at = (value) => (!column.number ? values.indexOf(value) : isLog && value !== null ? Math.log10(value) : value);
  const places = values.filter((value) => value !== null || !column.number);
  const few = places.length <= 12 && column.kind === "setting";
  const ticked = few ? places : ticksOver(places, isLog);
  const ends = places.map(at);
  return {
    label: column.label,
    values: column.values.map(at),
    range: extent(ends),
    tickvals: ticked.map(at),
    ticktext: ticked.map((value) => (few ? fitting(shownIn(column, value)) : String(Number(value.toPrecision(2))))),
  };
}

/** A text that fits between two axes; the table has it whole. */
function fitting(text) {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, 9)}…${text.slice(-9)}` : text;
}

/** Six numbers from the least to the largest, evenly spaced on the axis. */
function ticksOver(sorted, isLog) {
  const [low, high] = [sorted[0], sorted.at(-1)];
  const share = (part) => (isLog ? low * (high / low) ** part : low + part * (high - low));
  return low === high ? [low] : [0, 0.2, 0.4, 0.6, 0.8, 1].map(share);
}
