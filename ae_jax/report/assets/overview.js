const MOST_OPEN = 4;
const SEEDS_AT = 6; // place of the column of the table of the best

/** Facts, the best configurations, what was swept, and what is left out. */
function showOverview() {
  const { num_runs, num_configurations, datasets, seeds, states } = overview;
  const facts = [
    counted(num_runs, "run"),
    counted(num_configurations, "configuration"),
    `${counted(datasets.length, "dataset")}${datasets.length ? `: ${datasets.join(", ")}` : ""}`,
    counted(seeds.length, "seed"),
    ...states,
  ];
  byId("facts").append(...facts.map((fact) => element("span", { textContent: fact })));
  byId("verdict").append(...overview.verdicts.map((text) => element("p", { textContent: text })));
  showBest();
  byId("best").append(...overview.notes.map((text) => element("p", { className: "hint", textContent: `${text}.` })));
  showSwept();
  showExcluded();
}

function showBest() {
  const { best } = overview;
  if (!best.length) return;
  const many = new Set(best.map((row) => row.dataset)).size > 1;
  byId("best").append(
    element("h2", { textContent: "Best against PCA" }),
    ...best.filter((row) => row.best).map(bestSentence),
  );
  if (best.length === best.filter((row) => row.best).length) return;
  const chosen = best.some((row) => row.rest);
  const certain = best.some((row) => row.chosen);
  const headings = [
    "latent size",
    "test sse",
    "95 % interval",
    "PCA test sse",
    "PCA needs",
    "autoencoder is",
    "seeds",
    ...(many ? ["dataset"] : []),
    ...(chosen ? [`chosen by ${overview.chosen_by}`] : []),
    ...(certain ? ["chosen in"] : []),
  ];
  const rows = best.map((row) => [
    String(row.latent_size),
    ...meanAndInterval(row.autoencoder),
    row.pca?.text ?? ABSENT,
    row.needed,
    row.verdict || ABSENT,
    seedsOf(row),
    ...(many ? [row.dataset] : []),
    ...(chosen ? [row.rest || ABSENT] : []),
    ...(certain ? [row.chosen || ABSENT] : []),
  ]);
  const numeric = [0, 1, 3];
  const table = textTable(headings, rows, numeric, "The best at each latent size");
  table.querySelectorAll("tbody tr").forEach((row, index) => {
    row.classList.toggle("best", best[index].best);
    if (best[index].told) row.children[5].classList.add(best[index].told);
  });
  const summary = element("summary", { textContent: "The best at each latent size" });
  const words = certain
    ? ` Chosen in: share of the resamples of the seeds in which ${overview.chosen_by} chooses the same at this size.`
    : "";
  const needs = ` PCA needs: components with which its test sse is as low, within ${overview.tolerance}.`;
  const text = `Shaded: best of all by ${overview.chosen_by}. Numbers: ${overview.reading}.${needs}${words}`;
  const reading = element("p", { className: "hint", textContent: text });
  // What chose is a sentence of a paper rather than columns, for which its page has no room.
  const printed = headings.map((_, at) => at).filter((at) => at < SEEDS_AT || headings[at] === "dataset");
  const [head, ...body] = [headings, ...rows].map((cells) => printed.map((at) => cells[at]));
  const comments = [`The best at each latent size by ${overview.chosen_by}. Numbers: ${overview.reading}.`];
  const copy = doing("Copy LaTeX", () => copyText(latexTable(head, body, numeric, comments)));
  const controls = element("div", { className: "controls" }, copy);
  byId("best").append(element("details", { open: best.length <= 12 }, summary, table, reading, controls));
}

/** The mean and the interval of an estimate, apart. */
function meanAndInterval(estimate) {
  const [mean, ...interval] = (estimate?.text ?? ABSENT).split(" ");
  return [mean, interval.join(" ")];
}

/** One best configuration in a sentence, with what makes the numbers readable. */
function bestSentence(row) {
  const mark = (className, text) => element("b", { className, textContent: text });
  return element(
    "p",
    { className: "sentence" },
    `On ${row.dataset}, `,
    element("b", { textContent: row.label }),
    ` is best by ${overview.chosen_by}. Its test sse is `,
    mark("ours", row.autoencoder?.text ?? ABSENT),
    ` (${[row.over, ...shortOf(row)].join("; ")}), PCA’s with as many components `,
    mark("pca", row.pca?.text ?? ABSENT),
    "; against PCA it is ",
    mark(row.told, row.verdict || ABSENT),
    row.chosen_of_all ? `; chosen in ${row.chosen_of_all} of the resamples of the seeds.` : ".",
  );
}

/** What a configuration lacks: runs that diverged or failed, and seeds that others have. */
function shortOf(row) {
  return [
    ...(row.lost ? [row.lost.slice(1, -1)] : []),
    ...(row.num_seeds < row.most_seeds ? [`others have up to ${row.most_seeds}`] : []),
  ];
}

function seedsOf(row) {
  const fewer = row.num_seeds < row.most_seeds ? ` of ${row.most_seeds}` : "";
  return `${row.num_seeds}${fewer} ${row.lost}`.trim();
}

function showSwept() {
  const list = overview.swept.flatMap(({ key, values, num_values, together }) => {
    const text = together ? values.join("; ") : values.join(", ");
    const whole = num_values > values.length ? `${num_values} values from ${values[0]} to ${values.at(-1)}` : text;
    return [element("dt", { textContent: key }), element("dd", { textContent: whole })];
  });
  const seeds =
    overview.seeds.length > 1
      ? [element("dt", { textContent: "seed" }), element("dd", { textContent: overview.seeds.join(", ") })]
      : [];
  const nothing = element("p", {
    textContent: runs.length ? "Nothing: the runs have one config." : "No run has completed.",
  });
  const all = [...list, ...seeds];
  byId("swept").append(element("h2", { textContent: "What varies" }), all.length ? element("dl", {}, ...all) : nothing);
}

function showExcluded() {
  const { excluded } = overview;
  if (!excluded.length) return;
  const rows = excluded.map(({ folder, state, reason }) => [state, folder, reason]);
  const text = `Not counted: ${overview.states.join(", ")}`;
  const summary = element("summary", { textContent: text });
  byId("excluded").append(
    element(
      "details",
      { open: excluded.length <= MOST_OPEN || !runs.length },
      summary,
      textTable(["state", "folder", "reason"], rows, [], "Folders that are not counted"),
    ),
  );
}
