"""The figure of error against rate: where its points stand, and what PCA's limits are."""

import json

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.style import PCA, paper_style
from ae_jax.results import load
from ae_jax.results.rate_distortion import normal_distortion
from tests.figures.test_paper_figures import drawn


@pytest.fixture(autouse=True)
def styled():
    with paper_style("neurips", width="text", font=None):
        yield


LATENT = "model.latent_size"


@pytest.fixture
def results(write_run, tmp_path):
    """Two sizes of three seeds each, whose rates are 8 and 16 bits; PCA quantised to as many."""
    for size in (1, 2):
        for seed in range(3):
            folder = write_run(
                tmp_path / f"{size}-{seed}",
                settings={LATENT: size, "seed": seed},
                sse=4 / size + 0.1 * seed,
                rate_bits=8.0 * size,
            )
            summary = json.loads((folder / "summary.json").read_text())
            for split in ("train", "validation", "test"):
                summary["pca"][split]["rate_bits"] = 8.0 * size
            (folder / "summary.json").write_text(json.dumps(summary))
    return load(tmp_path)


def lines_of(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_points_stand_at_their_rates_and_pca_at_as_many_bits(results):
    lines = lines_of(drawn("rate", results))
    np.testing.assert_allclose(lines["dense autoencoder"].get_xydata(), [(8, 4.1), (16, 2.1)])
    np.testing.assert_allclose(lines["PCA, quantised"].get_xydata(), [(8, 4), (16, 2)])
    curve = lines["PCA, least for normal data"]
    np.testing.assert_allclose(curve.get_ydata(), normal_distortion(np.ones(9), np.asarray(curve.get_xdata())))
    assert curve.get_color() == PCA
    mse = lines_of(drawn("rate", results, measure="mse"))["PCA, least for normal data"]
    np.testing.assert_allclose(9 * np.asarray(mse.get_ydata()), curve.get_ydata())


def test_of_one_rate_the_best_by_validation_is_shown(write_run, tmp_path):
    for place, (rate, sse, validation) in enumerate([(0.1, 1.0, 9.0), (0.2, 2.0, 2.0)]):
        write_run(
            tmp_path / str(place),
            settings={"optimizer.learning_rate": rate},
            sse=sse,
            validation_sse=validation,
            rate_bits=8.0,
        )
    figure = drawn("rate", load(tmp_path))
    np.testing.assert_allclose(lines_of(figure)["dense autoencoder"].get_xydata(), [(8, 2)])
    assert "each point the best of 2 configurations by validation sse" in str(figure.get_label())


def test_other_measures_have_no_limit_of_variances(results):
    assert set(lines_of(drawn("rate", results, measure="explained_variance"))) >= {"PCA, quantised"}
    assert "PCA, least for normal data" not in lines_of(drawn("rate", results, measure="explained_variance"))


def test_a_measure_that_pca_has_without_a_rate_is_a_line(write_run, tmp_path):
    write_run(tmp_path / "run", rate_bits=8.0)
    lines = lines_of(drawn("rate", load(tmp_path), measure="bce"))
    np.testing.assert_allclose(lines["PCA, exact"].get_ydata(), 10 + 2)


def test_runs_without_a_rate_are_told_of_or_refused(write_run, tmp_path):
    write_run(tmp_path / "without", settings={LATENT: 4})
    with pytest.raises(UserError, match="runs: have no rate_bits; train with bottleneck=vq"):
        drawn("rate", load(tmp_path))
    write_run(tmp_path / "with", rate_bits=8.0)
    assert "1 of 2 runs have no rate" in str(drawn("rate", load(tmp_path)).get_label())
    with pytest.raises(UserError, match=r"no code_rate_bits; ask it of quantised ones: .*evaluation=codes"):
        drawn("rate", load(tmp_path), rate="code_rate_bits")
