const MOST_CHOICES = 20;

/** Controls for all that was swept; `onChange` is called after each change. Returns { passes(run index), reset() }. */
function makeFilters(place, onChange) {
  const filters = columns
    .filter((column) => column.kind === "setting" && column.swept)
    .map((column) => {
      const many = column.number && distinct(column.values).length > MOST_CHOICES;
      return many ? rangeFilter(column, onChange) : choiceFilter(column, onChange);
    });
  place.append(...filters.flatMap((filter) => filter.labels));
  return {
    passes: (run) => filters.every((filter) => filter.passes(run)),
    reset: () => filters.forEach((filter) => filter.reset()),
  };
}

function choiceFilter(column, onChange) {
  const values = distinct(column.values);
  const pairs = [["", "all"], ...values.map((value, index) => [String(index), shownIn(column, value)])];
  const control = select(pairs, "", onChange);
  control.dataset.key = column.key;
  return {
    labels: [labelled(column.label, control)],
    passes: (run) => control.value === "" || column.values[run] === values[Number(control.value)],
    reset: () => (control.value = ""),
  };
}

function rangeFilter(column, onChange) {
  const controls = ["from", "to"].map((end) => {
    const input = element("input", { type: "number", step: "any" });
    input.dataset.key = `${column.key} ${end}`;
    input.addEventListener("input", onChange);
    return input;
  });
  const [low, high] = controls;
  return {
    labels: [labelled(`${column.label} from`, low), labelled(`${column.label} to`, high)],
    passes: (run) => {
      const value = column.values[run];
      if (low.value === "" && high.value === "") return true;
      if (value === null) return false;
      return (low.value === "" || value >= low.valueAsNumber) && (high.value === "" || value <= high.valueAsNumber);
    },
    reset: () => controls.forEach((input) => (input.value = "")),
  };
}
