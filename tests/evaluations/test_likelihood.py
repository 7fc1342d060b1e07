"""Bounds on log p(x): laws, an oracle with the exact posterior, and agreement with the summary."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.decomposition import PCA

from ae_jax.baselines.pca import fit_pca
from ae_jax.baselines.probabilistic_pca import ProbabilisticPCA
from ae_jax.errors import UserError
from ae_jax.evaluation import importance
from ae_jax.evaluation.competitor import Competitor
from ae_jax.evaluation.importance import has_density
from ae_jax.evaluation.measure import fit_dataset_pca
from ae_jax.evaluation.method import autoencoder
from ae_jax.evaluations.likelihood import likelihood
from ae_jax.experiment.build import build
from ae_jax.runs.folder import RunFolder
from ae_jax.training.objective import first_best, init_params
from tests.evaluations.latents import asked, drawn, fake

pytestmark = pytest.mark.usefixtures("sealed")

KEY = jax.random.key(3)
NORMAL = ("model=linear", "model.latent_size=4", "bottleneck=gaussian", "loss=gaussian_nll")
COINS = ("model.latent_size=4", "bottleneck=bernoulli", "dataset.binarisation=fixed", "loss=bernoulli_nll")


def untrained(compose, *overrides, change=lambda params: params):
    experiment = build(compose(*overrides))
    params, carried = init_params(experiment.structure, experiment.run)
    return experiment, autoencoder(experiment, first_best(params._replace(model=change(params.model)), carried))


@pytest.fixture(scope="module", params=[NORMAL, COINS], ids=["normal", "coins"])
def model(request, compose):
    """A model that was not trained, and a few examples."""
    experiment, method = untrained(compose, *request.param)
    return method, experiment.dataset.scaled("test")[:40]


def test_one_sample_is_the_evidence_lower_bound(model):
    method, x = model
    bounds = method.bounds(KEY, x, 1)
    np.testing.assert_allclose(bounds.importance, bounds.elbo, rtol=1e-6)


@pytest.mark.slow
def test_the_bound_rises_with_the_number_of_samples(model):
    """In expectation: for a mean over forty examples that is far beyond chance here."""
    method, x = model
    found = [method.bounds(KEY, x, num).importance.mean() for num in (1, 4, 16, 64, 256)]
    assert np.all(np.diff(found) > 0)
    elbos = [method.bounds(jax.random.key(seed), x, 64).elbo.mean() for seed in range(4)]
    assert max(elbos) < found[1]


@pytest.mark.slow
def test_batches_and_what_is_drawn_at_once_do_not_matter(model, monkeypatch):
    method, x = model
    whole = method.bounds(KEY, x, 50)
    for elements, rows in ((64 * 7, 3), (64 * 64, 16), (1 << 22, 1)):
        monkeypatch.setattr(importance, "_ELEMENTS", elements)
        monkeypatch.setattr(importance, "_MOST_ROWS", rows)
        parts = method.bounds(KEY, x, 50)
        np.testing.assert_allclose(parts.elbo, whole.elbo, rtol=1e-6)
        np.testing.assert_allclose(parts.importance, whole.importance, rtol=1e-6)
    np.testing.assert_allclose(method.bounds(KEY, x[:5], 50).elbo, whole.elbo[:5], rtol=1e-6)


def _as_probabilistic_pca(model, log_sigma_shift=0.0):
    """Parameters of a linear autoencoder whose decoder is probabilistic PCA, and whose encoder is its posterior."""
    kept, noise = model.variances, model.noise_variance
    loadings = model.pca.components[: len(kept)] * np.sqrt(kept - noise)[:, None]
    to_mean = (loadings / kept[:, None]).T
    log_variance = np.log(noise / kept) + log_sigma_shift
    encoder = {
        "kernel": np.concatenate([to_mean, np.zeros_like(to_mean)], axis=1),
        "bias": np.concatenate([-model.pca.mean @ to_mean, log_variance]),
    }
    return {"encoder": encoder, "decoder": {"kernel": loadings, "bias": model.pca.mean}}


def _set(params, values):
    def changed(path, leaf):
        part, name = (str(getattr(key, "key", getattr(key, "name", key))) for key in path[:2])
        return jnp.asarray(values[part][name], leaf.dtype).reshape(leaf.shape)

    return jax.tree_util.tree_map_with_path(changed, params)


def test_with_the_exact_posterior_each_bound_is_the_likelihood_of_probabilistic_pca(compose):
    """Every weight is p(x) then, so that a single sample leaves no gap."""
    dataset = build(compose(*NORMAL)).dataset
    exact = ProbabilisticPCA(fit_dataset_pca(dataset), 4)
    scale = f"loss.scale={math.sqrt(exact.noise_variance)}"
    x = dataset.scaled("test")
    _, method = untrained(compose, *NORMAL, scale, change=lambda params: _set(params, _as_probabilistic_pca(exact)))
    for num in (1, 30):
        bounds = method.bounds(KEY, x, num)
        np.testing.assert_allclose(bounds.importance, exact.log_likelihood(x), rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(bounds.elbo, exact.log_likelihood(x), rtol=1e-4, atol=1e-2)
    wide = _as_probabilistic_pca(exact, log_sigma_shift=1.0)
    _, method = untrained(compose, *NORMAL, scale, change=lambda params: _set(params, wide))
    bounds = method.bounds(KEY, x, 1000)
    truth = exact.log_likelihood(x).mean()
    # KL(q|p) of normals that differ in a variance by the factor e: (e - 1 - 1) / 2 for each dimension.
    assert truth - bounds.elbo.mean() == pytest.approx(4 * (math.e - 2) / 2, abs=0.02)
    assert bounds.importance.mean() == pytest.approx(truth, abs=0.02)


def test_probabilistic_pca_encodes_as_its_posterior():
    x = drawn().train.astype(float)
    model = ProbabilisticPCA(fit_pca([x]), 3)
    other = PCA(3).fit(x)
    loadings = model.pca.components[:3].T * np.sqrt(model.variances - model.noise_variance)
    inverse = np.linalg.inv(loadings.T @ loadings + model.noise_variance * np.eye(3))
    np.testing.assert_allclose(model.encode(x), (x - other.mean_) @ loadings @ inverse, atol=1e-10)


def test_active_units_are_those_whose_mean_varies_and_pca_has_its_own(compose):
    dataset = drawn()

    def bounds(key, x, num_samples):
        return importance.Bounds(np.full(len(x), -5.0), np.full(len(x), -4.0))

    def means(x):
        return np.stack([x[:, 0], 0.09 * np.sign(x[:, 1] - np.median(x[:, 1])), np.ones(len(x))], axis=1)

    model = fake(lambda x: np.zeros((len(x), 3)), 3, mean=means, bounds=bounds)
    evaluation = likelihood(num_samples=2, splits=["test"], activity_threshold=0.01)
    values = asked(evaluation, dataset, model, Competitor(3), build(compose(*NORMAL))).values
    assert values["autoencoder"]["test"] == pytest.approx(
        {
            "nll_nats": 4,
            "nll_elbo_nats": 5,
            "bits_per_dimension": 4 / (6 * math.log(2)),
            "active_units": 1,
            "collapsed_fraction": 2 / 3,
        }
    )
    exact = -PCA(3).fit(dataset.train.astype(float)).score(dataset.test.astype(float))
    theirs = values["pca"]["test"]
    # scikit-learn divides covariances by n - 1, probabilistic PCA by n.
    assert theirs["nll_nats"] == theirs["nll_elbo_nats"] == pytest.approx(exact, rel=1e-3)
    assert (theirs["active_units"], theirs["collapsed_fraction"]) == (3, 0)
    assert set(values["autoencoder"]) == {"test"}


def test_where_no_variance_is_left_for_noise_pca_has_nothing(compose):
    model = fake(lambda x: x, 6, bounds=lambda key, x, num: importance.Bounds(np.zeros(len(x)), np.zeros(len(x))))
    evaluation = likelihood(num_samples=2, splits=["test"], activity_threshold=0.01)
    assert asked(evaluation, drawn(), model, Competitor(6), build(compose(*NORMAL))).values["pca"] == {"test": {}}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "a loss that is a likelihood and a latent that is drawn from a density; this run has neither"),
        (("bottleneck=gaussian",), "this run's loss is none"),
        (("loss=gaussian_nll", "bottleneck=vq"), "this run's latent is not"),
    ],
)
def test_what_has_no_likelihood_is_refused_in_a_line(overrides, message, compose):
    evaluation = likelihood(num_samples=2, splits=["test"], activity_threshold=0.01)
    with pytest.raises(UserError, match=message) as refused:
        evaluation.check(build(compose(*overrides)))
    assert "bottleneck=gaussian" in str(refused.value)


@pytest.mark.parametrize("bottleneck", ["gaussian", "bernoulli", "vq", "none", "mmd", "top_k"])
def test_which_bottlenecks_have_a_density(bottleneck, compose):
    assert has_density(build(compose(f"bottleneck={bottleneck}"))) == (bottleneck in ("gaussian", "bernoulli"))


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [NORMAL, COINS], ids=["normal", "coins"])
def test_the_bound_agrees_with_the_summarys(overrides, train, tmp_path):
    train(tmp_path / "run", *overrides, "trainer.num_epochs=30", "evaluation=[reconstruction,likelihood]")
    run = RunFolder(tmp_path / "run")
    summary, answer = run.summary, run.summary["evaluations"]["likelihood"]
    for split in ("validation", "test"):
        ours = answer["autoencoder"][split]
        assert ours["nll_elbo_nats"] == pytest.approx(-summary[split]["log_likelihood"], rel=0.02, abs=0.5)
        assert ours["nll_nats"] < ours["nll_elbo_nats"]
        assert ours["bits_per_dimension"] == pytest.approx(ours["nll_nats"] / (64 * math.log(2)))
        assert ours["active_units"] + 4 * ours["collapsed_fraction"] == pytest.approx(4)
    if overrides is NORMAL:
        assert answer["pca"]["test"]["nll_nats"] == -summary["pca"]["log_likelihood"]
    else:
        assert "nll_nats" not in answer["pca"]["test"]


@pytest.mark.slow
def test_refused_before_anything_is_trained(command_line, tmp_path):
    ended = command_line("evaluation=likelihood", "hydra.run.dir=run")
    assert ended.code == 2
    assert "evaluation=likelihood: needs" in ended.err
    assert "epoch 1" not in ended.err + ended.out
