const PICTURE_SCALE = 2;

/** A button that does something once and says what came of it. */
function doing(label, act, done = "Copied") {
  const button = element("button", { type: "button", textContent: label, className: "small" });
  button.addEventListener("click", async () => {
    let said = done;
    try {
      await act();
    } catch {
      said = "The browser did not allow it";
    }
    byId("said").textContent = said;
    button.textContent = said;
    setTimeout(() => (button.textContent = label), 1.5 * SECOND_MS);
  });
  return button;
}

/** Put a text on the clipboard; the older way where the newer is not allowed. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = element("textarea", { value: text, ariaHidden: "true" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("nothing was copied");
  }
}

/** Put a picture on the clipboard; into a file where that is not allowed. */
async function copyPicture(blob, name) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
  } catch {
    saveFile(blob, `${name}.png`);
  }
}

function saveFile(blob, download) {
  const href = URL.createObjectURL(blob);
  element("a", { href, download }).click();
  setTimeout(() => URL.revokeObjectURL(href), SECOND_MS);
}

/** What Plotly shows in a place, as a file's content. */
async function pictureOf(place, format) {
  const { clientWidth: width, clientHeight: height } = place;
  const address = await Plotly.toImage(place, { format, width, height, scale: format === "png" ? PICTURE_SCALE : 1 });
  const [head, content] = [address.slice(0, address.indexOf(",")), address.slice(address.indexOf(",") + 1)];
  const bytes = head.endsWith(";base64")
    ? Uint8Array.from(atob(content), (character) => character.charCodeAt(0))
    : new TextEncoder().encode(decodeURIComponent(content));
  return new Blob([bytes], { type: format === "png" ? "image/png" : "image/svg+xml" });
}

/** Buttons for the picture of a chart. */
function pictureButtons(place, name) {
  const drawn = (format) => (place.data ? pictureOf(place, format) : Promise.reject(new Error("nothing is drawn")));
  return [
    doing("Copy picture", async () => copyPicture(await drawn("png"), name)),
    doing("Save SVG", async () => saveFile(await drawn("svg"), `${name}.svg`), "Saved"),
  ];
}

const LATEX = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "[": "{[}", // else it is an option of the line break before it
  "×": "$\\times$",
  "–": "--",
  "’": "'",
};

/** A text as LaTeX prints it. */
function latexText(text) {
  return text.replace(/[\\~^<>[×–’]|[&%$#_{}]/g, (character) => LATEX[character] ?? `\\${character}`);
}

/** A table of texts in LaTeX, which needs booktabs, below comments that say what it is. */
function latexTable(headings, rows, numeric, comments) {
  const line = (cells) => `${cells.map(latexText).join(" & ")} \\\\`;
  const kinds = headings.map((_, index) => (numeric.includes(index) ? "r" : "l")).join("");
  const body = [line(headings), "\\midrule", ...rows.map(line)].join("\n");
  const head = comments.map((text) => `% ${text.replace(/\s+/g, " ")}\n`).join("");
  return `${head}\\begin{tabular}{@{}${kinds}@{}}\n\\toprule\n${body}\n\\bottomrule\n\\end{tabular}\n`;
}
