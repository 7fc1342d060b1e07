"""What every figure of a paper promises, whichever it is: options, sizes, fonts, seeds, PCA, the same bytes."""

import importlib
import inspect
import logging
import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
import yaml
from matplotlib.figure import Figure
from matplotlib.text import Text
from pydantic import TypeAdapter

import ae_jax.figures
from ae_jax.errors import UserError
from ae_jax.figures.parts import common
from ae_jax.figures.save import save
from ae_jax.figures.style import paper_style
from ae_jax.results import Results, load
from tests.answers import write_answers

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "conf/figure").glob("*.yaml"))
# The narrowest; the second has the font with the fewest glyphs. The slow ones take longer.
QUICK = [("icml", "column")]
SLOW = [("jmlr", "text"), ("ieee", "column"), ("ieee", "text"), ("neurips", "text"), ("icml", "text")]

# Figures that take some of the runs only.
WHERE = dict.fromkeys(("budget", "noise", "roc", "robustness"), "model.latent_size = 2")

DRAW_ALL = """
import sys
from pathlib import Path
from ae_jax.figures.save import save_all
from ae_jax.figures.style import paper_style
from ae_jax.results import load
sys.path.insert(0, sys.argv[1])
import test_paper_figures as here
results = load(sys.argv[2])
for name in here.NAMES:
    with paper_style("icml", width="column", font=None):
        try:
            save_all(here.drawn(name, results.where(here.WHERE.get(name))), Path(sys.argv[3]), name, ["pdf", "svg"])
        except Exception as error:
            print(f"{name}: {error!r}", file=sys.stderr)
print(*sorted({"jax", "flax", "optax", "hydra", "wandb", "matplotlib.pyplot"} & sys.modules.keys()))
"""


def options_of(name: str) -> dict:
    options = yaml.safe_load((ROOT / f"conf/figure/{name}.yaml").read_text())
    options.pop("_target_")
    return options


def drawn(name: str, results: Results, **changed: object) -> Figure:
    draw = importlib.import_module(f"ae_jax.figures.{name}").draw
    return draw(results, **(options_of(name) | changed))


