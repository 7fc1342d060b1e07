"""A paper trains what is missing and only that, and is made from the runs that it asks for."""

import csv
import functools
import json
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ae_jax.commands import figures, paper, tables
from ae_jax.errors import UserError
from ae_jax.figures import cost

CONF = Path(__file__).parents[2] / "conf"
SMALL = """
name: small
title: Small
sweeps:
  a: [dataset=mine, "model.latent_size=1,2", "seed=0,1", trainer.num_epochs=2, tracking.mode=disabled,
      trainer.max_train_examples=64]
figures:
  error: [figure=latent_vs_pca]
tables:
  numbers: [table=comparison]
"""
LOOK = {"venue": "neurips", "width": "text", "font": None, "formats": ["pdf"], "output": "outputs/paper"}


@pytest.fixture
def small(command, here):
    """Make a small paper with a dataset beside it; a part of its yaml may be replaced."""
    (here / "own" / "paper").mkdir(parents=True)
    (here / "own" / "dataset").mkdir()
    (here / "own" / "dataset" / "mine.yaml").write_text((CONF / "dataset" / "digits.yaml").read_text())

    def make(old: str = "", new: str = ""):
        (here / "own" / "paper" / "small.yaml").write_text(SMALL.replace(old, new) if old else SMALL)
        return command(paper.main, "--config-dir", "own", "paper=small")

    return make


def asked(**changes: object) -> dict:
    node = {"name": "p", "title": "P", "sweeps": {"a": ["seed=0,1"]}, "figures": {}, "tables": {}, **changes}
    return {**LOOK, "paper": node}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "paper").glob("*.yaml")))
def test_every_paper_composes_with_all_that_it_asks_for(name):
    from ae_jax.commands.composed import compose

    text = (CONF / "paper" / f"{name}.yaml").read_text()
    assert [line.partition(":")[0] for line in text.splitlines()[:4]] == ["# Claim", "# Command", "# Time", "# Score"]
    assert f"python scripts/paper.py paper={name}" in text
    made = paper.checked(compose("paper", [f"paper={name}"], config_dir=None), None)
    assert made.name == name
    assert made.sweeps
    assert made.figures
    assert made.folder == Path("outputs/paper") / name


def test_the_look_of_the_paper_is_that_of_its_figures():
    made = paper.checked(
        {**asked(figures={"f": ["figure=cost"], "g": ["figure=cost", "width=column"]}), "venue": "icml"}, None
    )
    assert [config["venue"] for config in made.figures.values()] == ["icml", "icml"]
    assert [config["width"] for config in made.figures.values()] == ["text", "column"]
    assert made.figures["f"]["formats"] == ["pdf"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"figures": {"f": ["figure=latent_vs_pc"]}}, "paper.figures.f: figure=latent_vs_pc: there is no such option"),
        ({"figures": {"f": ["figure=cost", "figure.mesure=sse"]}}, "paper.figures.f: figure.mesure: is not a key"),
        ({"figures": {"f": "figure=cost"}}, "paper.figures: input should be a valid list"),
        (
            {"tables": {"t": ["table=comparison", "formats=[word]"]}},
            "paper.tables.t: formats.0: input should be 'latex'",
        ),
        ({"sweeps": {"a": []}}, "paper.sweeps.a: is empty; give it an override, or leave it out"),
        ({"figures": {"f": []}}, "paper.figures.f: is empty; give it an option, or leave it out"),
        (
            {"figures": {"A": ["figure=cost"], "a": ["figure=cost"]}},
            "paper.figures: has 'A' and 'a', which are one file",
        ),
        (
            {"tables": {"a": ["table=best"], "A_caption": ["table=best"]}},
            "paper.tables: has 'a' and 'A_caption', which are one file",
        ),
        ({"tables": {"\u00fc": ["table=best"], "u\u0308": ["table=best"]}}, "paper.tables: "),
        ({"sweeps": None}, "paper.sweeps: input should be a valid dictionary"),
        ({"sweps": {}}, "paper: has 'sweps'; it may have title, sweeps"),
        ({"name": "a/b"}, "paper.name: 'a/b' cannot name a folder"),
        ({"name": ".."}, "paper.name: '..' cannot name a folder"),
        ({"figures": {"../f": ["figure=cost"]}}, "paper.figures: '../f' cannot name a file"),
    ],
)
def test_a_mistake_is_found_before_anything_is_trained(changes, problem):
    with pytest.raises(UserError) as raised:
        paper.checked(asked(**changes), None)
    assert str(raised.value).startswith(problem)


