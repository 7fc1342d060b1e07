const PCA = "#D55E00";
// Okabe & Ito's, without PCA's; on dark, the autoencoder's blue is their lighter one.
const PALETTES = {
  light: ["#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"],
  dark: ["#56B4E9", "#009E73", "#CC79A7", "#E69F00", "#F0E442"],
};
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x"];
const SHADES = 12;
// Viridis, which people of any colour vision see in the same order.
const RAMP = [
  "#440154",
  "#482878",
  "#3e4989",
  "#31688e",
  "#26828e",
  "#1f9e89",
  "#35b779",
  "#6ece58",
  "#b5de2b",
  "#fde725",
];

const darkScheme = matchMedia("(prefers-color-scheme: dark)");

/** A colour of the page's style sheet. */
function styleColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Colours without an order, the autoencoder's first. */
function palette() {
  return darkScheme.matches ? PALETTES.dark : PALETTES.light;
}

/** A colour of the ramp, without the end that is lost on the background; `share` from 0 to 1. */
function rampColour(share) {
  const [low, high] = darkScheme.matches ? [0.3, 1] : [0, 0.85];
  const place = (low + share * (high - low)) * (RAMP.length - 1);
  const [first, second] = [RAMP[Math.floor(place)], RAMP[Math.ceil(place)]];
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [first, second].map((colour) => parseInt(colour.slice(at, at + 2), 16));
    return Math.round(a + (b - a) * (place % 1));
  });
  return `rgb(${parts.join(",")})`;
}

/** Groups of runs by the value of a column: { label, colour, symbol, holds(run index) }. Filters do not change them. */
function groupsBy(key) {
  const column = columnOf.get(key);
  if (!column) return [{ label: "autoencoder", colour: palette()[0], symbol: SYMBOLS[0], holds: () => true }];
  const values = distinct(column.values);
  const numbers = values.filter((value) => value !== null);
  if (column.number && numbers.length > SHADES) return ranges(column, numbers);
  return values.map((value, index) => ({
    label: shownIn(column, value),
    colour: column.number ? rampColour(index / Math.max(values.length - 1, 1)) : palette()[index % palette().length],
    symbol: SYMBOLS[column.number && values.length > SYMBOLS.length ? 0 : index % SYMBOLS.length],
    holds: (run) => column.values[run] === value,
  }));
}

/** Many numbers become ranges with about as many values each. */
function ranges(column, numbers) {
  const made = [];
  for (let index = 0; index < SHADES; index++) {
    const part = numbers.slice((index * numbers.length) / SHADES, ((index + 1) * numbers.length) / SHADES);
    const [low, high] = [part[0], part.at(-1)];
    const label = [...new Set([low, high].map((end) => Number(end.toPrecision(2))))].join(" to ");
    made.push({
      label,
      colour: rampColour(index / (SHADES - 1)),
      symbol: SYMBOLS[0],
      holds: (run) => column.values[run] !== null && column.values[run] >= low && column.values[run] <= high,
    });
  }
  if (column.values.includes(null)) {
    made.push({
      label: ABSENT,
      colour: styleColour("--muted"),
      symbol: "x",
      holds: (run) => column.values[run] === null,
    });
  }
  return made;
}
