"""Data files of strangers are loaded or refused in one line, and allocate nothing that they do not hold."""

import gzip
from contextlib import suppress
from pathlib import Path
from struct import pack
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ae_jax.datasets.array import array
from ae_jax.datasets.base import Dataset
from ae_jax.datasets.idx import read_idx
from ae_jax.errors import UserError
from ae_jax.reading import DEFLATE_MAX_RATIO
from tests.safety.conftest import thorough

COLUMNS = "i::double as a, (i % 7)::utinyint as b, i % 3 = 0 as c, 'k' || (i % 2) as label"


def load(path: Path, **options: Any) -> Dataset:
    defaults = {"key": None, "columns": None, "label_column": None, "scaling": "standardize"}
    shares = {"validation_fraction": 0.1, "test_fraction": 0.2, "split_seed": 0}
    return array(path=str(path), **defaults | shares | options)


def parquet(path: Path, query: str, compression: str = "zstd") -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet, compression {compression})")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Files that can be loaded, by their names."""
    folder = tmp_path_factory.mktemp("good")
    for compression in ("snappy", "zstd", "gzip", "uncompressed"):
        parquet(folder / f"{compression}.parquet", f"select {COLUMNS} from range(60) t(i)", compression)
    values, label = np.random.default_rng(0).normal(size=(40, 5)), np.array(["a", "b"] * 20)
    np.save(folder / "array.npy", values)
    np.savez(folder / "stored.npz", values=values, label=label)
    np.savez_compressed(folder / "deflated.npz", values=values, label=label)
    rows = "".join(f"{i},{2 * i},{i / 3:.2f},k{i % 2}\n" for i in range(40))
    (folder / "table.csv").write_text("a,b,c,label\n" + rows)
    images = pack(">BBBB3I", 0, 0, 8, 3, 2, 3, 4) + bytes(24)
    (folder / "images.idx").write_bytes(images)
    (folder / "images.idx.gz").write_bytes(gzip.compress(images, mtime=0))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def read(path: Path, *, label: bool) -> None:
    if ".idx" in path.name:
        read_idx(path)
        return
    options: dict[str, Any] = {"label_column": "label"} if label and path.suffix != ".npy" else {}
    load(path, **options | ({"key": "values"} if path.suffix == ".npz" else {}))


EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=4)


@thorough(30)
@given(kind=st.integers(0, 100), label=st.booleans(), edits=EDITS)
def test_damaged_bytes_load_or_end_in_a_user_error(good, tmp_path, kind, label, edits):
    name = sorted(good)[kind % len(good)]
    content = bytearray(good[name])
    for share, dropped, added in edits:
        at = int(share * len(content))
        content[at : at + dropped] = added
    (tmp_path / name).write_bytes(content)
    with suppress(UserError):
        read(tmp_path / name, label=label)


@pytest.mark.slow
@thorough(40)
@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from([*"01.,;\n\t\"'|-eN", "nan", "inf", "a,b\n", "\0"]), max_size=40).map("".join)
)
def test_any_text_is_a_table_or_a_user_error(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode(errors="surrogatepass"))
    with suppress(UserError):
        load(tmp_path / "t.csv")


def test_names_of_columns_that_are_no_text_are_refused(good, tmp_path):
    """Found by fuzzing: DuckDB's bindings raise a RuntimeError."""
    (tmp_path / "t.parquet").write_bytes(good["uncompressed.parquet"].replace(b"label", b"\xff" * 5))
    with pytest.raises(UserError, match=r"t\.parquet: is damaged"):
        load(tmp_path / "t.parquet")


BOMBS = {
    "equal-rows": ("select 1.5::double as a, 2::utinyint as b from range(20000000)", None, "claims 20000000 rows"),
    "equal-labels": (
        "select i::double as a, repeat('x', 100000) as label from range(2000) t(i)",
        "label",
        "holds more text than its bytes can hold",
    ),
    "equal-texts": (
        "select i::double as a, repeat('x', 100000) as b from range(2000) t(i)",
        None,
        "holds more text than its bytes can hold",
    ),
    "lists": (
        "select i::double as a, range(1000) as label from range(100) t(i)",
        "label",
        "holds values of type BIGINT",
    ),
}


@pytest.mark.parametrize(("query", "label", "problem"), BOMBS.values(), ids=BOMBS)
def test_a_table_that_expands_is_refused(tmp_path, query, label, problem):
    parquet(tmp_path / "t.parquet", query)
    with pytest.raises(UserError, match=problem):
        load(tmp_path / "t.parquet", label_column=label)


def test_a_table_of_few_values_may_be_far_smaller_than_what_it_holds(tmp_path):
    """One-hot columns in order pack into runs: 1,032 times the file, which deflate can reach, is less than they are."""
    columns = ", ".join(f"(i // 4000 = {index})::double as c{index}" for index in range(25))
    parquet(tmp_path / "t.parquet", f"select {columns}, 'class ' || i // 4000 as label from range(100000) t(i)")
    assert DEFLATE_MAX_RATIO * (tmp_path / "t.parquet").stat().st_size < 100_000 * 26 * 8
    data = load(tmp_path / "t.parquet", label_column="label")
    assert data.scaled("train").shape == (70000, 25)
    assert data.train.sum() == len(data.train)


def test_nothing_is_written_beside_the_file(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.parquet").write_bytes(good["zstd.parquet"])
    load(tmp_path / "t.parquet", label_column="label")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
