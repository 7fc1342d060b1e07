"""How codes are used: against SciPy's entropy, laws, and the rate of a run."""

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.decomposition import PCA

from ae_jax.baselines.pca import fit_pca
from ae_jax.baselines.squeezed import quantiser
from ae_jax.errors import UserError
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.measure import SPLITS
from ae_jax.evaluations.codes import codes, measured
from ae_jax.experiment.build import build
from ae_jax.runs.folder import RunFolder
from tests.evaluations.latents import asked, drawn, fake, permuted

pytestmark = pytest.mark.usefixtures("sealed")

UNIFORM = np.arange(64).reshape(32, 2)


def test_codes_that_are_as_likely_have_the_rate_of_their_codebook():
    assert measured(UNIFORM, ((64, 2),)) == pytest.approx(
        {"codes_used_fraction": 1, "perplexity": 64, "code_rate_bits": 2 * 6}
    )


def test_one_code_alone_says_nothing():
    assert measured(np.zeros((9, 3), int), ((8, 3),)) == {
        "codes_used_fraction": 1 / 8,
        "perplexity": 1,
        "code_rate_bits": 0,
    }
    assert measured(np.zeros((9, 0), int), ()) == {"codes_used_fraction": None, "perplexity": 1, "code_rate_bits": 0}


def test_entropies_are_scipys_by_codebook():
    indices = np.random.default_rng(0).integers([3, 3, 5, 2], size=(100, 4))
    found = measured(indices, ((4, 2), (5, 1), (2, 1)))
    shares = [np.unique(part, return_counts=True)[1] for part in (indices[:, :2], indices[:, 2], indices[:, 3])]
    bits = [entropy(share, base=2) for share in shares]
    assert found["code_rate_bits"] == pytest.approx(2 * bits[0] + bits[1] + bits[2])
    assert found["perplexity"] == pytest.approx(2 ** (found["code_rate_bits"] / 4))
    assert found["codes_used_fraction"] == pytest.approx((3 + 5 + 2) / 11)
    assert found["code_rate_bits"] <= 2 * np.log2(4) + np.log2(5) + 1


def test_without_codebooks_each_part_has_one_of_unknown_size():
    found = measured(UNIFORM, ())
    assert found == {"codes_used_fraction": None, "perplexity": pytest.approx(32), "code_rate_bits": pytest.approx(10)}


def test_pca_is_asked_alike_and_nothing_depends_on_order_or_batches(compose, monkeypatch):
    dataset = drawn()
    limits = Competitor(3, quantiser=quantiser(fit_pca([dataset.train]).variances[:3], 5.0))
    model = fake(lambda x: x, 6, indices=lambda x: np.int32(x[:, :2] > 1), codebooks=((2, 2),))

    quantised = build(compose("bottleneck=vq"))
    first = asked(codes(), dataset, model, limits, quantised)
    monkeypatch.setattr("ae_jax.evaluation.measure.batches.__defaults__", (7,))
    other = asked(codes(), permuted(dataset), model, limits, quantised)
    for method in ("autoencoder", "pca"):
        for split in SPLITS:
            assert first.values[method][split] == pytest.approx(other.values[method][split], rel=1e-12)
    x = dataset.test.astype(float)
    coordinates = np.abs(PCA(3).fit(dataset.train.astype(float)).transform(x))  # cells are symmetric
    steps, counts = limits.quantiser.steps, limits.quantiser.num_levels
    cells = [
        np.minimum(np.floor(z / step), n // 2 - 1) for z, step, n in zip(coordinates.T, steps, counts, strict=True)
    ]
    num_magnitudes = sum(len(np.unique(one)) for one in cells)
    assert num_magnitudes <= first.values["pca"]["test"]["codes_used_fraction"] * sum(counts) <= 2 * num_magnitudes
    assert first.values["pca"]["test"]["code_rate_bits"] <= limits.quantiser.rate + 1e-9


def test_indices_of_pca_are_the_numbers_it_is_rounded_to():
    rounding = quantiser(np.array([4.0, 1.0]), 5.0)
    coordinates = np.random.default_rng(0).normal(size=(50, 2)) * 3
    rounded, indices = rounding(coordinates), rounding.indices(coordinates)
    for values, codes_, count in zip(rounded.T, indices.T, rounding.num_levels, strict=True):
        assert 0 <= codes_.min() <= codes_.max() < count
        assert len(np.unique(values)) == len(np.unique(codes_)) == len(np.unique(np.stack([values, codes_]), axis=1).T)


@pytest.mark.parametrize(
    ("overrides", "codebooks"),
    [
        (("bottleneck=vq", "bottleneck.num_codes=6"), ((6, 4),)),
        (("bottleneck=residual_vq", "bottleneck.num_stages=3"), ((16, 2),) * 3),
        (("bottleneck=fsq", "bottleneck.levels=[5,4,3,3]"), ((5, 1), (4, 1), (3, 1), (3, 1))),
    ],
)
def test_codebooks_have_the_bits_of_a_bottleneck(overrides, codebooks, compose):
    bottleneck = build(compose(*overrides, "model.latent_size=4")).bottleneck
    assert bottleneck.codebooks == codebooks
    assert sum(parts * np.log2(size) for size, parts in codebooks) == pytest.approx(bottleneck.rate)


def test_runs_without_codes_are_refused_in_a_line(compose):
    with pytest.raises(UserError, match=r"evaluation=codes: needs quantised latents, .*bottleneck=vq"):
        codes().check(build(compose()))


@pytest.mark.slow
def test_codes_of_a_run_agree_with_its_rate(train, command_line, tmp_path):
    from ae_jax.commands.evaluate import main

    train(tmp_path / "run", "bottleneck=vq", "bottleneck.num_codes=6")
    assert command_line(str(tmp_path / "run"), "evaluation=codes", entry=main).code == 0
    run = RunFolder(tmp_path / "run")
    answer, indices = run.summary["evaluations"]["codes"], run.codes["indices"]
    assert answer["autoencoder"]["test"] == pytest.approx(measured(indices, ((6, 4),)))
    assert answer["autoencoder"]["test"]["code_rate_bits"] <= run.summary["test"]["rate_bits"]
    assert answer["pca"]["test"]["code_rate_bits"] <= run.summary["pca"]["test"]["rate_bits"]
