"""Codes and latents may be trees of arrays: several latents go the way of one, from training to a restored run."""

import json
from pathlib import Path

import numpy as np
import pytest

import ae_jax
from ae_jax.config import compose as composition
from ae_jax.jobs.train import train_group
from ae_jax.jobs.work import GroupTask, Request
from ae_jax.runs.folder import RunFolder

OWN = """
import jax
import jax.numpy as jnp
from flax import nnx

from ae_jax.bottlenecks import Bottled, Bottleneck
from ae_jax.models import AbstractAutoencoder


class Ladder(AbstractAutoencoder):
    def __init__(self, *, feature_shape, latent_size: int, rngs: nnx.Rngs):
        num_features = feature_shape[0] * feature_shape[1]
        self.low, self.high = nnx.Linear(num_features, latent_size, rngs=rngs), nnx.Linear(latent_size, 2, rngs=rngs)
        self.back = nnx.Linear(latent_size + 2, num_features, rngs=rngs)

    def encode(self, x):
        low = self.low(x)
        return {"low": low[:, None, :], "high": self.high(nnx.tanh(low))}

    def decode(self, latent):
        return self.back(jnp.concatenate([latent["low"][:, 0], latent["high"]], axis=-1))


def noise() -> Bottleneck:
    def apply(params, state, key, code, weights):
        drawn = jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(key, leaf.shape), code)
        sizes = [jnp.sum(leaf.reshape(len(leaf), -1) ** 2, axis=-1) for leaf in jax.tree.leaves(code)]
        return Bottled(drawn, {"size": sum(sizes)}, state)

    return Bottleneck(apply, latent=lambda params, state, code: code)
"""


@pytest.mark.slow
def test_several_latents_go_the_way_of_one(sealed_home, no_figures, monkeypatch, tmp_path):
    (tmp_path / "own_ladder.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "own_ladder")
    own = ["model=linear", "model._target_=own_ladder.Ladder", "model.latent_size=5"]
    own += ["bottleneck._target_=own_ladder.noise", "objective.beta=0.01", "trainer.num_epochs=2"]
    config = composition.checked(composition.compose([*own, "tracking.mode=disabled"]))
    (outcome,) = train_group(GroupTask((Request(config, tmp_path / "run"),), tmp_path / ".groups"))
    assert outcome.state == "completed"
    folder = RunFolder(outcome.folder)
    assert "could not be made" not in (outcome.folder / "run.log").read_text()
    assert folder.summary["model"]["latent_size"] == 7
    assert folder.latents["autoencoder"].shape[1] == folder.latents["pca"].shape[1] == 7
    assert folder.metrics[-1]["validation_size"] == pytest.approx(folder.summary["validation"]["terms"]["size"])
    run = ae_jax.load_run(Path(outcome.folder))
    x = run.experiment.dataset.scaled("test")
    np.testing.assert_array_equal(run.decode(run.encode(x)), run.reconstruct(x))
    assert json.loads((outcome.folder / "config.json").read_text())["model"]["latent_size"] == 5
