"""Checkpoints that are damaged or crafted: one line, and nothing is waited for, allocated, run or read elsewhere."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st

from ae_jax.errors import StorageError, UserError
from ae_jax.objectives import Carried
from ae_jax.training import Best, TrainState
from ae_jax.training.checkpoint import Checkpoints, group_members, restore_best, restore_state
from ae_jax.training.state import Parameters

NAMES = ("kernel", "bias")


def _state(epoch: int) -> TrainState:
    rng = np.random.default_rng(epoch)
    params = {"kernel": rng.normal(size=(8, 4)).astype(np.float32), "bias": rng.normal(size=4).astype(np.float32)}
    loss, number, zero = np.array(0.5, np.float32), np.array(epoch, np.int32), np.array(0, np.int32)
    trained = Parameters(params, {}), Carried({"mean": params["bias"]}, {})
    best = Best(*trained, monitored=loss, validation_loss=loss, epoch=number)
    return TrainState(*trained, {"mu": params}, number, best, np.array(1, np.float32), zero, zero)


def _abstract_best() -> Best:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), _state(2).best)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of epochs 1 and 2."""
    folder = tmp_path_factory.mktemp("saved") / "checkpoint"
    with Checkpoints(folder, about={"config": {}}, least_seconds=0) as checkpoints:
        checkpoints.save(_state(1))
        checkpoints.save(_state(2))
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(saved, tmp_path / "checkpoint")


@pytest.mark.parametrize("name", ["data [v1]", "50%", "a#b?c|d", "back\\slash", "ü 'x' \"y\" $z"])
def test_a_folder_may_have_any_name(name, tmp_path):
    folder = tmp_path / name / "checkpoint"
    with Checkpoints(folder, about={"runs": ["a"]}, least_seconds=0) as checkpoints:
        checkpoints.save(_state(1))
        checkpoints.save(_state(2))
    best = restore_best(folder, _abstract_best())
    assert (int(best.epoch), group_members(folder)) == (2, ["a"])
    jax.tree.map(np.testing.assert_array_equal, best, _state(2).best)


@pytest.mark.parametrize(
    ("error", "raised"), [(MemoryError(), MemoryError), (ValueError("os_error_code='28'"), StorageError)]
)
def test_too_little_memory_is_not_taken_for_a_full_disk(error, raised, monkeypatch, tmp_path):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("orbax.checkpoint.v1.training.Checkpointer.save_checkpointables_async", fail)
    with (
        Checkpoints(tmp_path / "checkpoint", about={"config": {}}, least_seconds=0) as checkpoints,
        pytest.raises(raised),
    ):
        checkpoints.save(_state(1))


def _restored_epoch(folder: Path) -> int:
    state = restore_state(folder, _state(0), at_most=100)
    assert state is not None
    epoch = int(state.epoch)
    jax.tree.map(np.testing.assert_array_equal, state, _state(epoch))
    return epoch


def _array(folder: Path, change: Callable[[dict], None]) -> None:
    """Change what the newest checkpoint says of an array of its `best` and `latest`."""
    for item in ("best", "latest"):
        store = ts.KvStore.open({"driver": "ocdbt", "base": f"file://{folder / '2' / item}/"}).result()
        key = next(key for key in store.list().result() if b"bias" in key and key.endswith(b"zarr.json"))
        about = json.loads(store.read(key).result().value)
        change(about)
        store.write(key, json.dumps(about)).result()


def _large_pieces(about: dict) -> None:
    # TensorStore would allocate a piece as a whole: this one ended the process.
    about["chunk_grid"]["configuration"]["chunk_shape"] = [1 << 33]
    about["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}]


def _large_array(about: dict) -> None:
    about["shape"] = [10**13]


def _pipe(folder: Path, name: str) -> None:
    path = next((folder / "2").rglob(name))
    path.unlink()
    os.mkfifo(path)


def _link(folder: Path) -> None:
    path = next((folder / "2").rglob("manifest.ocdbt"))
    shutil.move(path, folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def _about(folder: Path, **fields: object) -> None:
    path = folder / "2" / "_CHECKPOINT_METADATA"
    content = json.loads(path.read_text())
    content["custom_metadata"] |= fields
    path.write_text(json.dumps(content))


def _nest(path: Path) -> None:
    path.write_text('{"a":' * 100_000)


def _replace(folder: Path, make: Callable[[Path], None]) -> None:
    shutil.rmtree(folder / "2")
    make(folder / "2")


CRAFTED: dict[str, Callable[[Path], None]] = {
    "pieces of gigabytes": lambda folder: _array(folder, _large_pieces),
    "an array of terabytes": lambda folder: _array(folder, _large_array),
    "a pipe for metadata": lambda folder: _pipe(folder, "_CHECKPOINT_METADATA"),
    "a pipe for a manifest": lambda folder: _pipe(folder, "manifest.ocdbt"),
    "a link": _link,
    "deep nesting": lambda folder: _nest(folder / "2" / "_CHECKPOINT_METADATA"),
    "no digests": lambda folder: _about(folder, digests=None),
    "digests of another kind": lambda folder: _about(folder, digests=[1]),
    "wrong digests": lambda folder: _about(folder, digests={"latest": "", "best": ""}),
    "an empty folder": lambda folder: _replace(folder, Path.mkdir),
    "a file": lambda folder: _replace(folder, Path.touch),
}


@pytest.mark.parametrize("craft", CRAFTED.values(), ids=CRAFTED)
def test_the_one_before_a_crafted_checkpoint_is_used(craft, folder):
    craft(folder)
    assert _restored_epoch(folder) == 1


@pytest.mark.parametrize("name", ["²", "3.orbax-checkpoint-tmp", "latest", "9" * 200, "-1"])
def test_what_is_no_number_is_no_checkpoint(name, folder):
    (folder / name).mkdir()
    assert _restored_epoch(folder) == 2


def test_a_link_to_a_checkpoint_is_none(folder, tmp_path):
    (folder / "2").rename(tmp_path / "elsewhere")
    (folder / "2").symlink_to(tmp_path / "elsewhere")
    assert _restored_epoch(folder) == 1


def test_of_a_larger_model_it_is_refused_without_its_memory(folder):
    huge = {"kernel": jax.ShapeDtypeStruct((1 << 20, 1 << 20), np.float32)}
    with pytest.raises(UserError, match="far too small for the arrays of this run"):
        restore_best(folder, _abstract_best()._replace(params=Parameters(huge, {})))


def test_members_of_a_group_are_not_waited_for(folder):
    _pipe(folder, "_CHECKPOINT_METADATA")
    assert group_members(folder) == []


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("AE_JAX_FUZZ_EXAMPLES", "60")), deadline=None)
@given(data=st.data())
def test_changed_bytes_give_an_older_checkpoint_or_the_same_arrays(data, saved, tmp_path_factory):
    folder = shutil.copytree(saved, tmp_path_factory.mktemp("fuzzed") / "checkpoint")
    paths = sorted(path for path in (folder / "2").rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(paths), label="file")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        at = data.draw(st.integers(0, max(0, len(content) - 1)), label="at")
        kind = data.draw(st.sampled_from(["flip", "cut", "double"]), label="kind")
        if kind == "flip" and content:
            content[at] ^= 1 << data.draw(st.integers(0, 7), label="bit")
        elif kind == "cut":
            del content[at:]
        else:
            content[at:at] = content[at : at + 100]
    path.write_bytes(content)
    try:
        assert _restored_epoch(folder) in (1, 2)
    except UserError as refused:
        if "has checkpoint schema" not in str(refused):  # whose number may be what was changed
            raise
    shutil.rmtree(folder.parent)