@pytest.mark.slow
def test_a_paper_trains_what_is_missing_and_only_that(small, here):
    ended = small()
    assert ended.code == 0, ended.err
    assert "sweep of 4 runs in 2 programs" in ended.out
    assert ended.out.splitlines()[-1] == (
        "Small: 1 figure, 1 table, provenance.json in outputs/paper/small; "
        "a page of all runs: python scripts/report.py outputs/small --html"
    )
    folder = here / "outputs" / "paper" / "small"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "provenance.json",
        *(f"figures/error{kind}" for kind in (".pdf", ".svg", ".png", "_caption.tex", "_caption.md")),
        *(f"tables/numbers{kind}" for kind in (".tex", "_caption.tex", ".csv", ".md")),
    }
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    provenance = json.loads(first[folder / "provenance.json"])
    runs = provenance["sweeps"]["a"]["runs"]
    assert len(runs) == 4
    assert provenance["appendix"]["runs"] == {"completed": 4}
    assert provenance["appendix"]["swept"] == {"model.latent_size": [1, 2]}
    for run in runs:
        status = json.loads((here / run["folder"] / "status.json").read_text())
        assert (run["state"], run["config_hash"]) == ("completed", status["config_hash"])
    for kind, name, file in (
        ("figures", "error", "error.pdf"),
        ("figures", "error", "error_caption.tex"),
        ("tables", "numbers", "numbers.tex"),
        ("tables", "numbers", "numbers_caption.tex"),
    ):
        assert provenance[kind][name]["sha256"][file] == sha256(first[folder / kind / file]).hexdigest()

    again = small()
    assert "4 runs trained before: not trained again" in again.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == first

    status = here / runs[0]["folder"] / "status.json"
    before = {run["folder"]: (here / run["folder"] / "status.json").read_bytes() for run in runs}
    status.unlink()
    (here / runs[0]["folder"] / "summary.json").unlink()
    third = small()
    assert "3 runs trained before: not trained again" in third.out
    changed = [folder for folder, text in before.items() if (here / folder / "status.json").read_bytes() != text]
    assert changed == [runs[0]["folder"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("figure=latent_vs_pca", "figure=x", "paper.figures.error: figure=x: there is no such option of figure"),
        ("seed=0,1", "sed=0,1", "paper.sweeps.a: sed: is not a key or group of the config; did you mean 'seed'?"),
        ("latent_size=1,2", "latent_size=1,0", "paper.sweeps.a: model.latent_size: input should be greater"),
        ("seed=0,1", "name=other", "paper.sweeps.a: 'name=other' is for the paper to say"),
        (
            "[figure=latent_vs_pca]",
            "[figure=cost, output=x]",
            "paper.figures.error: 'output=x' is for the paper to say",
        ),
        ("title: Small", "titel: Small", "paper: has 'titel'; it may have title, sweeps, figures, tables"),
    ],
)
def test_a_mistake_in_a_paper_trains_nothing(old, new, problem, small, here):
    ended = small(old, new)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [f"error: {problem}"] or problem in ended.err
    assert not list(here.glob("outputs/*/*/status.json"))


