"""Terms of objectives in figures: of the runs that have them, and without PCA."""

import importlib
import itertools
from pathlib import Path

import pytest
import yaml
from matplotlib.colors import same_color
from matplotlib.text import Text

from ae_jax.commands.captions import caption
from ae_jax.errors import UserError
from ae_jax.figures.style import PCA, paper_style

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

CONF = Path(__file__).resolve().parents[2] / "conf" / "figure"
GAUSSIAN = {"bottleneck._target_": "ae_jax.bottlenecks.gaussian.gaussian", "bottleneck.kl": "analytic"}
LATENT, BETA = "model.latent_size", "objective.beta"
MEASURED = {
    "budget": {"lines": []},
    "cost": {},
    "effects": {},
    "latent_vs_pca": {},
    "parallel": {},
    "heat_map": {"show": "measure"},
    "profiles": {"show": "measure"},
}
BY_SIZE = ("budget",)


def sweep():
    """Two latent sizes, two betas and a plain autoencoder, of three seeds each."""
    runs = []
    for seed in range(3):
        for size in (1, 2):
            runs.append(({LATENT: size, "seed": seed}, {"sse": 3.0 / size, "terms": {"distortion": 1.0 / size}}))
            for beta in (0.1, 1.0):
                settings = {LATENT: size, BETA: beta, "seed": seed, **GAUSSIAN}
                terms = {"distortion": 2.0 / size, "kl": size / beta + seed / 10}
                runs.append((settings, {"sse": 4.0 / size + beta, "terms": terms}))
    return runs


def drawn(name, results, **options):
    given = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    module, _, function = given.pop("_target_").rpartition(".")
    draw = getattr(importlib.import_module(module), function)
    with paper_style("icml", width="column", font=None):
        figure = draw(results, **given | options)
        figure.draw_without_rendering()
    return draw, figure


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text)).replace("\n", " ")


def colours(figure):
    return [line.get_color() for axes in figure.axes for line in axes.lines]


@pytest.mark.parametrize(("name", "options"), MEASURED.items())
def test_every_figure_of_a_measure_shows_a_term_without_pca(name, options, runs):
    results = runs(*sweep())
    results = results.where("model.latent_size = 2") if name in BY_SIZE else results
    draw, figure = drawn(name, results, measure="kl", **options)
    said = words(figure)
    assert "PCA has no kl" in said
    assert "runs have no kl (bottleneck=none)" in said
    assert "kl" in said
    assert not any(same_color(colour, PCA) for colour in colours(figure))
    assert "Measure: kl, a term of the objective." in caption(draw, figure, "kl").text


@pytest.mark.parametrize("name", MEASURED)
def test_of_a_term_there_is_no_ratio_and_no_name_of_none(name, runs):
    results = runs(*sweep())
    if name in ("heat_map", "profiles"):
        with pytest.raises(UserError, match=r"show: .*(PCA has no|which PCA has not).*show=measure"):
            drawn(name, results, measure="kl", show="ratio")
    with pytest.raises(UserError, match="measure: there is no 'kll' in these runs; did you mean 'kl'"):
        drawn(name, results, measure="kll")


def test_the_objective_is_of_validation_and_of_one_objective(runs):
    results = runs(*sweep())
    with pytest.raises(UserError, match="measure: objective is in other units"):
        drawn("parallel", results, measure="objective", split="validation")
    one = results.where("objective.beta = 0.1")
    with pytest.raises(UserError, match="split: objective was not measured on"):
        drawn("parallel", one, measure="objective", split="test")
    assert "validation objective" in words(drawn("parallel", one, measure="objective", split="validation")[1])


@pytest.mark.parametrize(("measure", "label"), [("kl", "validation kl"), ("train_kl", "training kl")])
def test_a_term_over_the_epochs(measure, label, runs):
    _, figure = drawn("learning_curves", runs(*sweep()), measure=measure)
    (axes,) = figure.axes
    assert axes.get_ylabel().replace("\n", " ") == f"{label}, a term of the objective"
    assert "6 of 18 runs have no kl" in words(figure)
    ends = {round(float(line.get_ydata()[-1]), 4) for line in axes.lines if len(line.get_xdata()) == 3}
    factor = 1.1 if measure == "kl" else 0.9
    assert round(factor * (1 + 1 / 3) * (20 + 0.1), 4) in ends  # size 2, beta 0.1, the mean of three seeds
    assert not any(same_color(colour, PCA) for colour in colours(figure))


def test_curves_of_objectives_say_that_they_differ(runs):
    _, figure = drawn("learning_curves", runs(*sweep()), measure="validation_loss")
    said = words(figure).replace(" ", "")  # lines are broken wherever there is need
    assert "eachitsownobjective:theydifferin" in said
    assert {"bottleneck", "objective.beta"} <= set(
        said.partition("theydifferin")[2].partition(";")[0].partition("mean")[0].split(",")
    )
    assert figure.axes[0].get_ylabel() == "validation objective"
    with pytest.raises(UserError, match="there is no 'kll' over the epochs; did you mean 'kl'"):
        drawn("learning_curves", runs(*sweep()), measure="kll")


def test_the_figure_of_a_run_has_its_terms(write_run, tmp_path):
    from ae_jax.figures.run.learning_curve import draw
    from ae_jax.runs.folder import RunFolder

    for name, terms in (("old", None), ("plain", {"distortion": 1.0}), ("vae", {"distortion": 1.0, "kl": 2.0})):
        write_run(tmp_path / name, settings=GAUSSIAN if name == "vae" else {}, terms=terms)
        figure = draw(RunFolder(tmp_path / name))
        assert len(figure.axes) == (3 if name == "vae" else 2)
        assert figure.axes[0].get_ylabel() == ("objective" if name == "vae" else "loss (mse)")
    assert [text.get_text() for text in figure.axes[2].get_legend().get_texts()] == ["distortion", "kl"]


def limited_by_seed():
    """Two sizes and two rates, three seeds: PCA beside each may use as many coordinates as that seed's latents."""
    all_of = itertools.product(range(3), (2, 4), (1e-3, 1e-2))
    return [
        ({LATENT: size, "optimizer.learning_rate": rate, "seed": seed}, {"sse": 3.0 / size + seed / 10 + rate})
        for seed, size, rate in all_of
    ]


@pytest.mark.parametrize("name", ["latent_vs_pca", "cost", "parallel", "heat_map"])
def test_a_note_says_to_what_pca_is_limited(name, runs):
    results = runs(*limited_by_seed())
    for run in results.runs:
        run.summary["pca"] |= {"num_active": 1 + run.seed, "num_components": 6}
    said = words(drawn(name, results)[1])
    assert "1 to 3 of 6" in said
    assert "limited as the latents are" in said
    assert "limited as the latents are" not in words(drawn(name, runs(*limited_by_seed()))[1])
