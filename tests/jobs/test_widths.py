"""Every table and line that a command prints is whole at 40 to 200 columns: no number is cut, no word is broken.

COLUMNS says how wide the output is, as a terminal does.
"""

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ae_jax.commands.report import main
from ae_jax.config.naming import structure_of
from ae_jax.errors import UserError
from ae_jax.jobs.display import print_outcome
from ae_jax.jobs.guard import print_mistake
from ae_jax.jobs.single import print_config
from ae_jax.jobs.sweep.display import SweepDisplay, print_plan
from ae_jax.jobs.sweep.ending import print_end
from ae_jax.jobs.sweep.overview import Trial
from ae_jax.jobs.sweep.plan import make_plan
from ae_jax.runs.folder import RunFolder
from ae_jax.terminal import Screen

WIDTHS = (40, 60, 80, 120, 200)
LINEAR = {"model._target_": "ae_jax.models.linear.LinearAutoencoder", "model.hidden_sizes": None}
LONG = {"model.hidden_sizes": [256, 128, 64], "optimizer.learning_rate": 0.30000000000000004}


def cells_of(text: str) -> dict[str, list[str]]:
    """The cells of all tables by their titles, without what separates their lines."""
    found, titles = {}, []
    for line in text.splitlines():
        if line.startswith("┏"):
            titles = [""] * (line.count("┳") + 1)
        elif line.startswith("┃"):
            parts = [cell.strip() for cell in line.strip("┃").split("┃")]
            titles = [f"{title} {part}".strip() for title, part in zip(titles, parts, strict=True)]
        elif line.startswith("│") and titles:
            # The curve of a program has such a line within it.
            for title, cell in zip(titles, re.split(r"(?:^| )│(?: |$)", line)[1:-1], strict=True):
                found.setdefault(title, []).extend(cell.split())
    return found


def left_out(text: str) -> set[str]:
    """Titles that do not fit, as said below the tables."""
    said = re.findall(r"too narrow for: (.*(?:\n  .*)*)", text)
    return {title for line in said for title in " ".join(line.split()).split("; ")}


def prose_of(text: str) -> list[str]:
    """The words of all lines that are of no table, but for those that say what a table leaves out."""
    text = re.sub(r"too narrow for: .*(\n  .*)*\n", "", text)
    of_tables = "┏┃┡│├└" if "┏" in text else ""
    return " ".join(line for line in text.splitlines() if not line or line[0] not in of_tables).split()


def check_lines(text: str, width: int) -> None:
    """No line is wider than the terminal, but for one word that is."""
    for line in text.splitlines():
        assert len(line) <= width or " " not in line.strip(" ├└│─"), line


def check(wide: str, narrow: str, width: int) -> None:
    """The same words and numbers, in lines that fit."""
    check_lines(narrow, width)
    shown, asked = cells_of(narrow), cells_of(wide)
    if not asked or asked.keys() == shown.keys() | left_out(narrow):
        assert prose_of(narrow) == prose_of(wide)
    words = Counter(narrow.split())
    for title, cells in asked.items():
        if title not in left_out(narrow):  # in a table, or in lines of blocks
            assert not Counter(cells) - Counter(shown.get(title, words)), title


@pytest.fixture
def report(monkeypatch, capsys) -> Callable[..., str]:
    """What `scripts/report.py outputs` prints at a width."""

    def run(width: int, *arguments: str) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys, "argv", ["report.py", "outputs", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


@pytest.fixture(scope="module")
def folder(write_run, tmp_path_factory) -> Path:
    """Two models with long keys, at three latent sizes and five seeds; one far behind PCA, some diverged and failed."""
    folder = tmp_path_factory.mktemp("widths")
    for number, (size, other) in enumerate((size, other) for size in (1, 2, 16) for other in (LINEAR, LONG)):
        for seed in range(5):
            settings = {"model.latent_size": size, "seed": seed, **other}
            sse = (3 / size + seed / 100) * (300 if size == 16 and other is LONG else 1)
            write_run(folder / f"outputs/many/run-{number}-{seed}", settings=settings, sse=sse)
    for seed, state in ((5, "diverged"), (6, "failed")):
        settings = {"model.latent_size": 2, "seed": seed, **LONG}
        write_run(
            folder / f"outputs/many/{state}", settings=settings, state=state, error="the loss was not finite, " * 3
        )
    return folder


@pytest.fixture
def many(folder, monkeypatch) -> Path:
    """The folder of those runs, seen from where a command is typed."""
    monkeypatch.chdir(folder)
    return folder / "outputs" / "many"


COMMANDS = {
    "the report": (),
    "the report of a difference": ("--measure", "explained_variance"),
    "a comparison": ("--compare", "model=dense", "model=linear"),
    "a comparison with PCA": ("--compare", "model=dense", "pca"),
    "a mistake": ("--where", "model.latent_sizes = 3 and optimizer.learning_rates < 0.3 and model.hidden_size = 12"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name if "PCA" in name else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS]
)
def test_of_reports(name, report, many):
    wide = report(1000, *COMMANDS[name])
    assert "…" not in wide
    for width in WIDTHS:
        check(wide, report(width, *COMMANDS[name]), width)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(
            "select run, seed, model.latent_size, sse, pca_sse, psnr, started from runs", marks=pytest.mark.slow
        ),
        "select * from runs where seed = 1",
        "select null as nothing, '[bold]' as text, [1, 2] as list",
    ],
)
def test_of_answers(query, report, many):
    asked = report(1000, "--sql", query, "--csv")
    values = {value for row in list(csv.reader(io.StringIO(asked)))[1:] for value in row if value}
    for width in WIDTHS:
        narrow = report(width, "--sql", query)
        check_lines(narrow, width)
        assert not [value for value in values if any(word not in narrow for word in value.split())]


