"""Draws of 0 and 1 are part of the data, or are made anew in every epoch; and what levels data have."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ae_jax.datasets.base import SPLITS
from ae_jax.datasets.binarisation import binarised
from ae_jax.datasets.digits import digits
from ae_jax.datasets.levels import has_levels
from ae_jax.errors import UserError
from ae_jax.experiment.data import at_hand
from ae_jax.runs.folder import RunFolder
from ae_jax.training.epoch import _drawn


@pytest.fixture(scope="module")
def grey():
    return digits(validation_fraction=0.1, test_fraction=0.2, split_seed=0)


def test_none_leaves_the_data(grey):
    assert binarised(grey, "none", seed=0) is grey
    assert grey.intensities is None


def test_fixed_draws_each_pixel_with_its_intensity(grey):
    drawn = binarised(grey, "fixed", seed=3)
    for split in SPLITS:
        expected, bits = grey.scaled(split), drawn.scaled(split)
        assert set(np.unique(bits)) == {0, 1}
        np.testing.assert_array_equal(bits[expected == 0], 0)
        np.testing.assert_array_equal(bits[expected == 1], 1)
        # The sum of independent draws, within five standard errors.
        assert abs((bits - expected).sum()) < 5 * np.sqrt((expected * (1 - expected)).sum())
    assert drawn.unit_interval
    assert drawn.provenance["binarisation"] == {"kind": "fixed", "seed": 3}
    assert (drawn.name, drawn.intensities) == ("binarised_digits", None)


def test_a_seed_decides_and_the_digest_tells(grey):
    first, again, other = (binarised(grey, "fixed", seed=seed) for seed in (0, 0, 1))
    digests = [one.provenance["sha256"]["binarised"] for one in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]
    np.testing.assert_array_equal(first.test, again.test)
    assert (first.test != other.test).any()
    assert first.provenance["sha256"]["pixels"] == grey.provenance["sha256"]["pixels"]
    # The test split is drawn by itself, whatever the size of the others.
    np.testing.assert_array_equal(binarised(grey.with_train_limit(5), "fixed", seed=0).test, first.test)


def test_dynamic_has_the_draws_of_fixed_and_what_they_are_drawn_of(grey):
    fixed, dynamic = (binarised(grey, how, seed=0) for how in ("fixed", "dynamic"))
    for split in SPLITS:
        np.testing.assert_array_equal(getattr(dynamic, split), getattr(fixed, split))
    np.testing.assert_array_equal(dynamic.intensities, grey.scaled("train"))
    assert dynamic.with_train_limit(5).intensities.shape == (5, 64)
    assert at_hand(dynamic).inputs.intensities.shape == (0, 64)
    assert at_hand(fixed).inputs.intensities is None


def test_data_outside_of_the_unit_interval_are_refused(grey):
    with pytest.raises(UserError, match=r"^dataset\.binarisation: .* not all in \[0, 1\]; .*unit_interval_clipped"):
        binarised(replace(grey, scale=1.0, unit_interval=False), "fixed", seed=0)


def test_an_epoch_draws_with_the_intensities():
    chances = jnp.tile(jnp.asarray([[0.0, 0.25, 1.0]]), (4000, 1))
    first, second = (np.asarray(_drawn(jax.random.key(seed), chances)) for seed in (0, 1))
    assert first.dtype == np.float32
    assert (first[:, 0] == 0).all()
    assert (first[:, 2] == 1).all()
    assert abs(first[:, 1].mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)
    assert (first != second).any()


def test_levels_are_told_from_what_lies_between(grey):
    assert has_levels(grey, 17)
    assert not has_levels(grey, 256)
    assert has_levels(binarised(grey, "fixed", seed=0), 2)
    scales = np.full(64, 1 / 16, np.float32)
    assert has_levels(replace(grey, scale=scales), 17)
    assert not has_levels(replace(grey, scale=scales, offset=0.02), 17)
    floats = {split: grey.scaled(split) for split in SPLITS}
    assert has_levels(replace(grey, **floats, scale=1.0), 17)
    assert not has_levels(replace(grey, **floats, scale=1.5), 17)
    assert not has_levels(replace(grey, scale=1.0), 17)  # 0 to 16, not 0 to 1


@pytest.mark.slow
def test_training_sees_new_draws_in_every_epoch_and_validation_the_same(train, tmp_path):
    still = ("loss=bernoulli_nll", "optimizer=sgd", "optimizer.learning_rate=1e-30", "trainer.num_epochs=2")
    losses = {}
    for how in ("fixed", "dynamic"):
        train(tmp_path / how, *still, f"dataset.binarisation={how}")
        losses[how] = RunFolder(tmp_path / how).metrics
    first, second = losses["fixed"]
    assert second["train_loss"] == pytest.approx(first["train_loss"], rel=1e-6)
    first, second = losses["dynamic"]
    assert abs(second["train_loss"] / first["train_loss"] - 1) > 1e-4
    assert first["validation_loss"] == second["validation_loss"] == losses["fixed"][0]["validation_loss"]
