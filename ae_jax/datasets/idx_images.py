"""What MNIST and Fashion-MNIST share: four idx files, the official test split, pixels 0 to 255."""

import numpy as np

from ae_jax.datasets.base import Dataset, split_examples
from ae_jax.datasets.binarisation import Binarisation, binarised
from ae_jax.datasets.classes import KeepLabels, keep_classes, kept_provenance
from ae_jax.datasets.download import Collection, locate
from ae_jax.datasets.idx import parse_idx
from ae_jax.errors import UserError


def load_idx_images(
    collection: Collection,
    *,
    validation_size: int,
    split_seed: int,
    binarisation: Binarisation,
    keep_labels: KeepLabels = None,
) -> Dataset:
    """Load a collection of the four canonical files; pixels are scaled by 1/255 to [0, 1].

    Args:
        collection: Which files.
        validation_size: How many of the official training examples are held out for validation.
        split_seed: Seed of that choice, and of fixed draws.
        binarisation: Whether pixels are drawn to be 0 or 1, see `datasets.binarisation`.
        keep_labels: Classes of the training and the validation split, see `datasets.classes.KeepLabels`.
    """
    located = locate(collection)
    arrays = {name: parse_idx(file.content, source=file.path) for name, file in located.items()}
    train_images, train_labels = arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"]
    test_images, test_labels = arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"]
    if len(train_images) != len(train_labels) or len(test_images) != len(test_labels):
        raise UserError(f"dataset {collection.name}", "images and labels differ in number", "replace the files")
    split = split_examples(len(train_images), validation=validation_size, test=0, split_seed=split_seed)
    split = keep_classes(split, train_labels, keep_labels)
    pixels = train_images.reshape(len(train_images), -1)
    provenance = split.provenance(split_seed=split_seed)
    dataset = Dataset(
        name=collection.name,
        train=pixels[split.train],
        validation=pixels[split.validation],
        test=test_images.reshape(len(test_images), -1),
        scale=1 / 255,
        offset=0.0,
        feature_shape=train_images.shape[1:],
        unit_interval=True,
        labels={**split.take(train_labels), "test": test_labels.astype(np.int64)},
        feature_names=None,
        kept_labels=None if keep_labels is None else tuple(keep_labels),
        provenance={
            "source": [str(file.path) for file in located.values()],
            "sha256": {file.name: file.sha256 for file in collection.files},
            **provenance,
            "counts": {**provenance["counts"], "test": len(test_images)},
            **kept_provenance(keep_labels),
        },
    )
    return binarised(dataset, binarisation, seed=split_seed)
