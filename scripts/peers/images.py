"""The images that all contenders work on."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

NUM_IMAGES, NUM_FEATURES = 60_000, 784


class Images(NamedTuple):
    """Images as raw bytes in a .npy file, and where they come from."""

    path: Path
    source: str
    shape: tuple[int, int]


def write_images(folder: Path, *, limit: int | None) -> Images:
    """Write the training images of Fashion-MNIST, else of MNIST, else noise of the same shape, into a folder."""
    source, values = _find()
    values = np.ascontiguousarray(values[:limit])
    path = folder / "images.npy"
    np.save(path, values)
    return Images(path, source, values.shape)


def _find() -> tuple[str, np.ndarray]:
    data_dir = os.environ.get("AE_JAX_DATA_DIR")
    for name in ("fashion_mnist", "mnist") if data_dir else ():
        for suffix in ("", ".gz"):
            file = Path(str(data_dir)) / name / f"train-images-idx3-ubyte{suffix}"
            if file.is_file():
                from ae_jax.datasets.idx import read_idx

                return name, read_idx(file).reshape(-1, NUM_FEATURES)
    noise = np.random.default_rng(0).integers(0, 256, (NUM_IMAGES, NUM_FEATURES), np.uint8)
    return "noise (AE_JAX_DATA_DIR names no folder with fashion_mnist/ or mnist/)", noise
