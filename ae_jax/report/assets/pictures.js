const COPIED_WIDTH = 1200;

/** Rows of test examples in one picture: { label, run, row, sse }, each a row of the picture of a run. */
function pictureRows(rows) {
  const said = rows.map((row) => (row.sse ? `${row.label}, test sse ${row.sse}` : row.label));
  const canvas = element("canvas", { role: "img" });
  const label = `Test examples; rows from top to bottom: ${said.join("; ")}`;
  canvas.setAttribute("aria-label", label);
  const column = (className, textOf) =>
    element("div", { className }, ...rows.map((row) => element("span", { textContent: textOf(row) })));
  const names = column("row-names", (row) => row.label);
  const values = column("row-names number", (row) => row.sse ?? "");
  const hasValues = rows.some((row) => row.sse);
  const shown = element("div", { className: "pictures" }, names, canvas, ...(hasValues ? [values] : []));
  paint(canvas, rows).catch(() => canvas.replaceWith("The pictures cannot be read."));
  const copy = doing("Copy picture", async () => copyPicture(await enlarged(canvas), "reconstructions"));
  return element("div", {}, shown, element("div", { className: "controls" }, copy));
}

/** Draw the rows below each other, as many examples as all have. */
async function paint(canvas, rows) {
  const images = rows.map(({ run }) => {
    const image = new Image();
    image.src = `data:image/png;base64,${run.reconstructions.png}`;
    return image;
  });
  await Promise.all(images.map((image) => image.decode()));
  const height = images[0].height / rows[0].run.reconstructions.labels.length;
  canvas.width = Math.min(...images.map((image) => image.width));
  canvas.height = height * rows.length;
  const pen = canvas.getContext("2d");
  rows.forEach(({ row }, at) => {
    const size = [canvas.width, height];
    pen.drawImage(images[at], 0, row * height, ...size, 0, at * height, ...size);
  });
}

/** A picture as large as a slide needs it, its pixels still squares. */
function enlarged(canvas) {
  const scale = Math.max(1, Math.round(COPIED_WIDTH / canvas.width));
  const large = element("canvas", { width: scale * canvas.width, height: scale * canvas.height });
  const pen = large.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(canvas, 0, 0, large.width, large.height);
  return new Promise((done) => large.toBlob(done, "image/png"));
}

/** Examples that are no images: the lines of each method over the features, a panel for each example. */
function drawProfiles(place, lines, features) {
  const count = Math.min(...lines.map((line) => line.examples.length));
  const suffix = (at) => (at ? String(at + 1) : "");
  const traces = Array.from({ length: count }, (_, at) =>
    lines.map(({ label, colour, dash, examples }) => ({
      type: "scatter",
      mode: features.length > 1 ? "lines" : "markers",
      name: label,
      legendgroup: label,
      showlegend: at === 0,
      x: features,
      y: examples[at],
      xaxis: `x${suffix(at)}`,
      yaxis: `y${suffix(at)}`,
      line: { color: colour, dash, width: 1.6 },
      hovertemplate: `${label}: %{y:.4~g}<extra></extra>`,
    })),
  ).flat();
  const axes = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      [`xaxis${suffix(at)}`, { title: { text: at === count - 1 ? "feature" : "" }, showticklabels: at === count - 1 }],
      [`yaxis${suffix(at)}`, { nticks: 4 }],
    ]).flat(),
  );
  const said = `${counted(count, "test example")} over their features: ${lines.map(({ label }) => label).join(", ")}`;
  const grid = { rows: count, columns: 1, pattern: "independent", ygap: 0.15 };
  return draw(place, traces, { ...axes, grid, height: 110 * count + 90 }, { said });
}

/** Rows of reconstructions of runs on the same data: their inputs, each autoencoder, PCA of each size. */
function reconstructionRows(indices, nameOf) {
  const first = runs[indices[0]];
  const { labels } = first.reconstructions;
  const inputs = labels.slice(0, -2).map((label, row) => ({ label, run: first, row }));
  const ours = indices.map((index) => ({
    label: nameOf(index),
    run: runs[index],
    row: labels.indexOf("autoencoder"),
    sse: runs[index].measures.test.sse?.[0],
    colour: lookOf(indices.indexOf(index)).color,
    dash: lookOf(indices.indexOf(index)).dash,
  }));
  const sizes = new Map(indices.map((index) => [runs[index].num_components ?? runs[index].latent_size, runs[index]]));
  const pca = [...sizes]
    .sort(([a], [b]) => a - b)
    .map(([size, run]) => ({
      label: indices.length > 1 ? `PCA, ${size}` : "PCA",
      run,
      row: labels.indexOf("PCA"),
      sse: run.measures.test.sse?.[1],
      colour: PCA,
      dash: "dot",
    }));
  const measured = [...ours, ...pca];
  const texts = alike(measured.map((row) => row.sse));
  return [...inputs, ...measured.map((row, at) => ({ ...row, sse: texts[at] }))];
}

/** Reconstructions of runs, or the reason why there are none. */
function reconstructionsOf(indices, nameOf = () => "autoencoder") {
  const hint = (text) => element("p", { className: "hint", textContent: text });
  const without = indices.filter((index) => !runs[index].reconstructions);
  if (without.length)
    return hint(`This page has pictures of the ${overview.num_pictures} runs that are best on validation only.`);
  const problem = indices.map((index) => runs[index].reconstructions.problem).find(Boolean);
  if (problem) return hint(problem);
  const kinds = new Set(indices.map((index) => JSON.stringify(kindOfExamples(runs[index]))));
  if (kinds.size > 1) return hint("Their test examples are not the same.");
  const rows = reconstructionRows(indices, nameOf);
  if (runs[indices[0]].reconstructions.png) return pictureRows(rows);
  const place = element("div", { className: "chart" });
  const grey = { input: styleColour("--muted"), corrupted: "#999999" };
  const lines = rows.map(({ label, run, row, colour, dash }) => ({
    label: escaped(label),
    examples: run.reconstructions.profiles[row],
    colour: colour ?? grey[label],
    dash: dash ?? (label === "corrupted" ? "dot" : "solid"),
  }));
  place.start = () => drawProfiles(place, lines, runs[indices[0]].reconstructions.features);
  return place;
}

/** What the examples of runs must have in common to stand in one picture. */
function kindOfExamples({ data: ofData, reconstructions: { labels, png, features } }) {
  return [ofData, labels, Boolean(png), features?.length];
}
