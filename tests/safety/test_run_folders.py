"""Run folders of strangers: whatever they hold, it is read, or listed with a reason, or refused in one line."""

import copy
import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ae_jax.baselines.pca import PCA
from ae_jax.errors import UserError
from ae_jax.report.page_data import page_data
from ae_jax.report.terminal import print_report
from ae_jax.results import RunFolder, load
from ae_jax.tables.comparison import build
from ae_jax.tables.formats import csv_text, markdown
from ae_jax.tables.latex import latex
from tests.safety.conftest import thorough

FILES = ("status.json", "config.json", "summary.json")


@pytest.fixture(scope="module")
def pair(write_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs: `good`, and `odd`, whose files are changed."""
    folder = tmp_path_factory.mktemp("pair")
    write_run(folder / "good", settings={"seed": 1})
    write_run(folder / "odd", corrupted_sse=2.0)
    shutil.copytree(folder / "odd", folder / ".odd")
    return folder


def read_everything(folder: Path) -> None:
    """All that reads run folders without JAX."""
    results = load(folder)
    results.sql("select * from runs").fetchall()
    results.sql("select * from metrics").fetchall()
    with suppress(UserError):
        results.where("seed >= 0 and sse < 1e9")
    with suppress(UserError):
        print_report(results, measure="sse")
    json.dumps(page_data(results), allow_nan=False).encode()
    with suppress(UserError):
        options = {"interval": "t", "statistic": "mean", "external": None}
        table = build(results, rows=None, measures=["sse"], split="test", **options)
        for text in (csv_text, markdown, latex):
            text(table).encode()


def keys_of(content: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield prefix
    for key in content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ():
        yield from keys_of(content[key], (*prefix, key))


def changed(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    content = copy.deepcopy(content)
    node = content
    for key in place[:-1]:
        node = node[key]
    if value is Ellipsis:
        del node[place[-1]]
    else:
        node[place[-1]] = value
    return content


ODD_TEXT = st.sampled_from(
    [
        "",
        "\x1b[2J",
        "\0",
        "\ud800",
        "<script>",
        "'; drop table runs; --",
        '"',
        "a.b",
        "[/]",
        "[bold]",
        "_target_",
        "ß" * 999,
    ]
) | st.text(max_size=8)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD_TEXT | st.sampled_from([2**63, 2**64, -(10**299)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXT, inner, max_size=3),
    max_leaves=5,
)
NAMES = ODD_TEXT | st.sampled_from(
    ["run", "Seed", "seed", "sse", "split", "pca_sse", "folder", "epoch", "Model", "name", "model"]
)


def put(folder: Path, name: str, content: bytes) -> None:
    shutil.rmtree(folder / "odd")
    shutil.copytree(folder / ".odd", folder / "odd")
    (folder / "odd" / name).write_bytes(content)


@pytest.mark.slow
@thorough(60)
@given(data=st.data(), name=st.sampled_from(FILES))
def test_odd_values_are_read_or_said(pair, data, name):
    content = json.loads((pair / ".odd" / name).read_text())
    place = data.draw(st.sampled_from(list(keys_of(content))), label="place")
    action = data.draw(st.sampled_from(["replace", "delete", "add"]), label="action")
    value = data.draw(ODD, label="value") if action != "delete" or not place else Ellipsis
    if action == "add":
        node = content
        for key in place:
            node = node[key]
        if isinstance(node, dict):
            place = (*place, data.draw(NAMES, label="name"))
    put(pair, name, json.dumps(changed(content, place, value)).encode())
    with suppress(UserError):
        read_everything(pair)


@thorough(25)
@given(
    record=st.dictionaries(
        st.sampled_from(["epoch", "step", "train_loss", "validation_sse"]) | ODD_TEXT, ODD, max_size=4
    )
)
@pytest.mark.slow
def test_odd_metrics_are_read_or_said(pair, record):
    content = (pair / ".odd" / "metrics.jsonl").read_bytes()
    put(pair, "metrics.jsonl", content + json.dumps({"epoch": 4, **record}).encode() + b"\n")
    with suppress(UserError):
        read_everything(pair)


@pytest.mark.slow
@thorough(12)
@given(
    data=st.data(), name=st.sampled_from([*FILES, "metrics.jsonl", "reconstructions.npz", "latents.npz", "errors.npz"])
)
def test_damaged_bytes_are_read_or_said(pair, data, name):
    content = bytearray((pair / ".odd" / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        content = content or bytearray(b"x")
    put(pair, name, bytes(content))
    for read in (lambda: read_everything(pair), *(lambda n=n: getattr(RunFolder(pair / "odd"), n) for n in ARRAYS)):
        with suppress(UserError):
            read()


ARRAYS = ("latents", "reconstructions", "errors")


FOUND = {
    "measure-beyond-tables": ("summary.json", ("test", "mse"), 10**200),
    "commit-is-an-object": ("status.json", ("git_commit",), {"$": 1}),
    "no-model": ("config.json", ("model",), None),
    "list-for-a-seed": ("config.json", ("dataset", "split_seed"), ["a"]),
}


@pytest.mark.parametrize(("name", "place", "value"), FOUND.values(), ids=FOUND)
def test_what_fuzzing_found_stays_mended(pair, name, place, value):
    """Each ended a report or a table in a traceback."""
    content = json.loads((pair / ".odd" / name).read_text())
    put(pair, name, json.dumps(changed(content, place, value)).encode())
    read_everything(pair)


def bomb(path: Path) -> None:
    """Arrays that are a thousand times as large as the file."""
    np.savez_compressed(path, **dict.fromkeys(("x", "corrupted", "autoencoder", "pca"), np.zeros((1 << 24,), np.uint8)))


def stored_header(path: Path, shape: str, dtype: str = "<f8") -> None:
    """A member that claims a shape which is not there."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".ljust(117).encode() + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x", "corrupted", "autoencoder", "pca"):
            archive.writestr(f"{name}.npy", member)


HOSTILE_ARRAYS = {
    "compressed": bomb,
    "huge-shape": lambda path: stored_header(path, "(1000000000000,)"),
    "overflowing-shape": lambda path: stored_header(path, "(4611686018427387904, 4)"),
    "negative-shape": lambda path: stored_header(path, "(-1, 8)"),
    "empty-texts": lambda path: stored_header(path, "(1000000000000,)", "<U0"),
    "objects": lambda path: np.savez(path, x=np.array([{}], dtype=object)),
    "nested-header": lambda path: stored_header(path, "(" * 5000),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "link-out": lambda path: (path.rename(path.parent.parent / "outside.npz"), path.symlink_to("../outside.npz")),
    "sparse": lambda path: os.truncate(path, 1 << 40),
}


@pytest.mark.parametrize("damage", HOSTILE_ARRAYS.values(), ids=HOSTILE_ARRAYS)
def test_hostile_arrays_end_in_one_line_and_allocate_nothing(damage, write_run, tmp_path):
    folder = write_run(tmp_path / "run")
    damage(folder / "reconstructions.npz")
    (folder / "pca.npz").unlink()
    (folder / "pca.npz").symlink_to("reconstructions.npz")
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"reconstructions\.npz: cannot be read"):
            _ = RunFolder(folder).reconstructions
        with pytest.raises(UserError):
            PCA.load(folder / "pca.npz")
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


