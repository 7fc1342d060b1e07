"""What the terminal shows of evaluations: of one run all methods side by side, of several a row each."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from ae_jax.jobs.ask import Asked
from ae_jax.results.digits import alike, difference_text
from ae_jax.runs.measures import competitor_name, methods_of
from ae_jax.terminal import Column, Screen, print_table, say, short_path

_SPLIT, _PAIR = "test", ("autoencoder", "pca")


def print_answers(output: Screen, asked: Sequence[Asked]) -> None:
    """Print what was answered on the test split, a table for each evaluation."""
    for name in dict.fromkeys(name for one in asked for name in one.answers):
        having = [one for one in asked if name in one.answers]
        if not any(_numbers(one.answers[name], key) for one in having for key in _PAIR):
            of = "this run" if len(asked) == 1 else "these runs"
            say(output, f"{name} has no numbers of {of}")
            continue
        columns = _of_one(having[0], name) if len(asked) == 1 else _of_several(having, name)
        print_table(output, f"{name}, {_SPLIT} split", columns)


def _of_one(asked: Asked, name: str) -> list[Column]:
    """A row for each measure, a column for each method."""
    answer = asked.answers[name]
    methods = [key for key in methods_of(answer) if _numbers(answer, key)]
    names = [measure for measure in answer["measures"] if any(measure in _numbers(answer, key) for key in methods)]
    rows = [alike(*(_value(answer, key, measure) for key in methods)) for measure in names]
    shown = [
        [_cell(answer, key, measure, row[at]) for measure, row in zip(names, rows, strict=True)]
        for at, key in enumerate(methods)
    ]
    called = {"pca": competitor_name(asked.summary["pca"])}
    return [
        Column("measure", [escape(answer["measures"][measure]["short"]) for measure in names], words=True),
        *(Column(called.get(key, key), cells) for key, cells in zip(methods, shown, strict=True)),
        Column("autoencoder is", [_gap(answer, measure) for measure in names], words=True),
    ]


def _of_several(asked: Sequence[Asked], name: str) -> list[Column]:
    """A row for each run, two columns for each measure."""
    columns = [Column("run", [escape(str(short_path(one.folder))) for one in asked], words=True)]
    described = {key: words for one in asked for key, words in one.answers[name]["measures"].items()}
    for measure, words in described.items():
        values = {key: [_value(one.answers[name], key, measure) for one in asked] for key in _PAIR}
        texts = alike(*values["autoencoder"], *values["pca"])
        for at, (key, method) in enumerate(zip(_PAIR, ("", "PCA's "), strict=True)):
            own = texts[at * len(asked) : (at + 1) * len(asked)]
            told = any(measure in _numbers(one.answers[name], key) for one in asked)
            columns += [Column(f"{method}{escape(words['short'])}", own)] if told else []
    return columns


def _numbers(answer: dict[str, Any], method: str) -> dict[str, float | None]:
    return answer.get(method, {}).get(_SPLIT, {})


def _value(answer: dict[str, Any], method: str, measure: str) -> float:
    value = _numbers(answer, method).get(measure)
    return float("nan") if value is None else value


def _cell(answer: dict[str, Any], method: str, measure: str, text: str) -> str:
    """A number with its interval, where it has one."""
    if measure not in _numbers(answer, method):
        return ""
    pair = answer.get("intervals", {}).get(method, {}).get(_SPLIT, {}).get(measure)
    return text if pair is None else f"{text} {escape('[')}{pair[0]:.4g}, {pair[1]:.4g}]"


def _gap(answer: dict[str, Any], measure: str) -> str:
    ours, theirs = (_numbers(answer, key).get(measure) for key in _PAIR)
    if ours is None or theirs is None:
        return ""
    return difference_text(ours, theirs, has_ratio=answer["measures"][measure]["has_ratio"])
