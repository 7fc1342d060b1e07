const MOST_COMPARED = 4;
const LETTERS = "ABCD";
const DASHES = ["solid", "dash", "dashdot", "longdash"];

/** Colour and dash of the first, second, … of the runs that are compared. */
function lookOf(place) {
  return { color: palette()[place], dash: DASHES[place] };
}

/** Boxes in the table to tick the runs that are to be compared; returns { boxOf(run index) }. */
function makePicks(place) {
  const ticked = new Set();
  const boxes = new Map();
  const open = element("button", { type: "button" });
  open.addEventListener("click", () => openRuns([...ticked]));
  const clear = element("button", { type: "button", textContent: "Untick all" });
  clear.addEventListener("click", () => {
    ticked.clear();
    boxes.forEach((box) => (box.checked = false));
    look();
  });
  const look = () => {
    open.textContent = ticked.size < 2 ? `Compare: tick two to four runs` : `Compare ${ticked.size} runs`;
    open.disabled = ticked.size < 2;
    clear.hidden = !ticked.size;
    boxes.forEach((box, run) => (box.disabled = ticked.size >= MOST_COMPARED && !ticked.has(run)));
  };
  const tick = (run, box) => {
    box.checked ? ticked.add(run) : ticked.delete(run);
    look();
  };
  place.append(open, clear);
  place.hidden = runs.length < 2;
  look();
  return {
    boxOf: (run) => {
      const box = element("input", { type: "checkbox", ariaLabel: `compare ${runs[run].name}` });
      box.addEventListener("change", () => tick(run, box));
      box.disabled = ticked.size >= MOST_COMPARED;
      boxes.set(run, box);
      return box;
    },
  };
}

/** A control that opens these runs beside one more; nothing where there is none, or no room. */
function addingTo(indices) {
  const others = ALL.filter((run) => !indices.includes(run)).map((run) => [String(run), runs[run].id]);
  if (!others.length || indices.length >= MOST_COMPARED) return [];
  const choice = select([["", "choose a run"], ...others], "", () => openRuns([...indices, Number(choice.value)]));
  return [element("div", { className: "controls" }, labelled("compare with", choice))];
}

/** The parts of a panel that compares runs. */
function comparisonParts(indices) {
  const nameOf = (index) => LETTERS[indices.indexOf(index)];
  const curve = element("div", { className: "chart" });
  curve.start = () => drawRunCurves(indices, curve, nameOf);
  return [
    namesOf(indices, nameOf),
    ...addingTo(indices),
    element("p", { className: "sentence", textContent: comparisonSentence(indices, nameOf) }),
    comparedMeasures(indices, nameOf),
    part("Learning curves", curve, ...buttonsFor(curve, "learning_curves")),
    part("Reconstructions", reconstructionsOf(indices, nameOf)),
    differingSettings(indices, nameOf),
  ];
}

/** Which letter is which run, with a button that leaves it out. */
function namesOf(indices, nameOf) {
  const items = indices.map((index, place) => {
    const leave = element("button", { type: "button", className: "small", textContent: "Remove" });
    leave.ariaLabel = `Remove ${runs[index].id}`;
    leave.addEventListener("click", () => openRuns(indices.filter((other) => other !== index)));
    const letter = element("b", { className: "letter", textContent: nameOf(index) });
    letter.style.borderColor = lookOf(place).color;
    const link = element("a", { href: runAddress(index), textContent: runs[index].id });
    return element("li", {}, letter, link, leave);
  });
  return element("ul", { className: "names" }, ...items);
}

/** Which of them has the lowest test sse, and by how much. */
function comparisonSentence(indices, nameOf) {
  if (new Set(indices.map((index) => runs[index].data)).size > 1)
    return "These runs are on different data, whose errors do not compare.";
  const sse = (index) => runs[index].measures.test.sse[0];
  const sorted = [...indices].sort((a, b) => sse(a) - sse(b));
  const texts = new Map(sorted.map((index, at) => [index, alike(sorted.map(sse))[at]]));
  const [best, ...others] = sorted;
  const behind = others.map(
    (index) => `${nameOf(index)}’s ${texts.get(index)} is ${shownGap(sse(index), sse(best), `${nameOf(best)}’s`)}`,
  );
  const keys = differingKeys(indices);
  const seeds = keys.length === 1 && keys[0] === "seed" ? " They differ in the seed only." : "";
  const caution = seeds ? "" : " Single runs: what seeds tell is in the table of the best.";
  return `${nameOf(best)} has the lowest test sse, ${texts.get(best)}; ${behind.join(", ")}.${seeds}${caution}`;
}

/** A table of the test split: of the error also PCA's and how far apart they are, then the other measures. */
function comparedMeasures(indices, nameOf) {
  const measures = indices.map((index) => runs[index].measures.test);
  const [first, ...others] = new Set(measures.flatMap(Object.keys));
  const of = (name, method) => measures.map((measure) => measure[name]?.[method] ?? null);
  const texts = alike([...of(first, 0), ...of(first, 1)]);
  const rows = [
    [data.measures[first], ...texts.slice(0, indices.length)],
    ["PCA’s, as many components", ...texts.slice(indices.length)],
    ["autoencoder is", ...of(first, 2).map((gap) => gap || ABSENT)],
    [
      "components that PCA needs",
      ...indices.map((index) => String(runs[index].components_to_match ?? "more than all")),
    ],
    ...others.map((name) => [data.measures[name], ...alike(of(name, 0))]),
  ];
  const headings = ["test split", ...indices.map(nameOf)];
  const numeric = indices.map((_, at) => at + 1);
  const comments = indices.map((index) => `${nameOf(index)}: ${runs[index].id}`);
  const copy = doing("Copy LaTeX", () => copyText(latexTable(headings, rows, numeric, comments)));
  const made = textTable(headings, rows, [], "Measures");
  made.classList.add("compared");
  return part("Measures", made, element("div", { className: "controls" }, copy));
}

function differingKeys(indices) {
  const keys = [...new Set(indices.flatMap((index) => Object.keys(runs[index].config)))];
  return keys.filter((key) => new Set(indices.map((index) => runs[index].config[key])).size > 1);
}

function differingSettings(indices, nameOf) {
  const valuesOf = (key) => indices.map((index) => runs[index].config[key] ?? ABSENT);
  const rows = differingKeys(indices).map((key) => [
    columnOf.get(key)?.label ?? data.names[key],
    ...shortTexts(valuesOf(key)),
  ]);
  const none = element("p", { className: "hint", textContent: "No setting differs; their data do." });
  const made = rows.length ? textTable(["setting", ...indices.map(nameOf)], rows, [], "Differing settings") : none;
  return part("Differing settings", made);
}
