"""Every figure can be read: at each venue and width, of few and many autoencoders, diverged or with long names."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.figures.run.draw import run_figures
from ae_jax.figures.style import paper_style, style
from ae_jax.results import Results, RunFolder, load
from ae_jax.runs.recorder import write_npz
from tests.answers import write_answers
from tests.figures.appearance import assert_readable, faults
from tests.figures.test_paper_figures import NAMES, drawn

CASES = ("one", "three", "many", "half_diverged", "long_names")
QUICK = ("icml", "column")
# ICLR's are NeurIPS's; there, and in JMLR, a column is the text.
VENUES = [QUICK, ("ieee", "column"), ("icml", "text"), ("ieee", "text"), ("neurips", "text"), ("jmlr", "text")]

# Each figure is drawn of each case at two of them, others for the next case and the next figure.
EVERYWHERE = [
    (name, case, venue)
    for name_index, name in enumerate(NAMES)
    for case_index, case in enumerate(CASES)
    for venue_index, venue in enumerate(VENUES)
    if (name_index + case_index + venue_index) % 3 == 0
]

# Figures of one latent size.
ONE_SIZE = ("budget", "noise", "cost", "roc", "robustness")
# What stands in for more autoencoders than can be told apart.
REFUSED = {"many"}
_RATE, _SIZE = "optimizer.learning_rate", "model.latent_size"


def _settings(case: str) -> list[tuple[dict[str, object], str]]:
    """Of each run its settings, and how it ended."""
    models = {"one": 1, "many": 24}.get(case, 3)
    sizes, rates = ((1, 2, 4, 8), (0.0003, 0.001, 0.01)) if models < 24 else ((1, 2, 4), (0.001, 0.01))
    name = "a_rather_long_name_of_a_variational_model" if case == "long_names" else "model"
    given = []
    for model in range(models):
        for size in sizes:
            for rate in rates:
                for seed in range(3 if models < 24 else 2):
                    settings = {
                        "model._target_": f"ae_jax.models.made.{name}{model}",
                        _SIZE: size,
                        _RATE: rate,
                        "corruption": {
                            "_target_": "ae_jax.corruptions.gaussian.gaussian",
                            "scale": round(20 * rate, 6),
                        },
                        "seed": seed,
                    }
                    lost = case == "half_diverged" and (rate == 0.01 or (rate == 0.001 and seed == 1))
                    given.append((settings, "diverged" if lost else "completed"))
    return given


def _write(folder: Path, case: str, write_run: Callable[..., Path]) -> Path:
    for number, (settings, state) in enumerate(_settings(case)):
        size, rate, seed = settings[_SIZE], settings[_RATE], settings["seed"]
        model = int(str(settings["model._target_"]).rpartition("model")[2])
        sse = (5 + 0.3 * model + 300 * abs(rate - 0.001) + 0.03 * seed) / size**0.9
        run = write_run(
            folder / str(number),
            settings=settings,
            sse=sse,
            corrupted_sse=sse * (1 + rate),
            state=state,
            rate_bits=8.0 * size * (1 + rate),
            dataset="a_<long>_name of a {data} set, 50 % of $1" if case == "long_names" else "digits",
        )
        if state == "completed":
            write_answers(run, accuracy=1 - 0.5 / size**0.5 - 0.01 * model - 0.005 * seed, auroc=0.95 - 0.01 * model)
    return folder


@pytest.fixture(scope="session")
def results_of(write_run, tmp_path_factory) -> Callable[[str], Results]:
    """The runs of a case, written when they are first asked for."""
    made: dict[str, Results] = {}

    def of(case: str) -> Results:
        if case not in made:
            made[case] = load(_write(tmp_path_factory.mktemp(case), case, write_run))
        return made[case]

    return of


def _check(name: str, case: str, venue: tuple[str, str], results: Results) -> None:
    with paper_style(venue[0], width=venue[1], font=None):
        try:
            figure = drawn(name, results.where("model.latent_size = 2" if name in ONE_SIZE else None))
        except UserError:
            assert case in REFUSED
            return
        assert_readable(figure)


@pytest.mark.parametrize("name", [*NAMES[:3], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[3:])])
def test_a_figure_can_be_read(name, results_of):
    _check(name, "three", QUICK, results_of("three"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "case", "venue"), EVERYWHERE, ids=[f"{name}-{case}-{'-'.join(venue)}" for name, case, venue in EVERYWHERE]
)
def test_a_figure_can_be_read_everywhere(name, case, venue, results_of):
    _check(name, case, venue, results_of(case))


@pytest.mark.parametrize("name", sorted(run_figures()))
def test_a_figure_of_a_run_can_be_read(name, write_run, tmp_path):
    write_run(tmp_path / "run", feature_shape=(4, 4), num_epochs=30)
    rng = np.random.default_rng(0)
    images = {part: rng.normal(size=(6, 4, 4)) for part in ("autoencoder", "pca", "columns")}
    write_npz(tmp_path / "run" / "samples.npz", {part: images[part] for part in ("autoencoder", "pca")})
    numbers = {"columns": images["columns"], "used": np.ones(6)}
    write_npz(tmp_path / "run" / "columns.npz", numbers, places=np.arange(6))
    write_npz(tmp_path / "run" / "codes.npz", {}, indices=rng.integers(9, size=(40, 3)))
    with style():
        assert_readable(run_figures()[name](RunFolder(tmp_path / "run")))


def _made(*texts: tuple[float, float, str], **look: object) -> Figure:
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    for x, y, words in texts:
        axes.text(x, y, words, **({"fontsize": 9} | look))
    return figure


@pytest.mark.parametrize(
    ("figure", "fault"),
    [
        (_made((0.1, 0.5, "one"), (0.13, 0.5, "other")), "'one' overlaps 'other'"),
        (_made((0.9, 0.5, "so long that it ends elsewhere")), "leaves the canvas"),
        (_made((0.1, 0.5, "small"), fontsize=4), "'small' has 4.0 points"),
        (_made((0.1, 0.5, "pale"), color="#999999"), "'pale' is hard to read: 2.8 to 1"),
    ],
    ids=["overlap", "outside", "small", "pale"],
)
def test_what_cannot_be_read_is_found(figure, fault):
    with style():
        assert fault in "\n".join(faults(figure))


def test_what_can_be_read_has_no_fault():
    with style():
        assert not faults(_made((0.1, 0.2, "one"), (0.1, 0.5, "other")))


def test_lines_over_and_under_texts_are_found():
    with style():
        covered, crossed = (_made((0.3, 0.48, "words")) for _ in range(2))
        covered.axes[0].fill_between([0, 1], 0.3, 0.7, color="#eeeeee", zorder=9)
        crossed.axes[0].plot([0, 1], [0.5, 0.5], color="black", linewidth=4)
        assert "'words' lies under something" in "\n".join(faults(covered))
        assert "'words' is hard to read" in "\n".join(faults(crossed))


@pytest.mark.parametrize("marker", ["+", "x"])
def test_series_that_look_alike_are_found(marker):
    """A cross cannot be hollow."""
    with style():
        figure = Figure()
        axes = figure.subplots()
        for label, face in (("one", "black"), ("other", "white")):
            axes.plot([1, 2], [1, 2], color="black", marker=marker, markerfacecolor=face, label=label)
        assert faults(figure) == ["'one' and 'other' look alike"]


def test_too_few_ticks_are_found():
    with style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([1, 2, 3], [1, 2, 3])
        axes.set_xticks([1, 3])
        assert faults(figure) == ["axis x of axes 0 ('') has the ticks ['1', '3'] alone"]