@pytest.fixture(scope="module")
def made(compose, smoke) -> SimpleNamespace:
    """What is printed: a config, a whole run, and the runs of a sweep with their plan."""
    plan, runs = sweep_of(compose)
    config = compose("corruption=masking", "notes='" + "a long note " * 20 + "'")
    return SimpleNamespace(config=config, smoke=smoke, plan=plan, runs=runs)


def sweep_of(compose):
    """A sweep over a key with long values and over an option, with its plan."""
    overrides = [
        [f"model={kind}", f"optimizer.learning_rate={rate}", f"seed={seed}"]
        for kind in ("dense", "linear") for rate in (0.003, 0.30000000000000004) for seed in (0, 1)
    ]  # fmt: skip
    runs = [Trial(given, Path(f"run{at}"), compose(*given)) for at, given in enumerate(overrides)]
    plan = make_plan({at: run.config or {} for at, run in enumerate(runs)}, max_runs=3)
    assert len({str(structure_of(run.config)) for run in runs}) == 2
    return plan, runs


def print_the_plan(made, _):
    print_plan(made.plan, made.runs, [12345678, None], num_repeated=3, dry_run=True)


def print_the_last_table(made, monkeypatch):
    """Of a sweep on a terminal, once it has ended."""
    monkeypatch.setattr(Screen, "is_live", True)
    display = SweepDisplay(made.plan, [None, None], [12345678, 87654321])
    for row, best in zip(display._rows, (1.25, 300.0), strict=True):
        row._experiment, row.num_runs, row.num_ended, row._num_epochs, row._pca = object(), 4, 4, 100, 1.5
        for epoch in range(1, 101):
            row.see({Path(f"{row.name}"): {"epoch": epoch, "validation_sse": best * (1 + 10 / epoch)}})
    display.close()


def print_the_end(*_):
    runs = []
    for path in sorted(Path("outputs/many").glob("run-*")):
        config = RunFolder(path).config
        overrides = [f"{key}={config['model'][key]}" for key in ("latent_size", "hidden_sizes")]
        rate = f"optimizer.learning_rate={config['optimizer']['learning_rate']}"
        overrides = [f"model.{text}" for text in overrides] + [rate, f"seed={config['seed']}"]
        runs.append(Trial(overrides, path.resolve(), config, "completed"))
    failed = Trial(["model.latent_size=99", "seed=3"], None, None, "failed", UserError("model", "is too large " * 12))
    print_end([*runs, failed], Path("outputs/many"))


PRINTED = {
    "the plan of a sweep": print_the_plan,
    "the last table of a sweep": print_the_last_table,
    "the end of a sweep": print_the_end,
    "one run": lambda made, _: print_outcome(made.smoke, trained_before=True),
    "a run that diverged": lambda *_: print_outcome(Path("outputs/many/diverged")),
    "a config": lambda made, _: print_config(made.config),
    "an error": lambda *_: print_mistake(UserError("model.latent_sizes", "is none of the keys " * 9, "choose another")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTED)
def test_of_what_else_is_printed(name, made, many, monkeypatch, capsys):
    def shown(width):
        monkeypatch.setenv("COLUMNS", str(width))
        capsys.readouterr()
        PRINTED[name](made, monkeypatch)
        captured = capsys.readouterr()
        return captured.out + captured.err

    wide = shown(1000)
    assert "…" not in wide
    for width in WIDTHS:
        check(wide, shown(width), width)


def test_without_a_terminal_a_line_is_a_line(many, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["report.py", "outputs"])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert "\x1b" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("means over seeds")]
    assert len(line) > 100