@pytest.mark.slow
@pytest.mark.parametrize("figure", ["heat_map", "cost"])
def test_a_figure_that_cannot_be_made_is_named_and_the_others_are_made(figure, small, here, monkeypatch):
    monkeypatch.setattr(cost, "draw", functools.wraps(cost.draw)(lambda *_, **__: 1 / 0))  # a bug of whoever wrote it
    ended = small("  error: [", f"  map: [figure={figure}]\n  error: [")
    assert ended.code == 2
    expected = {"heat_map": "runs: vary in ", "cost": "ZeroDivisionError: division by zero; look closer with python"}
    assert ended.err.startswith(f"error: paper.figures.map: {expected[figure]}")
    assert len(ended.err.splitlines()) == 1
    assert ended.out.splitlines()[-1] == (
        "Small is not complete: 1 of the figures and tables cannot be made (mend what is said above; the same command "
        "goes on from here); 1 figure, 1 table, provenance.json in outputs/paper/small"
    )
    assert {path.stem for path in (here / "outputs/paper/small/figures").iterdir()} == {"error", "error_caption"}
    provenance = json.loads((here / "outputs/paper/small/provenance.json").read_text())
    assert list(provenance["figures"]) == ["error"]


AGAIN = "the same command goes on from here"


@pytest.mark.parametrize(
    ("raised", "code", "out", "err"),
    [
        (KeyboardInterrupt(), 130, "", f"Small: interrupted; {AGAIN}\n"),
        (SystemExit(143), 143, "", f"Small: interrupted; {AGAIN}\n"),
        (
            UserError("x", "is full"),
            2,
            f"Small is not complete: mend what is said above; {AGAIN}\n",
            "error: x: is full\n",
        ),
    ],
)
def test_the_last_line_says_how_to_go_on(raised, code, out, err, small, monkeypatch):
    def train(*_: object) -> None:
        raise raised

    monkeypatch.setattr(paper, "_train", train)
    assert small() == (code, out, err)


@pytest.mark.slow
def test_runs_that_failed_are_in_the_last_line(small, monkeypatch):
    def trained(*given: object) -> list:
        runs = train(*given)
        runs[0].state, runs[0].result = "failed", UserError("x", "is full")
        return runs

    train = paper._train
    monkeypatch.setattr(paper, "_train", trained)
    ended = small()
    assert ended.code == 2
    assert ended.out.splitlines()[-1].startswith(
        f"Small is not complete: 1 run failed (mend what is said above; {AGAIN}"
    )


@pytest.mark.slow
def test_runs_that_the_paper_does_not_ask_for_are_not_in_it(small, here, write_run):
    write_run(here / "outputs" / "small" / "stranger", settings={"seed": 7}, sse=100.0)
    assert small().code == 0
    rows = list(csv.DictReader((here / "outputs/paper/small/tables/numbers.csv").open()))
    assert [row["num_seeds"] for row in rows] == ["2", "2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entry", "arguments", "problem"),
    [
        (figures.main, ["figure=latent_vs_pca"], "runs: has no value; give runs=…"),
        (figures.main, ["runs=outputs/none"], "outputs/none: does not exist"),
        (figures.main, ["runs=outputs", "venue=nips"], "venue: input should be 'neurips'"),
        (figures.main, ["runs=outputs", "font=Nofont"], "font: there is no 'Nofont' on this machine"),
        (figures.main, ["runs=outputs", "figure=cots"], "figure=cots: there is no such option of figure"),
        (figures.main, ["runs=outputs", "where=sed > 1"], "where: there is no column 'sed'; did you mean 'seed'"),
        (
            figures.main,
            ["runs=outputs", "figure._target_=os.system"],
            "figure._target_: 'os.system' is not in an allowed",
        ),
        (figures.main, ["runs=outputs", "figure._target_=ae_jax.files.write_text"], "is no figure"),
        (figures.main, ["runs=outputs", "name=../x"], "name: '../x' cannot name a file"),
        (figures.main, ["runs=outputs", "output=here/file"], "here/file: cannot be written (File exists)"),
        (figures.main, ["runs=outputs", "formats=[]"], "formats: none is given"),
        (figures.main, ["model=dense"], "model: is not a key or group of the config"),
        (tables.main, ["runs=outputs", "table.measures=[see]"], "measures: there is no 'see'"),
        (tables.main, ["runs=outputs", "formats=[word]"], "formats.0: input should be 'latex', 'csv' or 'markdown'"),
        (tables.main, ["runs=outputs", "name=../x"], "name: '../x' cannot name a file"),
        (paper.main, ["paper=none"], "paper=none: there is no such option of paper"),
        (paper.main, ["--config-dir", "none"], "--config-dir: none is not a folder"),
    ],
)
def test_a_mistake_ends_in_one_line(entry, arguments, problem, command, sweep, here):
    (here / "here").mkdir()
    (here / "here" / "file").write_text("")
    before = sorted(here.rglob("*"))
    ended = command(entry, *arguments)
    assert ended.code == 2
    assert len(ended.err.splitlines()) == 1
    assert problem in ended.err
    assert [path for path in sorted(here.rglob("*")) if path not in before] == []


