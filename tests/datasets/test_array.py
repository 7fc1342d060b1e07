import json
import zipfile
from contextlib import suppress
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ae_jax.datasets.array import array
from ae_jax.errors import UserError

DEFAULTS = {
    "key": None,
    "columns": None,
    "label_column": None,
    "scaling": "none",
    "validation_fraction": 0.2,
    "test_fraction": 0.2,
    "split_seed": 0,
}
TABLE = np.random.default_rng(0).normal([5, -3, 100], [1, 2, 30], (50, 3)).astype(np.float32)
KINDS = np.array(["a", "b"])[np.arange(50) % 2]


def load(path: Path | str | None, **changes):
    return array(path=None if path is None else str(path), **{**DEFAULTS, **changes})


def write_csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def write_table(path: Path) -> Path:
    rows = [f"{a},{b},{c},{kind}" for (a, b, c), kind in zip(TABLE.tolist(), KINDS, strict=True)]
    source = write_csv(path.with_name("source.csv"), "\n".join(["x,y,long name,kind", *rows]) + "\n")
    if path.suffix.lower() == ".csv":
        return source.rename(path)
    duckdb.read_csv(str(source)).write_parquet(str(path))
    return path


def write_array(path: Path, values: np.ndarray = TABLE) -> Path:
    np.save(path, values) if path.suffix == ".npy" else np.savez_compressed(path, values=values, kind=KINDS)
    return path


def everything(data) -> np.ndarray:
    return np.concatenate([data.train, data.validation, data.test])


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.npy", "t.npz", "T.CSV", "odd [1] *? '\".csv", "a=1.parquet"])
def test_every_format_gives_the_same_values(tmp_path, name):
    path = tmp_path / name
    if path.suffix.lower() in (".csv", ".parquet"):
        data = load(write_table(path), label_column="kind")
        assert data.feature_names == ("x", "y", "long name")
        assert data.provenance["label_classes"] == ["a", "b"]
        lookup = {row.tobytes(): kind for row, kind in zip(TABLE, np.arange(50) % 2, strict=True)}
        assert data.labels["test"].tolist() == [lookup[row.tobytes()] for row in data.test]
    else:
        data = load(write_array(path), key="values" if path.suffix == ".npz" else None)
        assert data.feature_names is None
    np.testing.assert_array_equal(in_order(everything(data)), in_order(TABLE))
    assert [len(split) for split in (data.train, data.validation, data.test)] == [30, 10, 10]
    assert data.train.dtype == np.float32
    assert data.feature_shape == (3,)
    assert data.name == path.stem
    json.dumps(data.provenance)


def test_duckdb_opens_nothing_but_the_file(tmp_path):
    from ae_jax.datasets.csv_files import find_dialect
    from ae_jax.datasets.table_files import _open

    path, other = write_table(tmp_path / "a.csv"), write_table(tmp_path / "b.csv")
    with duckdb.connect() as connection:
        _open(connection, path, find_dialect(path, header=None))
        with pytest.raises(duckdb.Error, match="disabled by configuration"):
            connection.read_csv(str(other))


def test_pattern_in_a_name_is_not_a_pattern(tmp_path):
    write_table(tmp_path / "t1.csv")
    starred = write_csv(tmp_path / "t*.csv", "u\n" + "1\n2\n" * 10)
    assert load(starred).feature_names == ("u",)
    starred.unlink()
    with pytest.raises(UserError, match="no file"):
        load(starred)


