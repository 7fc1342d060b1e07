"""Which PCA stands beside which bottleneck, what rates and bounds are, and what summary.json says of them."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.baselines.pca import fit_pca
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.bottlenecks.gaussian import gaussian
from ae_jax.bottlenecks.jump_relu import jump_relu
from ae_jax.bottlenecks.l1 import l1
from ae_jax.bottlenecks.none import none
from ae_jax.bottlenecks.top_k import top_k
from ae_jax.bottlenecks.vq import vq
from ae_jax.commands.evaluate import _as_far, evaluate
from ae_jax.evaluation.competitor import Competitor, bounds, competitor, rate_bits
from ae_jax.evaluation.measure import num_active
from ae_jax.evaluation.method import Method, leading
from ae_jax.experiment.build import build
from ae_jax.jobs.display import print_comparison
from ae_jax.losses.bernoulli_nll import bernoulli_nll
from ae_jax.losses.gaussian_nll import gaussian_nll
from ae_jax.losses.mse import mse
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.measures import competitor_name, competitor_size

GAUSSIAN = gaussian(kl="analytic")
VQ = vq(num_tokens=2, num_codes=16, decay=0.9)
NORMAL = gaussian_nll(scale=1.0, min_scale=0.1, link="identity")


@pytest.fixture(scope="module")
def pca():
    rng = np.random.default_rng(0)
    return fit_pca([rng.normal(size=(50, 6)) * [3, 2, 1, 0.5, 0.3, 0.1]])


def named(limits):
    return competitor_name({"num_components": limits.num_components, **limits.summary})


def test_the_one_that_stands_beside_follows_from_what_the_bottleneck_limits(pca):
    for bottleneck, size, name in (
        (none(), 4, "PCA, 4 components"),
        (none(), 1, "PCA, 1 component"),
        (none(), 40, "PCA, 6 components"),  # an overcomplete latent
        (GAUSSIAN, 2, "PCA, 2 components"),
        (top_k(num_active=2), 4, "PCA-4, 2 of 4"),
        (top_k(num_active=9), 40, "PCA-6, 6 of 6"),
        (jump_relu(initial_threshold=0.1, bandwidth=0.1), 4, "PCA-4, 3 of 4"),  # as many as are measured
        (l1(), 40, "PCA-6, 3 of 6"),
        (l1(), 3, "PCA, 3 components"),  # which uses all it has
        (VQ, 4, "PCA, quantised, 8 bits"),
        (none()._replace(rate=2.6), 2, "PCA, quantised, 2.6 bits"),
        (none()._replace(rate=0.3), 2, "PCA, quantised, 0 bits"),
    ):
        limits = competitor(pca, bottleneck, size, lambda: 3)
        assert named(limits) == name
        x = np.random.default_rng(1).normal(size=(5, 6))
        method = leading(pca, limits, "float32")
        coordinates = method.encode(x)
        assert coordinates.shape == (5, limits.num_components)
        np.testing.assert_array_equal(method.reconstruct(x), method.decode(coordinates))
        if limits.num_active is not None:
            assert ((coordinates != 0).sum(axis=1) == limits.num_active).all()
        if limits.quantiser is not None:
            assert math.log2(math.prod(limits.quantiser.num_levels)) <= bottleneck.rate


def test_those_of_several_seeds_have_one_name():
    sparse = [{"num_components": 61, "num_active": active} for active in (43, 37, 37)]
    assert competitor_name(*sparse) == "PCA-61, 37 to 43 of 61"
    assert competitor_name(*sparse[1:]) == "PCA-61, 37 of 61"
    # One uses all it has, and its summary has no limit.
    assert competitor_size(sparse[0], {"num_components": 61}) == "43 to 61 of 61"
    assert competitor_name({"num_components": 2, "rate_bits": 8.0}, {"num_components": 2, "rate_bits": 8.0}).endswith(
        "8 bits"
    )


def test_a_rate_is_a_number_or_a_term(pca):
    assert rate_bits(VQ, {}) == 8
    assert rate_bits(GAUSSIAN, {"kl": math.log(2)}) == 1
    assert rate_bits(GAUSSIAN, {}) is None
    assert rate_bits(none(), {"kl": 1.0}) is None


def test_bounds_need_a_rate_and_a_likelihood():
    terms = {"distortion": 10.0, "kl": 2.0}
    found = bounds(bernoulli_nll(), terms, 2 / math.log(2), num_features=4)
    assert found == {
        "log_likelihood": pytest.approx(-12.0),
        "bits_per_dimension": pytest.approx(12 / (4 * math.log(2))),
    }
    assert bounds(NORMAL, terms, 1.0, num_features=4) == {"log_likelihood": pytest.approx(-10 - math.log(2))}
    for loss, given, rate in ((mse(link="identity"), terms, 1.0), (NORMAL, terms, None), (NORMAL, {}, 1.0)):
        assert bounds(loss, given, rate, num_features=4) == {}


def test_the_bound_of_a_linear_gaussian_autoencoder_that_is_probabilistic_pca_is_its_likelihood(pca):
    """With the exact posterior, distortion and rate add up to what probabilistic PCA says: both are in nats."""
    model = ProbabilisticPCA(pca, 2)
    x = np.random.default_rng(2).normal(size=(7, 6)) * 2
    noise, kept = model.noise_variance, model.variances
    loadings = pca.components[:2].T * np.sqrt(kept - noise)  # W
    mean = (x - pca.mean) @ loadings / kept  # of the posterior: (W'W + noise I)^-1 is diagonal, 1 / kept
    variance = noise / kept
    kl = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(axis=1)
    residual = x - pca.mean - mean @ loadings.T
    spread = (loadings**2 * variance).sum()  # of the means that the decoder makes of latents drawn
    given = jnp.float32(x - residual)
    at_mean = gaussian_nll(scale=math.sqrt(noise), min_scale=0.1, link="identity").per_example(given, jnp.float32(x))
    distortion = np.asarray(at_mean) + 0.5 * spread / noise
    np.testing.assert_allclose(-(distortion + kl), model.log_likelihood(x), rtol=1e-5)


def test_what_came_later_is_not_expected_of_an_older_run():
    now = {"sse": 1.0, "terms": {"kl": 2.0}, "rate_bits": 3.0, "log_likelihood": -4.0}
    measured = {"test": now, "pca": {"train": now, "num_active": 2}}
    recorded = {"test": {"sse": 1.0, "rate_bits": 2.0}, "pca": {"train": {"sse": 1.0}}}
    assert _as_far(recorded, measured, "test") == {"sse": 1.0, "rate_bits": 3.0}
    assert _as_far(recorded, measured, "pca") == {"train": {"sse": 1.0}, "num_active": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "name", "ours", "theirs"),
    [
        (("bottleneck=top_k", "bottleneck.num_active=2"), "PCA-4, 2 of 4", set(), set()),
        (
            ("bottleneck=vq", "bottleneck.num_codes=6", "dataset.binarisation=fixed", "loss=bernoulli_nll"),
            "PCA, quantised, 10.3 bits",
            {"rate_bits", "log_likelihood", "bits_per_dimension"},
            {"rate_bits"},
        ),
        (
            ("bottleneck=gaussian", "loss=gaussian_nll", "loss.scale=learned"),
            "PCA, 4 components",
            {"rate_bits", "log_likelihood"},
            {"log_likelihood"},
        ),
    ],
)
def test_a_run_says_which_pca_stands_beside_it(overrides, name, ours, theirs, train, tmp_path, capsys):
    train(tmp_path / "run", *overrides, "model.latent_size=4")
    run = RunFolder(tmp_path / "run")
    summary, measured = run.summary, {"sse", "mse", "explained_variance", "psnr", "bce"}
    assert competitor_name(summary["pca"]) == name
    for split in ("train", "validation", "test"):
        assert summary[split].keys() - measured == {"terms", *ours}
        assert summary["pca"][split].keys() - measured == theirs
    terms = summary["test"]["terms"]
    if "kl" in terms:
        assert summary["test"]["rate_bits"] == pytest.approx(terms["kl"] / math.log(2))
        assert summary["test"]["log_likelihood"] == pytest.approx(-sum(terms.values()))
        assert summary["pca"]["log_likelihood"] == summary["pca"]["test"]["log_likelihood"]
    print_comparison(summary, config=run.config)
    assert name in capsys.readouterr().out
    again = evaluate(tmp_path / "run", [])
    assert {split: again[split] for split in ("test", "pca")} == {split: summary[split] for split in ("test", "pca")}


def test_limits_are_told_apart_by_what_they_are(pca):
    """`leading` gives one object for equal limits: it is measured once for all runs beside which it stands."""
    one, same, other = (leading(pca, Competitor(3, num_active=k), "float32") for k in (2, 2, 1))
    assert one is same
    assert one is not other


def test_numbers_that_are_not_0_are_counted_over_the_training_split(compose):
    experiment = build(compose("trainer.max_train_examples=50"))
    dataset = experiment.dataset

    def encode(x):
        return np.float32(np.arange(6)[None, :] < 1 + np.arange(len(x))[:, None] % 4)  # 1 to 4 of them

    used = [num_active(dataset, autoencoder_of(encode)) for encode in (encode, lambda x: np.zeros((len(x), 6)))]
    assert used == [2, 1]  # 2.46 on average of 50; none is none to be had


def autoencoder_of(encode):
    return Method("autoencoder", 6, encode=encode, decode=None, reconstruct=None, cost=None)