OWN_FIGURES = """
from matplotlib.figure import Figure

def draw(results) -> Figure:
    return Figure()

def draw2(results) -> Figure:
    return Figure()
"""


def test_figures_of_one_module_have_names_of_their_own(command, sweep, here, monkeypatch):
    (here / "own_parts.py").write_text(OWN_FIGURES)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "own_parts")
    for name in ("draw", "draw2"):
        given = ("~figure", f"+figure={{_target_:own_parts.{name}}}", "runs=outputs", "formats=[png]", "output=f")
        ended = command(figures.main, *given)
        files = "".join(f"f/own_parts-{name}{end}\n" for end in (".png", "_caption.tex", "_caption.md"))
        assert (ended.code, ended.out) == (0, files), ended.err
    sys.modules.pop("own_parts")


def test_a_figure_and_a_table_of_a_sweep(command, sweep, here):
    ended = command(figures.main, "runs=outputs", "where=model.latent_size > 1", "formats=[png]", "output=f", "name=x")
    assert (ended.code, ended.out) == (0, "f/x.png\nf/x_caption.tex\nf/x_caption.md\n")
    ended = command(tables.main, "runs=outputs", "output=t")
    files = [f"comparison{end}" for end in (".tex", "_caption.tex", ".csv", ".md")]
    assert (ended.code, ended.out) == (0, "".join(f"t/{file}\n" for file in files))
    assert {path.name for path in (here / "t").iterdir()} == set(files)


@pytest.mark.parametrize("entry", [figures.main, tables.main, paper.main])
def test_help_lists_options_and_keys(entry, command):
    ended = command(entry, "--help")
    assert ended.code == 0
    group = entry.__module__.rpartition(".")[2].removesuffix("s")
    for path in (CONF / group).glob("*.yaml"):
        assert f"  {path.stem} " in ended.out
    assert "KEY=…" in ended.out


def test_what_is_left_out_is_said(command, sweep):
    ended = command(tables.main, "runs=outputs", "output=t")
    assert ended.err == "not counted: 1 folder (1 diverged); scripts/report.py says why\n"


def test_options_may_stand_between_overrides(command, sweep, here):
    (here / "own").mkdir()
    ended = command(figures.main, "runs=outputs", "--config-dir", "own", "formats=[png]", "output=f")
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    "name",
    ["it's", *(pytest.param(name, marks=pytest.mark.slow) for name in ("a b", 'a"b', "50%", "a,b", "a=b", "ü", "[x]"))],
)
def test_folders_of_any_name(name, command, sweep, here):
    sweep.rename(here / "outputs" / name)
    ended = command(tables.main, f"runs=outputs/{name}", "output=t/ü x")
    assert ended.code == 0, ended.err
    assert (here / "t" / "ü x" / "comparison.md").exists()


def test_a_letter_that_the_font_lacks_is_no_box(command, write_run, here):
    for size in (1, 2):
        write_run(here / "outputs" / str(size), dataset="日本語", settings={"model.latent_size": size})
    ended = command(figures.main, "runs=outputs")
    assert ended.code == 2
    assert "error: font: lacks a letter of the figure (Glyph" in ended.err
    assert len(ended.err.splitlines()) == 1