def write_grid(write_run, folder: Path, *, sizes: tuple[int, ...], num_seeds: int, dataset: str) -> Path:
    """Dense and linear autoencoders at two noises each; the last seed of the last of them diverged at two latents."""
    for model, target in (("dense", "dense.DenseAutoencoder"), ("linear", "linear.LinearAutoencoder")):
        for size in sizes:
            for scale in (0.1, 0.3):
                for seed in range(num_seeds):
                    settings = {
                        "model._target_": f"ae_jax.models.{target}",
                        "model.latent_size": size,
                        "corruption": {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": scale},
                        "seed": seed,
                    }
                    sse = 6 / size + scale + 0.1 * seed + (model == "linear")
                    diverges = (model, size, scale, seed) == ("linear", 2, 0.3, num_seeds - 1)
                    run = write_run(
                        folder / f"{model}{size}-{scale}-{seed}",
                        settings=settings,
                        sse=sse,
                        corrupted_sse=sse + scale,
                        dataset=dataset,
                        rate_bits=8.0 * size * (1 + scale),
                        state="diverged" if diverges else "completed",
                    )
                    if not diverges:
                        write_answers(run, accuracy=0.9 - 0.3 / size - 0.01 * seed, auroc=0.9 - scale / 2)
    return folder


@pytest.fixture(scope="session")
def runs(write_run, tmp_path_factory) -> Path:
    """Runs that have something for every figure, all with names that are long and hard to print."""
    name = "a_<long>_name of a {data} set, 50 % of $1"
    return write_grid(write_run, tmp_path_factory.mktemp("runs"), sizes=(1, 2, 4), num_seeds=2, dataset=name)


@pytest.fixture(scope="session")
def results(runs) -> Results:
    return load(runs)


@pytest.fixture(scope="session")
def twice(runs, tmp_path_factory) -> list[tuple[Path, str, str]]:
    """All figures, drawn by two processes that order sets differently; and what each printed."""
    folders = [tmp_path_factory.mktemp("drawn") for _ in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW_ALL, str(Path(__file__).parent), str(runs), str(folder)],
            env={**os.environ, "PYTHONHASHSEED": str(number + 1), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, folder in enumerate(folders)
    ]
    printed = [process.communicate(timeout=120) for process in processes]
    return [(folder, *texts) for folder, texts in zip(folders, printed, strict=True)]


def texts_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def test_every_figure_has_a_file_and_a_yaml():
    folder = Path(ae_jax.figures.__file__).parent
    with_draw = {path.stem for path in folder.glob("*.py") if "\ndef draw(" in path.read_text()}
    assert with_draw == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_options_stand_in_the_yaml_and_are_explained(name):
    text = (ROOT / f"conf/figure/{name}.yaml").read_text()
    question, command, target, *rest = text.splitlines()
    assert question.startswith("# Question: ")
    assert question.endswith("?")
    assert command.startswith(f"# Command: python scripts/figures.py figure={name} runs=outputs/")
    assert target == f"_target_: ae_jax.figures.{name}.draw"
    assert all(" # " in line or line.startswith("#") for line in rest)

    first, *parameters = inspect.signature(importlib.import_module(f"ae_jax.figures.{name}").draw).parameters.values()
    assert (first.annotation, first.kind) == (Results, inspect.Parameter.POSITIONAL_ONLY)
    assert {parameter.name for parameter in parameters} == set(options_of(name))
    for parameter in parameters:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is inspect.Parameter.empty
        TypeAdapter(parameter.annotation).validate_python(options_of(name)[parameter.name], strict=True)


def check_fit(figure: Figure, path: Path) -> None:
    """Nothing is cut off, and no legend is over axes."""
    save(figure, path)
    width, height = figure.get_size_inches()
    box = figure.get_tightbbox()
    assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -0.01
    words = [text for axes in figure.axes for text in (*axes.texts, axes.xaxis.label, axes.yaxis.label, axes.title)]
    words += [text for legend in figure.legends for text in (*legend.get_texts(), legend.get_title())]
    for text in words:
        if text.get_text() and text.get_visible():
            inside = text.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
            assert min(inside.x0, inside.y0, width - inside.x1, height - inside.y1) > -0.01, text.get_text()
    for legend in figure.legends:
        for axes in figure.axes:
            assert not legend.get_window_extent().overlaps(axes.get_tightbbox())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("venue", "width"),
    [*QUICK, *(pytest.param(*venue, marks=pytest.mark.slow) for venue in SLOW)],
    ids=lambda value: value,
)
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_fits_its_venue(name, venue, width, results, tmp_path, caplog, monkeypatch):
    """A glyph that is missing is a warning, and so an error; a font that is missing is logged."""
    monkeypatch.setattr(common, "commit_notes", lambda _: ["runs are of 2 commits (abc1234, def5678)"])
    with caplog.at_level(logging.WARNING), paper_style(venue, width=width, font=None):
        figure = drawn(name, results.where(WHERE.get(name)))
        check_fit(figure, tmp_path / "figure.png")
        assert figure.get_size_inches()[0] == pytest.approx(mpl.rcParams["figure.figsize"][0])
    assert not caplog.records
    words = " ".join(" ".join(texts_of(figure)).split())
    assert "runs are of 2 commits" in words
    assert "2 seeds" in words
    assert "PCA" in words
    assert "diverged" in words


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_runs_give_the_same_bytes(name, twice):
    (one, _, errors), (other, _, _) = twice
    for kind in ("pdf", "svg"):
        path = one / f"{name}.{kind}"
        assert path.exists(), errors
        assert path.read_bytes() == (other / path.name).read_bytes()
        assert path.stat().st_size > 4000


@pytest.mark.slow
def test_figures_need_nothing_that_trains(twice):
    assert [printed.split() for _, printed, _ in twice] == [[], []]


@pytest.mark.parametrize("name", NAMES)
def test_no_figure_of_nothing_or_of_mixed_data(name, write_run, tmp_path):
    write_run(tmp_path / "a" / "b", state="diverged", error="not finite")
    with pytest.raises(UserError, match="none has completed"):
        drawn(name, load(tmp_path / "a"))
    for dataset in ("digits", "mnist"):
        write_run(tmp_path / dataset, dataset=dataset, settings={"dataset.split_seed": len(dataset)})
    with pytest.raises(UserError, match="on 2 different data"):
        drawn(name, load(tmp_path / "digits", tmp_path / "mnist"))
