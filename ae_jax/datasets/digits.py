"""The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn: no download, trains in seconds.

Reference: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

from hashlib import sha256
from importlib.metadata import version

import numpy as np

from ae_jax.datasets.base import Dataset, SplitFraction, split_examples
from ae_jax.datasets.binarisation import Binarisation, binarised
from ae_jax.datasets.classes import KeepLabels, keep_classes, kept_provenance
from ae_jax.typing import Count


def digits(
    *,
    validation_fraction: SplitFraction,
    test_fraction: SplitFraction,
    split_seed: Count,
    binarisation: Binarisation = "none",
    keep_labels: KeepLabels = None,
) -> Dataset:
    """Load scikit-learn's digits; pixels 0 to 16 are scaled by 1/16 to [0, 1].

    Args:
        validation_fraction: Share of all examples held out for validation.
        test_fraction: Share of all examples held out for the test.
        split_seed: Seed of the split, and of fixed draws.
        binarisation: Whether pixels are drawn to be 0 or 1, see `datasets.binarisation`.
        keep_labels: Classes of the training and the validation split, see `datasets.classes.KeepLabels`.
    """
    from sklearn.datasets import load_digits

    source = load_digits()
    pixels, labels = source.data.astype(np.uint8), source.target
    split = split_examples(len(pixels), validation=validation_fraction, test=test_fraction, split_seed=split_seed)
    split = keep_classes(split, labels, keep_labels)
    dataset = Dataset(
        name="digits",
        train=pixels[split.train],
        validation=pixels[split.validation],
        test=pixels[split.test],
        scale=1 / 16,
        offset=0.0,
        feature_shape=(8, 8),
        unit_interval=True,
        labels=split.take(labels),
        feature_names=None,
        kept_labels=None if keep_labels is None else tuple(keep_labels),
        provenance={
            "source": ["sklearn.datasets.load_digits"],
            "package": {"scikit-learn": version("scikit-learn")},
            "sha256": {"pixels": sha256(pixels.tobytes()).hexdigest()},
            **split.provenance(split_seed=split_seed),
            **kept_provenance(keep_labels),
        },
    )
    return binarised(dataset, binarisation, seed=split_seed)
