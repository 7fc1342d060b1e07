"""Values are compared before float32 makes them equal, and scaled so that the loss can take them."""

import duckdb
import numpy as np
import pytest

from tests.datasets.test_array import load, refuses, write_csv

OFFSETS = np.arange(60).reshape(-1, 1) % 7
BLURRED = {
    "seconds": 1_700_000_000 + OFFSETS,
    "nanoseconds": 1_700_000_000_000_000_000 + OFFSETS,
    "floats": 1e9 + OFFSETS / 7,
    "largest": 2**63 - 100 + OFFSETS,
}


@pytest.mark.parametrize("scaling", ["none", "unit_interval", "standardize"])
@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
@pytest.mark.parametrize("values", BLURRED.values(), ids=BLURRED)
def test_values_that_float32_cannot_tell_apart_are_refused(tmp_path, values, suffix, scaling):
    path = tmp_path / f"t.{suffix}"
    if suffix == "npy":
        np.save(path, np.hstack([values, values]))
    else:
        rows = "".join(f"{value!r},{np.sin(index)}\n" for index, value in enumerate(values.ravel().tolist()))
        source = write_csv(tmp_path / "t.csv", f"t,a\n{rows}")
        if suffix == "parquet":
            duckdb.read_csv(str(source)).write_parquet(str(path))
    refuses(path, "cannot tell its values apart|differs beyond float64's digits", scaling=scaling)


def test_what_varies_only_where_float32_has_no_digits_is_refused_though_held_out_examples_do_vary(tmp_path):
    values = 1e9 + np.random.default_rng(0).random((50, 1))
    data = load_positions(tmp_path, values)
    values[data] += 1e6  # seen in the test alone
    np.save(tmp_path / "t.npy", values)
    refuses(tmp_path / "t.npy", "dataset.scaling: column 0 varies so little", scaling="standardize")


def load_positions(tmp_path, values) -> np.ndarray:
    """Where the test examples are."""
    np.save(tmp_path / "t.npy", np.arange(len(values), dtype=np.float32)[:, None])
    return load(tmp_path / "t.npy").test.ravel().astype(int)


def test_rounding_of_a_constant_column_is_no_variation(tmp_path):
    noisy = np.where(np.arange(50) % 2, 0.3, 0.1 + 0.2)
    np.save(tmp_path / "t.npy", np.stack([noisy, np.sin(np.arange(50))], axis=1))
    assert load(tmp_path / "t.npy", scaling="standardize").scaled("train")[:, 0].max() == 0


def test_equal_examples_are_refused(tmp_path):
    np.save(tmp_path / "t.npy", np.full((50, 2), 1e9))
    refuses(tmp_path / "t.npy", "all training examples of .* are the same")


def test_clipped_scaling_brings_held_out_examples_into_the_unit_interval(tmp_path, caplog):
    values = np.random.default_rng(0).normal(size=(60, 3))
    np.save(tmp_path / "t.npy", values)
    plain, clipped = (load(tmp_path / "t.npy", scaling=f"unit_interval{end}") for end in ("", "_clipped"))
    assert (plain.unit_interval, clipped.unit_interval) == (False, True)
    np.testing.assert_array_equal(clipped.scaled("train"), plain.scaled("train"))
    np.testing.assert_allclose(clipped.scaled("test"), np.clip(plain.scaled("test"), 0, 1), atol=1e-6)
    assert "held-out values were clipped to the training range" in caplog.text