def test_columns_are_kept_in_the_order_asked(tmp_path):
    data = load(write_table(tmp_path / "t.csv"), columns=["y", "x"])
    np.testing.assert_array_equal(in_order(everything(data)), in_order(TABLE[:, [1, 0]]))
    assert data.feature_names == ("y", "x")
    assert data.labels is None


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64, np.int16, ">f4", bool])
def test_image_stacks_keep_their_shape_and_bytes_stay_bytes(tmp_path, dtype, order):
    images = np.random.default_rng(0).integers(0, 2, (20, 4, 5)).astype(dtype)
    path = write_array(tmp_path / "t.npy", np.asarray(images, order=order))
    data = load(path, scaling="unit_interval")
    assert data.feature_shape == (4, 5)
    assert data.train.dtype == (np.uint8 if dtype == np.uint8 else np.float32)
    np.testing.assert_array_equal(in_order(everything(data)), in_order(images.reshape(20, 20).astype(np.float32)))
    assert isinstance(data.scale, float)
    assert data.scale == (1 / 255 if dtype == np.uint8 else 1.0)
    assert data.unit_interval


def test_parquet_bytes_stay_bytes(tmp_path):
    path = tmp_path / "t.parquet"
    duckdb.sql("select range::utinyint a, (range * 2)::utinyint b from range(100)").write_parquet(str(path))
    assert load(path, scaling="unit_interval").train.dtype == np.uint8


def test_named_labels_of_an_npz(tmp_path):
    data = load(write_array(tmp_path / "t.npz"), label_column="kind")
    assert np.bincount(np.concatenate(list(data.labels.values()))).tolist() == [25, 25]