HOSTILE_FILES = {
    "nested": lambda path: path.write_bytes(b'{"a":' * 100_000),
    "nested-a-little": lambda path: path.write_bytes(b'{"a":' * 500 + b"1" + b"}" * 500),
    "many-digits": lambda path: path.write_bytes(b'{"a": ' + b"1" * 5000 + b"}"),
    "beyond-float": lambda path: path.write_bytes(b'{"a": 1' + b"0" * 400 + b"}"),
    "no-utf-8": lambda path: path.write_bytes(b'{"a": "\xff"}'),
    "half-a-surrogate-pair": lambda path: path.write_bytes(rb'{"a": "\ud800"}'),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "link-out": lambda path: (path.rename(path.parent.parent / "outside"), path.symlink_to("../outside")),
    "link-to-itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "device": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "sparse": lambda path: os.truncate(path, 1 << 40),
}


@pytest.mark.parametrize("name", [*FILES, "metrics.jsonl"])
@pytest.mark.parametrize("damage", HOSTILE_FILES.values(), ids=HOSTILE_FILES)
def test_hostile_files_are_listed_as_damaged(damage, name, write_run, tmp_path):
    write_run(tmp_path / "runs" / "good", settings={"seed": 1})
    folder = write_run(tmp_path / "runs" / "odd")
    damage(folder / name)
    if name == "metrics.jsonl" and folder.joinpath(name).is_file() and not folder.joinpath(name).is_symlink():
        with (folder / name).open("ab") as file:
            file.write(b"\n")
    results = load(tmp_path / "runs")
    assert [run.name for run in results.runs] == ["good"]
    (excluded,) = results.excluded
    assert (excluded.path.name, excluded.state) == ("odd", "damaged")
    assert "\n" not in excluded.reason


def test_a_link_within_the_folder_is_followed(write_run, tmp_path):
    folder = write_run(tmp_path / "run")
    (folder / "status.json").rename(folder / "other.json")
    (folder / "status.json").symlink_to("other.json")
    assert len(load(tmp_path).runs) == 1


def test_a_name_that_is_no_text_leaves_out_its_run_alone(write_run, tmp_path):
    write_run(tmp_path / "\x1b[2J")
    write_run(tmp_path / "run", settings={"seed": 1})
    results = load(tmp_path)
    assert [run.name for run in results.runs] == ["run"]
    assert "its path is no text" in results.excluded[0].reason


def test_texts_cannot_steer_the_terminal(write_run, tmp_path):
    write_run(tmp_path / "run", state="failed", error="\x1b]52;c;aGk=\x07 \x9b2J")
    (excluded,) = load(tmp_path).excluded
    assert not set(excluded.reason) & {"\x1b", "\x07", "\x9b"}
