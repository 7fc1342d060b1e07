"""What a decoder makes of latents on lines and grids: between examples, along each dimension, over a plane."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from ae_jax.evaluation.method import Host, Method

NUM_PAIRS, NUM_STEPS, MOST_DIMENSIONS, SIDE = 6, 9, 16, 12
_REACH = 2.5  # standard deviations to both sides of the mean


class Traversals(NamedTuple):
    """Images along latent dimensions.

    Attributes:
        images: Shape "dimensions steps features": each from 2.5 standard deviations below the mean latent to as many
            above it, the other dimensions at their means.
        places: Which dimensions, those that move the image most first.
    """

    images: Host
    places: Host


def interpolations(method: Method, x: Host) -> Host:
    """Decoded latents on the line between the latents of each two examples that follow each other.

    Args:
        method: The method.
        x: Inputs, shape "examples features"; twice as many as there are pairs.

    Returns:
        Shape "pairs steps features", ends included.
    """
    latents = method.encode(x)
    weights = np.linspace(0, 1, NUM_STEPS)[None, :, None]
    between = (1 - weights) * latents[0::2, None] + weights * latents[1::2, None]
    return method.decode(between.reshape(-1, latents.shape[1])).reshape(*between.shape[:2], -1)


def traversals(method: Method, latents: Host) -> Traversals:
    """Images along each latent dimension, of those that move it most.

    Args:
        method: The method.
        latents: Of training examples, whose means and deviations are taken.
    """
    mean, deviation = latents.mean(axis=0, dtype=np.float64), latents.std(axis=0, dtype=np.float64)
    moves = _REACH * np.linspace(-1, 1, NUM_STEPS)
    walked = mean[None, None] + moves[None, :, None] * np.diag(deviation)[:, None, :]
    ends = _decoded(method, walked[:, [0, -1]])
    moved = np.sum((ends[:, 1] - ends[:, 0]) ** 2, axis=1)
    places = np.argsort(-moved, kind="stable")[:MOST_DIMENSIONS]
    return Traversals(_decoded(method, walked[places]), places)


def manifold(method: Method, latents: Host) -> Host:
    """Decoded latents on a grid over a plane, equally probable under independent normal distributions of the latents.

    Args:
        method: One with two latent dimensions.
        latents: Of training examples, shape "examples 2".

    Returns:
        Shape "rows columns features": the first dimension grows to the right, the second upwards.

    Reference:
        Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix A.
    """
    mean, deviation = latents.mean(axis=0, dtype=np.float64), latents.std(axis=0, dtype=np.float64)
    places = norm.ppf((np.arange(SIDE) + 0.5) / SIDE)
    up, right = np.meshgrid(places[::-1], places, indexing="ij")
    return _decoded(method, mean[None, None] + np.stack([right, up], axis=-1) * deviation[None, None])


def _decoded(method: Method, latents: Host) -> Host:
    """Of latents with two axes before their own."""
    return method.decode(latents.reshape(-1, latents.shape[-1])).reshape(*latents.shape[:-1], -1)
