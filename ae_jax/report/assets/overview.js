const MOST_OPEN = 4;

/** Facts, the best configurations, what was swept, and what is left out. */
function showOverview() {
  const { num_runs, num_configurations, datasets, seeds, excluded } = overview;
  const facts = [
    counted(num_runs, "run"),
    counted(num_configurations, "configuration"),
    `${counted(datasets.length, "dataset")}${datasets.length ? `: ${datasets.join(", ")}` : ""}`,
    counted(seeds.length, "seed"),
    ...(excluded.length ? [`${counted(excluded.length, "folder")} left out`] : []),
  ];
  byId("facts").append(...facts.map((fact) => element("span", { textContent: fact })));
  showBest();
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
    "seeds",
    "test sse",
    "PCA test sse",
    "ratio, geometric mean",
    "autoencoder is",
    ...(many ? ["dataset"] : []),
    ...(chosen ? ["chosen by validation sse"] : []),
    ...(certain ? ["chosen in"] : []),
  ];
  const rows = best.map((row) => [
    String(row.latent_size),
    seedsOf(row),
    shownEstimate(row.autoencoder),
    shownEstimate(row.pca),
    shownEstimate(row.ratio),
    row.verdict || ABSENT,
    ...(many ? [row.dataset] : []),
    ...(chosen ? [row.rest || ABSENT] : []),
    ...(certain ? [row.chosen || ABSENT] : []),
  ]);
  const table = textTable(headings, rows, [0, 1, 2, 3, 4]);
  table.querySelectorAll("tbody tr").forEach((row, index) => {
    row.classList.toggle("best", best[index].best);
    if (best[index].told) row.children[5].classList.add(best[index].told);
  });
  const summary = element("summary", { textContent: "The best at each latent size" });
  const words = certain
    ? " Chosen in: share of the resamples of the seeds in which validation sse chooses the same at this size."
    : "";
  const text = `Shaded: best of all by validation sse. Numbers: ${overview.reading}.${words}`;
  const reading = element("p", { className: "hint", textContent: text });
  byId("best").append(element("details", { open: best.length <= 12 }, summary, table, reading));
}

/** One best configuration in a sentence, with what makes the numbers readable. */
function bestSentence(row) {
  const mark = (className, text) => element("b", { className, textContent: text });
  return element(
    "p",
    { className: "sentence" },
    `On ${row.dataset}, `,
    element("code", { textContent: row.label }),
    " is best by validation sse. Its test sse is ",
    mark("ours", shownEstimate(row.autoencoder)),
    ` (${[row.over, ...shortOf(row)].join("; ")}), PCA’s with as many components `,
    mark("pca", shownEstimate(row.pca)),
    "; ratio, geometric mean, ",
    mark("", shownEstimate(row.ratio)),
    ". Against PCA it is ",
    mark(row.told, row.verdict || ABSENT),
    row.chosen_of_all ? `; chosen in ${row.chosen_of_all} of the resamples of the seeds.` : ".",
  );
}

/** What a configuration lacks: seeds that others have, diverged runs, others that did not complete. */
function shortOf(row) {
  return [
    ...(row.num_diverged ? [`${row.num_diverged} more diverged`] : []),
    ...(row.num_missing ? [`${row.num_missing} more not completed`] : []),
    ...(row.num_seeds < row.most_seeds ? [`others have up to ${row.most_seeds}`] : []),
  ];
}

function seedsOf(row) {
  const short = shortOf(row);
  return short.length ? `${row.num_seeds} (${short.join(", ")})` : String(row.num_seeds);
}

function showSwept() {
  const list = overview.swept.flatMap(({ key, values }) => {
    const long = values.length > 12;
    const text = long ? `${values.length} values from ${values[0]} to ${values.at(-1)}` : values.join(", ");
    return [element("dt", { textContent: key }), element("dd", { textContent: text })];
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
  const summary = element("summary", { textContent: `${counted(excluded.length, "folder")} left out` });
  byId("excluded").append(
    element(
      "details",
      { open: excluded.length <= MOST_OPEN || !runs.length },
      summary,
      textTable(["state", "folder", "reason"], rows),
    ),
  );
}
