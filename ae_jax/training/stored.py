"""The files of a checkpoint, which may be anybody's: looked at before anything of them is waited for or allocated."""

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
from jaxtyping import PyTree

from ae_jax.reading import DEFLATE_MAX_RATIO


@contextmanager
def plainly_named(folder: Path) -> Iterator[Path]:
    """A path to a folder that Orbax can work with: it takes some letters of a path for a pattern, or a separator.

    Where there are such, it is a link in a temporary folder, for as long as the context lasts.
    """
    if not re.search(r"[][\\]", str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="ae_jax_") as place:
        link = Path(place, "folder")
        link.symlink_to(folder)
        yield link


def num_bytes(step: Path) -> int:
    """Bytes of the files of a checkpoint.

    Raises:
        ValueError: If something in it is neither a file nor a folder, as a link or a pipe is.
    """
    total = 0
    for folder, folders, files in os.walk(step):
        for name in (*folders, *files):
            about = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - many, and Path takes time
            if not stat.S_ISREG(about.st_mode) and not stat.S_ISDIR(about.st_mode):
                raise ValueError(f"{name} is neither a file nor a folder")
            total += about.st_size
    return total


def check_arrays(step: Path, abstract: dict[str, PyTree]) -> None:
    """Refuse arrays of another model, and such as would take more memory than they should.

    Args:
        step: A checkpoint.
        abstract: Shapes and types of the items that are to be loaded.

    Raises:
        ValueError: If the files are far too small for that, the shapes are others, or arrays are cut into pieces that
            are larger than they.
    """
    needed = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(abstract))
    if needed > DEFLATE_MAX_RATIO * num_bytes(step):
        raise ValueError("it is far too small for the arrays of this run")
    for item, tree in abstract.items():
        described = list(_described(step / item))
        # Orbax says so too, but a part of it only when the program ends.
        if sorted(tuple(array["shape"]) for _, array in described) != sorted(
            leaf.shape for leaf in jax.tree.leaves(tree)
        ):
            raise ValueError(f"{item}: its arrays have other shapes than those of this run")
        for key, array in described:
            shape = array["shape"]
            if any(_exceeds(pieces, shape) for pieces in _pieces(array)):
                raise ValueError(f"{item}: the pieces of {key} are larger than the array")


def num_described(item: Path) -> int:
    """How many arrays an item says that it holds."""
    return sum(1 for _ in _described(item))


def _described(item: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an item says of its arrays, by their keys."""
    import tensorstore as ts

    store = ts.KvStore.open({"driver": "ocdbt", "base": {"driver": "file", "path": f"{item}/"}}).result()
    keys = [key for key in store.list().result() if key.endswith((b"zarr.json", b".zarray"))]
    for key, read in [(key, store.read(key)) for key in keys]:
        yield key.decode(), json.loads(read.result().value)


def _pieces(array: dict[str, Any]) -> Iterator[list[int]]:
    """Shapes of the pieces that an array is stored in, by both versions of Zarr; pieces may be cut again."""
    if "chunks" in array:
        yield array["chunks"]
        return
    yield array["chunk_grid"]["configuration"]["chunk_shape"]
    for codec in array["codecs"]:
        if "chunk_shape" in codec.get("configuration", {}):
            yield codec["configuration"]["chunk_shape"]


def _exceeds(pieces: list[int], shape: list[int]) -> bool:
    return len(pieces) != len(shape) or any(piece > max(size, 1) for piece, size in zip(pieces, shape, strict=True))
