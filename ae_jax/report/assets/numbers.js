const ABSENT = "–";
const DIGITS = 4;
const MOST_DIGITS = 6;
const MOST_APART = 3; // powers of ten, with which the smallest has three digits still
const PLAIN = [1e-4, 1e6];
const ROUNDING = 1e-12; // and below this part of the largest of numbers that stand beside each other: as 0

/** Whether a number is written without a power of ten. */
function isPlain(value) {
  return value === 0 || (Math.abs(value) >= PLAIN[0] && Math.abs(value) < PLAIN[1]);
}

/** Numbers that stand beside each other, with the same decimals: four digits of the smallest.
 *
 * Where six digits of the largest hide the smallest, each has its own. */
function alike(numbers) {
  const isThere = (value) => value !== null && value !== undefined;
  const least = ROUNDING * Math.min(1, Math.max(0, ...numbers.filter(isThere).map(Math.abs)));
  const values = numbers.map((value) => (isThere(value) && Math.abs(value) < least ? 0 : value));
  const sizes = values.filter((value) => isThere(value) && value !== 0 && isPlain(value)).map(Math.abs);
  const [low, high] = extent(sizes.map((size) => Math.floor(Math.log10(Number(size.toPrecision(DIGITS))))));
  if (high - low > MOST_APART) return values.map(shown);
  const decimals = sizes.length ? Math.max(0, Math.min(DIGITS - 1 - low, MOST_DIGITS - 1 - high)) : 0;
  return values.map((value) => {
    if (!isThere(value)) return ABSENT;
    return isPlain(value) ? value.toFixed(decimals) : value.toExponential(DIGITS - 1);
  });
}

/** A measured number with four digits. */
function shown(value) {
  return alike([value])[0];
}

/** A ratio, or another part of a number, with three digits. */
function shownRatio(value) {
  if (value === null || value === undefined) return ABSENT;
  if (value > PLAIN[1]) return ">1e6"; // times rounding, such as PCA's error with all components
  if (!isPlain(value)) return value.toExponential(2);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** How far an error is from another one, in the words of the terminal: "8.30% higher than A’s", "12.3 × A’s". */
function shownGap(ours, theirs, whose) {
  if (ours === theirs) return `equal to ${whose}`;
  const word = `${ours > theirs ? "higher" : "lower"} than ${whose}`;
  if (!(theirs > 0)) return word;
  if (ours / theirs >= 2) return `${shownRatio(ours / theirs)} × ${whose}`;
  return `${shownRatio((100 * Math.abs(ours - theirs)) / theirs)}% ${word}`;
}

/** A value of a column: settings as they were typed, counts whole. */
function shownIn(column, value) {
  if (value === null || value === undefined) return ABSENT;
  if (column.kind === "setting") return column.textOf.get(value) ?? String(value);
  if (column.kind === "cost" && Number.isInteger(value)) return String(value);
  return column.kind === "ratio" ? shownRatio(value) : shown(value);
}

/** Texts of a column, a number for each run: measures of one unit share their decimals in a row. */
function textsOf(column) {
  if (!column.measure) return column.values.map((value) => shownIn(column, value));
  const beside = columns.filter((other) => other.shown && other.measure === column.measure);
  const place = beside.indexOf(column);
  return column.values.map((_, run) => alike(beside.map((other) => other.values[run]))[place]);
}

/** Values as they were typed, numbers at four digits where that tells them apart. */
function shortTexts(texts) {
  const at = (digits) =>
    texts.map((text) => {
      const short = Number(Number(text).toPrecision(digits));
      return /^-?\d+\.\d+(e-?\d+)?$/.test(text) && short !== Number(text) ? String(short) : text;
    });
  const isTold = (short) => new Set(short).size === new Set(texts).size;
  return [DIGITS, 6, 9].map(at).find(isTold) ?? texts;
}

/** What stands after each number so that the points of all are below each other; it is not seen, read or copied. */
function paddings(texts) {
  const parts = texts.map((text) => /^[^.\s]*\d(\.\d+)?(?=[\se]|$)/.exec(text)?.[1] ?? "");
  const longest = parts.reduce((most, part) => (part.length > most.length ? part : most), "");
  return texts.map((text, at) => (/\d/.test(text) ? longest.slice(parts[at].length).replace(/\d/g, "0") : ""));
}

/** Smallest and largest of numbers, of which there may be more than a call can take. */
function extent(numbers) {
  return numbers.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}
