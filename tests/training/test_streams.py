"""Every draw of a run has a key of its own, and the keys are those of before."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ae_jax.models import AbstractAutoencoder, functional
from ae_jax.training.streams import Draw, Stream, epoch_keys, run_key

SEEDS, NUM_EPOCHS, NUM_STEPS = (0, 1, 2, 1 << 31), 4, 5


def test_numbers_stay_what_they_were():
    """A run that goes on, or is measured again, draws what it drew."""
    assert {stream.name: stream.value for stream in Stream} == {
        "MODEL_INIT": 0, "TRAIN": 1, "VALIDATION_CORRUPTION": 2, "TEST_CORRUPTION": 3,
        "BOTTLENECK_INIT": 4, "VALIDATION_LATENT": 5, "MEASURED_LATENT": 6, "SAMPLES": 7,
        "EVALUATION": 8,
    }  # fmt: skip
    assert {draw.name: draw.value for draw in Draw} == {
        "ORDER": 0,
        "CORRUPTION": 1,
        "LATENT": 2,
        "MODEL": 3,
        "BINARISATION": 4,
    }


def test_order_and_corruption_draw_what_they_drew_from_a_split_key():
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(7), 1), 3)
    keys = epoch_keys(jnp.uint32(7), jnp.int32(3))
    for draw, before in zip((Draw.ORDER, Draw.CORRUPTION), jax.random.split(key), strict=True):
        np.testing.assert_array_equal(jax.random.key_data(keys[draw]), jax.random.key_data(before))


def _folded(keys, number):
    """Keys, with a last axis of those that each becomes by folding in 0, 1, …"""
    shape = (*keys.shape, number)
    return jax.vmap(jax.random.fold_in)(
        jnp.repeat(keys.reshape(-1), number), jnp.tile(jnp.arange(number), keys.size)
    ).reshape(shape)


@jax.jit
def _keys_of(seed):
    """Every key that a run of the seed has, on the way to its draws too."""
    streams = {stream: run_key(seed, stream) for stream in Stream}
    of_epochs = jax.vmap(lambda epoch: epoch_keys(seed, epoch))(jnp.arange(NUM_EPOCHS))
    draws = jnp.stack([of_epochs[draw] for draw in Draw])
    steps = _folded(draws, NUM_STEPS)
    parts = _folded(steps[Draw.MODEL], 2)
    keys = {
        "stream": jnp.stack(list(streams.values())),
        # Of training they are its epochs.
        "piece": _folded(jnp.stack(list(streams.values())), NUM_EPOCHS),
        # See `models.base`: of streams that layers draw from later.
        "other streams": _folded(jax.random.fold_in(streams[Stream.MODEL_INIT], 1 << 31)[None], 5),
        "draw": draws,
        "step": steps,
        "encoder and decoder": parts,
        "layer": _folded(parts, 3),
        "sample": jax.vmap(lambda key: jax.random.split(key, 3))(steps[Draw.LATENT].reshape(-1)),
    }
    return {name: jax.random.key_data(key) for name, key in keys.items()}


@pytest.mark.slow
def test_no_two_keys_of_runs_are_the_same():
    found = {}
    for seed in SEEDS:
        for name, data in _keys_of(jnp.uint32(seed)).items():
            for at, words in enumerate(np.asarray(data).reshape(-1, 2)):
                place = f"seed {seed}, {name} {at}"
                other = found.setdefault(words.tobytes(), place)
                assert other == place, f"{place} has the key of {other}"
    assert len(found) > 1000


class Masks(AbstractAutoencoder):
    """Nothing but dropout: three layers of it, of which two draw from one stream."""

    def __init__(self, *, rngs):
        shared = rngs.dropout
        self.first = nnx.Dropout(0.5, rngs=rngs)
        self.second, self.third = (nnx.Dropout(0.5, rngs=shared) for _ in range(2))

    def encode(self, x):
        return jnp.stack([self.first(x), self.second(x), self.third(x)], axis=1).reshape(len(x), -1)

    def decode(self, latent):
        return self.first(latent[:, : latent.shape[1] // 3])


@functools.cache
def masks():
    model = functional(lambda rngs: Masks(rngs=rngs), 20)

    def of_step(seed, epoch, step):
        key = jax.random.fold_in(epoch_keys(seed, epoch)[Draw.MODEL], step)
        ones = jnp.ones((4, 20))
        params, state = model.abstract_params, model.abstract_state
        code, _ = model.train_encode(params, state, jax.random.fold_in(key, 0), ones)
        outputs, _ = model.train_decode(params, state, jax.random.fold_in(key, 1), jnp.ones((4, 60)))
        layers = code.reshape(4, 3, 20)
        return jnp.stack([layers[:, 0], layers[:, 1], layers[:, 2], outputs])

    places = [(np.uint32(seed), *rest) for seed, *rest in itertools.product((0, 1), repeat=3)]
    together = jax.jit(jax.vmap(of_step))(*(jnp.array(column) for column in zip(*places, strict=True)))
    return jax.jit(of_step), places, np.asarray(together)


@pytest.mark.slow
def test_dropout_draws_another_mask_in_each_layer_step_epoch_and_run():
    _, _, together = masks()
    rows = {mask.tobytes() for mask in together.reshape(-1, 4 * 20)}
    assert len(rows) == 8 * 4
    assert set(np.unique(together)) == {0, 2}
    # Of n = 2560 draws with p = 1/2, five standard deviations either way.
    assert abs((together > 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(together.size)


@pytest.mark.slow
def test_a_mask_is_the_same_in_a_group_and_alone():
    alone, places, together = masks()
    for place, mask in zip(places[3:5], together[3:5], strict=True):
        np.testing.assert_array_equal(alone(*map(jnp.asarray, place)), mask)


@pytest.mark.slow
def test_runs_draw_their_orders_and_noise_by_seed_and_epoch_alone():
    """Bits that are drawn with the keys differ as the keys do."""
    draws = [
        np.asarray(jax.random.bits(key, (8,))).tobytes()
        for seed in SEEDS
        for epoch in range(NUM_EPOCHS)
        for key in epoch_keys(jnp.uint32(seed), jnp.int32(epoch)).values()
    ]
    assert len(set(draws)) == len(draws) == len(SEEDS) * NUM_EPOCHS * len(Draw)
