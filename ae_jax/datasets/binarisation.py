"""Grey pixels as coin flips: features of 0 and 1, drawn with the intensity of each pixel as the probability of 1."""

from dataclasses import replace
from hashlib import sha256
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from ae_jax.datasets.base import SPLITS, Dataset, SplitName, chunks
from ae_jax.errors import UserError

Binarisation = Literal["none", "fixed", "dynamic"]


def binarised(dataset: Dataset, binarisation: Binarisation, *, seed: int) -> Dataset:
    """The same data set with features that are 0 or 1.

    `fixed` draws every example once, by a seed, which makes the draws a part of the data. `dynamic` draws the training
    examples anew in every epoch of training, by the key of the run; everything else sees the draws of `fixed`:
    validation, test, PCA, and the measures of the training split. So both are measured on the same examples.

    Args:
        dataset: Of features in [0, 1].
        binarisation: Which; `none` leaves the data as they are.
        seed: Of the fixed draws. A split's do not depend on the size of the others.

    Raises:
        UserError: If the data are not in [0, 1].

    Reference:
        Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, 2008 (fixed); Burda, Grosse &
        Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5 (dynamic).
    """
    if binarisation == "none":
        return dataset
    if not dataset.unit_interval:
        problem = f"takes features for probabilities, and those of {dataset.name} are not all in [0, 1]"
        remedy = "with dataset=array, dataset.scaling=unit_interval_clipped puts them there"
        raise UserError("dataset.binarisation", problem, remedy)
    drawn = [_drawn(dataset, split, seed) for split in SPLITS]
    train, validation, test = drawn
    digest = sha256(b"".join(sha256(examples.data).digest() for examples in drawn)).hexdigest()
    about = dataset.provenance
    return replace(
        dataset,
        name=f"binarised_{dataset.name}",
        train=train,
        validation=validation,
        test=test,
        scale=1.0,
        offset=0.0,
        intensities=dataset.scaled("train") if binarisation == "dynamic" else None,
        provenance={
            **about,
            "sha256": {**about["sha256"], "binarised": digest},
            "binarisation": {"kind": binarisation, "seed": seed},
        },
    )


def _drawn(dataset: Dataset, split: SplitName, seed: int) -> UInt8[np.ndarray, "examples features"]:
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    raw = getattr(dataset, split)
    drawn = np.empty(raw.shape, np.uint8)
    for rows in chunks(*raw.shape):
        drawn[rows] = rng.random(raw[rows].shape, np.float32) < dataset.scaled(raw[rows])
    return drawn
