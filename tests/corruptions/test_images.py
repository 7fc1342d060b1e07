"""Corruptions of images: laws of all, and each against NumPy or SciPy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ae_jax.corruptions.blur import blur
from ae_jax.corruptions.contrast import contrast
from ae_jax.corruptions.impulse import impulse
from ae_jax.corruptions.occlusion import occlusion
from ae_jax.corruptions.shift import shift
from ae_jax.errors import UserError
from ae_jax.experiment.build import build
from ae_jax.runs.folder import RunFolder
from ae_jax.training.objective import Keys, init_params, objective_of

# Odd sizes; with channels, without, a single row, and a single pixel.
SHAPES = {"colour": (5, 4, 3), "grey": (7, 6), "row": (1, 9), "pixel": (1, 1, 1)}
OTHERS = [shape for name, shape in SHAPES.items() if name != "colour"]
# name: (the corruption, its option, a value)
IMAGES = {
    "blur": (blur, "scale", 1.3),
    "contrast": (contrast, "strength", 0.4),
    "impulse": (impulse, "rate", 0.4),
    "occlusion": (occlusion, "size", 0.5),
    "shift": (shift, "distance", 2.0),
}
each_corruption = pytest.mark.parametrize("name", IMAGES)


def corrupted(name, x, shape, value, key=0):
    corrupt, option, _ = IMAGES[name]
    made = jax.jit(lambda x, value: corrupt(jax.random.key(key), x, feature_shape=shape, **{option: value}))
    return np.asarray(made(x, value))


def examples(shape, number=6):
    return jax.random.uniform(jax.random.key(1), (number, int(np.prod(shape))))


@each_corruption
@pytest.mark.parametrize("shape", [SHAPES["colour"], *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)])
def test_strength_zero_is_the_identity_to_the_bit_and_shapes_stay(name, shape):
    x = examples(shape).astype(jnp.bfloat16)
    assert corrupted(name, x, shape, 0.0).tobytes() == np.asarray(x).tobytes()
    after = corrupted(name, x, shape, IMAGES[name][2])
    assert (after.shape, after.dtype) == (x.shape, x.dtype)


@each_corruption
def test_runs_in_a_group_are_corrupted_as_alone(name):
    corrupt, option, value = IMAGES[name]
    x, values, keys = examples((5, 4, 3)), jnp.asarray([0.0, value, 1.0]), jax.random.split(jax.random.key(3), 3)
    each = partial(corrupt, feature_shape=(5, 4, 3))
    grouped = jax.jit(jax.vmap(lambda key, value: each(key, x, **{option: value})))(keys, values)
    for index in range(3):
        alone = jax.jit(lambda key, value: each(key, x, **{option: value}))(keys[index], values[index])
        np.testing.assert_allclose(grouped[index], alone, rtol=0, atol=2**-22)


@each_corruption
def test_what_is_no_image_is_refused_before_anything_compiles(name, compose, table):
    scaled = ("dataset=array", f"dataset.path={table}", "dataset.scaling=unit_interval_clipped")
    config = compose(*scaled, f"corruption={name}", "model.latent_size=2")
    with pytest.raises(UserError, match=rf"^corruption={name}: is for images, .* is \d+ numbers; .*height, width"):
        build(config)


def test_blur_is_that_of_scipy_over_the_pixels_that_there_are():
    x = examples((7, 6))
    inside = partial(gaussian_filter, sigma=1.3, mode="constant", truncate=20)
    expected = [inside(image) / inside(np.ones((7, 6))) for image in np.asarray(x, np.float64).reshape(-1, 7, 6)]
    np.testing.assert_allclose(corrupted("blur", x, (7, 6), 1.3).reshape(-1, 7, 6), expected, rtol=1e-5)
    np.testing.assert_allclose(corrupted("blur", jnp.full((2, 60), 0.7), (5, 4, 3), 2.0), 0.7, rtol=1e-6)
    far = corrupted("blur", x, (7, 6), 1e6)
    np.testing.assert_allclose(far, np.repeat(np.asarray(x).mean(axis=1)[:, None], 42, axis=1), rtol=1e-5)


def test_contrast_keeps_the_mean_of_each_channel_and_scales_what_differs_from_it():
    x = examples((5, 4, 3))
    before, after = (item.reshape(-1, 20, 3) for item in (np.asarray(x), corrupted("contrast", x, (5, 4, 3), 0.4)))
    mean = before.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(after, mean + 0.6 * (before - mean), rtol=1e-5)
    gone = corrupted("contrast", x, (5, 4, 3), 1.0).reshape(-1, 20, 3)
    np.testing.assert_allclose(gone, np.broadcast_to(mean, gone.shape), rtol=1e-5)


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_impulses_are_in_one_channel_half_black_and_half_white(rate):
    x = jnp.full((2000, 60), 0.5)
    after = corrupted("impulse", x, (5, 4, 3), rate).reshape(-1, 20, 3)
    hit = after != 0.5
    assert (hit.any(axis=1).sum(axis=1) <= 1).all()
    # Of 40,000 pixels as many are black as white, within five standard errors; channels of 2,000 images likewise.
    for value in (0, 1):
        assert abs((after == value).sum() - 20_000 * rate) < 5 * np.sqrt(40_000 * rate / 2 * (1 - rate / 2))
    if rate == 1:
        assert abs(hit.any(axis=1).sum(axis=0) - 2000 / 3).max() < 5 * np.sqrt(2000 * 2 / 9)


def test_occlusion_covers_a_rectangle_of_its_size_anywhere():
    x = jnp.ones((2000, 60))
    gone = corrupted("occlusion", x, (5, 4, 3), 0.5).reshape(-1, 5, 4, 3) == 0
    assert (gone.all(axis=3) == gone.any(axis=3)).all()  # all channels alike
    rows, columns = gone.any(axis=(2, 3)), gone.any(axis=(1, 3))
    np.testing.assert_array_equal(rows.sum(axis=1), 2)  # round(2.5) is 2
    np.testing.assert_array_equal(columns.sum(axis=1), 2)
    np.testing.assert_array_equal(gone.any(axis=3), rows[:, :, None] & columns[:, None, :])
    tops = np.bincount(rows.argmax(axis=1), minlength=4)
    assert abs(tops - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)  # five standard errors
    assert not corrupted("occlusion", x, (5, 4, 3), 1.0).any()


def test_shift_moves_by_whole_pixels_and_lets_in_nothing():
    x = examples((7, 6), 3000) + 1
    before, after = np.asarray(x).reshape(-1, 7, 6), corrupted("shift", x, (7, 6), 1.9).reshape(-1, 7, 6)
    moves = {}
    for down in (-1, 0, 1):
        for aside in (-1, 0, 1):
            padded = np.pad(before, ((0, 0), (1, 1), (1, 1)))
            moved = padded[:, 1 - down : 8 - down, 1 - aside : 7 - aside]
            moves[down, aside] = int((moved == after).all(axis=(1, 2)).sum())
    assert sum(moves.values()) == 3000
    assert max(abs(count - 3000 / 9) for count in moves.values()) < 5 * np.sqrt(3000 * 8 / 81)
    np.testing.assert_array_equal(corrupted("shift", x, (7, 6), 0.9), x)


@pytest.mark.slow
def test_an_augmentation_is_reconstructed_as_it_is_seen(compose):
    """The distortion is that of the identity on what the encoder gets: by a loss that compares it with its target."""
    chosen = ("corruption=occlusion", "corruption.size=1", "model=linear", "trainer.max_train_examples=20")
    losses = {}
    for target in ("clean", "corrupted"):
        experiment = build(compose(*chosen, f"corruption.target={target}"))
        assert experiment.corrupts == (target == "clean")
        structure, run, key = experiment.structure, experiment.run, jax.random.key(0)
        x = jnp.asarray(experiment.dataset.scaled("train"))
        params, carried = init_params(structure, run)
        losses[target] = objective_of(structure, run, params, carried, Keys(key, key), x, jnp.ones(len(x))).per_example
    # A new linear model without biases makes 0 of what is covered wholly.
    np.testing.assert_allclose(losses["corrupted"], 0, atol=1e-12)
    np.testing.assert_allclose(losses["clean"], jnp.mean(x**2, axis=1), rtol=1e-5)


@pytest.mark.slow
def test_a_run_with_an_augmentation_is_measured_as_one_without_a_corruption(train, tmp_path):
    train(tmp_path / "run", "corruption=shift", "corruption.target=corrupted", "loss=bce")
    assert RunFolder(tmp_path / "run").summary["corrupted"] is None