def test_standardized_training_columns_have_mean_zero_and_variance_one(tmp_path):
    values = TABLE.copy()
    values[:, 1] = 0.1
    data = load(write_array(tmp_path / "t.npy", values), scaling="standardize")
    inputs = data.scaled("train").astype(np.float64)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.std(axis=0), [1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(data.mean, 0, atol=1e-5)
    raw = data.train.astype(np.float64)
    np.testing.assert_allclose(inputs[:, 0], (raw[:, 0] - raw[:, 0].mean()) / raw[:, 0].std(), atol=1e-5)
    assert not data.unit_interval


def test_unit_interval_is_fitted_on_training_only(tmp_path):
    data = load(write_array(tmp_path / "t.npy"), scaling="unit_interval")
    inputs = data.scaled("train")
    np.testing.assert_allclose(inputs.min(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(inputs.max(axis=0), 1, atol=1e-6)
    held_out = np.concatenate([data.scaled("validation"), data.scaled("test")])
    assert data.unit_interval == bool((held_out >= 0).all() and (held_out <= 1).all())


@pytest.mark.parametrize(
    ("values", "scaling", "expected"),
    [
        (np.tile([[0.0], [1.0]], (25, 1)), "none", True),
        (np.tile([[0.0], [1.1]], (25, 1)), "none", False),
        (np.tile([[-5.0], [9.0]], (25, 1)), "unit_interval", True),
        (np.eye(50), "unit_interval", True),  # a feature that is constant in training is only shifted
        (np.eye(50) * 2, "unit_interval", False),
        (np.tile([[0], [255]], (25, 1)).astype(np.uint8), "unit_interval", True),
        (np.tile([[0], [255]], (25, 1)).astype(np.uint8), "none", False),
        (np.tile([[0.0], [1.0]], (25, 1)), "standardize", False),
    ],
)
def test_unit_interval_flag(tmp_path, values, scaling, expected):
    data = load(write_array(tmp_path / "t.npy", values), scaling=scaling)
    assert data.unit_interval is expected
    inputs = np.concatenate([data.scaled(split) for split in ("train", "validation", "test")])
    assert expected == bool(scaling != "standardize" and inputs.min() >= 0 and inputs.max() <= 1)


def test_image_stack_is_standardized_as_a_whole_and_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("ae_jax.datasets.base.CHUNK_ELEMENTS", 60)
    images = np.random.default_rng(0).integers(0, 256, (50, 4, 5), dtype=np.uint8)
    data = load(write_array(tmp_path / "t.npy", images), scaling="standardize")
    assert data.train.dtype == np.uint8
    inputs = data.scaled("train").astype(np.float64)
    np.testing.assert_allclose([inputs.mean(), inputs.std()], [0, 1], atol=1e-6)


def test_split_is_deterministic(tmp_path):
    path = write_array(tmp_path / "t.npy")
    one, same, other = load(path), load(path), load(path, split_seed=1)
    assert np.array_equal(one.train, same.train)
    assert one.provenance == same.provenance
    assert not np.array_equal(one.train, other.train)


def with_value(value: float) -> str:
    return "x,y\n" + "1,2\n" * 9 + f"1,{value}\n" + "2,3\n" * 10


CSV_MISTAKES = {
    "text": ("x,y\n" + "1,2\n3,oops\n" * 9, {}, "t.csv, column 'y': is not numeric but VARCHAR: 'oops' in row 2"),
    "date": ("x,y\n" + "1,2020-01-01\n" * 9, {}, "column 'y': is not numeric but DATE"),
    "no values": ("x,y\n" + "1,\n" * 9, {}, "column 'y': has no values"),
    "nan": (
        with_value(np.nan),
        {},
        "t.csv: 1 values are missing, NaN, infinite or beyond float32; the first",
    ),
    "inf": (with_value(-np.inf), {}, "column 'y', row 10"),
    "overflow": (with_value(1e39), {}, "column 'y', row 10"),
    "missing": ("x,y\n" + "1,2\n" * 5 + ",2\n" * 4, {}, "t.csv: 4 values are missing.* column 'x', row 6"),
    "empty": ("", {}, "dataset.path: .*t.csv is empty"),
    "no rows": ("x,y\n", {}, "t.csv.*(has|holds) no values"),
    "ragged": (
        "x,y\n" + "1,2\n3\n4,5,6\n" * 4,
        {},
        "t.csv: line 3 has 1 field, the first has 2; give every line the same",
    ),
    "few": ("x,y\n1,2\n3,4\n", {}, "dataset.validation_fraction: 0.2 of 2 examples leaves the validation split empty"),
    "unknown column": ("lat,long\n1,2\n", {"columns": ["lan"]}, "dataset.columns: .* 'lan'; did you mean 'lat'"),
    "twice": ("x,y\n1,2\n", {"columns": ["x", "x"]}, "dataset.columns: names a column twice"),
    "no columns": ("x,y\n1,2\n", {"columns": []}, "dataset.columns: leaves no column"),
    "label": ("x,y\n1,2\n", {"label_column": "z"}, "dataset.label_column: .*'z'; valid: x, y"),
    "label is feature": ("x,y\n1,2\n", {"label_column": "x", "columns": ["x"]}, "dataset.columns: .*or the labels"),
    "label fraction": ("x,y\n" + "1,2.5\n" * 9, {"label_column": "y"}, "dataset.label_column: holds fractions"),
    "label missing": (
        "x,y\n" + "1,2\n1,\n" * 9,
        {"label_column": "y"},
        "label_column: some labels are missing",
    ),
    "key": ("x,y\n1,2\n", {"key": "x"}, "dataset.key: 'x' is for .npz files"),
    "blurred": (
        "x\n" + "1000000\n1000000.1\n" * 9,
        {"scaling": "standardize"},
        "dataset.scaling: column 'x' varies so little",
    ),
}


@pytest.mark.parametrize(("text", "changes", "message"), CSV_MISTAKES.values(), ids=CSV_MISTAKES)
def test_mistakes_in_tables(tmp_path, text, changes, message):
    refuses(write_csv(tmp_path / "t.csv", text), message, **changes)


def refuses(path: Path | str | None, message: str, **changes) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load(path, **changes)
    assert "\n" not in str(caught.value)


ARRAY_MISTAKES = {
    "1-d": (np.arange(9.0), "dataset.path: .*shape \\(9,\\), expected examples and then features"),
    "0-d": (np.array(1.0), "shape \\(\\)"),
    "no examples": (np.empty((0, 3)), "holds no values: its shape is \\(0, 3\\)"),
    "no features": (np.empty((9, 0)), "holds no values"),
    "object": (np.array([[1, None]] * 9), "t.npy: holds pickled Python objects, which are never loaded"),
    "text": (np.array([["a", "b"]] * 9), "t.npy: holds values of type <U1, expected numbers"),
    "complex": (np.ones((9, 2)) * 1j, "complex128, expected numbers"),
    "nan": (np.where(np.arange(40).reshape(10, 4) == 22, np.nan, 1), "t.npy: 1 values .* index \\[5, 2\\]"),
    "overflow": (np.full((9, 2), 1e39), "18 values"),
}


@pytest.mark.parametrize(("values", "message"), ARRAY_MISTAKES.values(), ids=ARRAY_MISTAKES)
def test_mistakes_in_arrays(tmp_path, values, message):
    refuses(write_array(tmp_path / "t.npy", values), message)


def test_bad_value_is_found_in_a_later_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("ae_jax.datasets.base.CHUNK_ELEMENTS", 7)
    values = np.ones((30, 3))
    values[[20, 25], 1] = np.inf
    refuses(write_array(tmp_path / "t.npy", values), r"2 values .* index \[20, 1\]")


def test_mistakes_in_paths(tmp_path):
    refuses(None, "dataset.path: not given; type dataset.path=/my/table.csv")
    refuses(tmp_path / "missing.csv", "dataset.path: no file .*missing.csv")
    refuses(tmp_path, "dataset.path: .* is a folder")
    refuses(write_csv(tmp_path / "t.xlsx", "x"), "'.xlsx', expected one of .npy, .npz, .csv, .parquet")
    refuses("https://example.org/t.csv", "dataset.path: no file")


def test_mistakes_in_keys(tmp_path):
    npy, npz = write_array(tmp_path / "t.npy"), write_array(tmp_path / "t.npz")
    refuses(npz, "dataset.key: not given, but .* holds 2 arrays: 'values', 'kind'")
    refuses(npz, "dataset.key: .*no array 'value'; did you mean 'values'", key="value")
    refuses(npz, "dataset.label_column: .*no array 'kinds'", label_column="kinds")
    refuses(npz, "array 'kind': holds values of type <U1", key="kind")
    refuses(npy, "dataset.key: 'values' names a part", key="values")
    refuses(npy, "dataset.columns: is for tables", columns=["x"])


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_truncated_and_foreign_files(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    write_table(path) if suffix == ".parquet" else write_array(path)
    whole = path.read_bytes()
    key = {"key": "values"} if suffix == ".npz" else {}
    for content in (whole[:-10], whole[:40], b"\x80\x04]\x94.", np.random.default_rng(0).bytes(500)):
        path.write_bytes(content)
        refuses(path, f"t{suffix}", **key)


def header(shape: str, dtype: str = "<f8") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize("shape", ["(10000000000, 100)", "(9999999999999999999999, 2)", "(-1, 2)", "(1, 'a')"])
def test_shapes_that_promise_more_than_the_file_holds_allocate_nothing(tmp_path, shape):
    (tmp_path / "t.npy").write_bytes(header(shape))
    refuses(tmp_path / "t.npy", r"t\.npy: is (truncated or )?damaged")
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("values.npy", header(shape))
    refuses(tmp_path / "t.npz", r"t\.npz.*: is (truncated or )?damaged")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_arrays_load_or_end_in_a_user_error(tmp_path, data):
    path = tmp_path / data.draw(st.sampled_from(["f.npy", "f.npz"]))
    original = path.with_stem("original")
    whole = (original if original.exists() else write_array(original, TABLE[:10])).read_bytes()
    position = data.draw(st.integers(0, len(whole) - 1))
    damage = data.draw(st.binary(min_size=1, max_size=3))
    path.write_bytes(whole[:position] + damage + whole[position + len(damage) :])
    with suppress(UserError):
        load(path, key="values" if path.suffix == ".npz" else None)
