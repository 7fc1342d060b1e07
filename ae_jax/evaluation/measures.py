"""How good reconstructions are: five measures of a split, each defined once, here.

Sums over examples are gathered batch by batch in float64 and divided once, at the end, so that every example weighs the
same and the size of the batches cannot matter. NaN or infinity in a reconstruction shows in the measures as it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log10

import numpy as np
from jaxtyping import Float

BCE_MARGIN = 1e-6
"""Reconstructions are clipped into [1e-6, 1 - 1e-6] for `bce`, as one saturated pixel would make it infinite."""

_ROUNDING = 1e-10  # of the mean: above what summing millions of float64 leaves, below what float32 can tell apart
_BLOCK = 256  # examples at once: the working arrays then stay in the cache


@dataclass(frozen=True)
class Sums:
    """Sums over all features of some examples; those of two parts of a split add up with ``+``.

    Attributes:
        num_examples: How many examples.
        squared_error: ``sum (x - reconstruction)**2``.
        squared_deviation: ``sum (x - mean)**2``, with the training mean; what equals it to ten digits counts as equal.
        cross_entropy: ``-sum x log r + (1 - x) log(1 - r)`` in nats, r the clipped reconstruction; it means something
            only for x in [0, 1].
        errors: The squared error of each example, in the order of the examples, in parts; see `example_errors`.
    """

    num_examples: int = 0
    squared_error: float = 0.0
    squared_deviation: float = 0.0
    cross_entropy: float = 0.0
    errors: tuple[np.ndarray, ...] = field(default=(), compare=False, repr=False)

    def __add__(self, other: "Sums") -> "Sums":
        """The sums over both parts."""
        return Sums(
            self.num_examples + other.num_examples,
            self.squared_error + other.squared_error,
            self.squared_deviation + other.squared_deviation,
            self.cross_entropy + other.cross_entropy,
            self.errors + other.errors,
        )


def accumulate(
    x: Float[np.ndarray, "batch features"],
    reconstruction: Float[np.ndarray, "batch features"],
    mean: Float[np.ndarray, " features"],
) -> Sums:
    """The sums of one batch, in float64 whatever the dtypes.

    Args:
        x: Clean inputs; pixels in [0, 1].
        reconstruction: What the model makes of them, after the output link (not logits).
        mean: Mean of the *training* examples.
    """
    mean = mean.astype(np.float64)
    # The mean of a constant is that constant up to rounding, which must not become a denominator.
    rounding = _ROUNDING * np.abs(mean)
    total = Sums()
    for start in range(0, len(x), _BLOCK):
        block = x[start : start + _BLOCK].astype(np.float64)
        reconstructed = reconstruction[start : start + _BLOCK].astype(np.float64)
        error, deviation = block - reconstructed, block - mean
        deviation[np.abs(deviation) <= rounding] = 0
        errors = _inner_by_example(error, error)
        total += Sums(
            num_examples=len(block),
            squared_error=float(errors.sum()),
            squared_deviation=_inner(deviation, deviation),
            cross_entropy=_cross_entropy(block, reconstructed),
            errors=(errors,),
        )
    return total


def sse(sums: Sums) -> float:
    """Squared error summed over features, averaged over examples: ``1/n sum_i ||x_i - r_i||**2``; units of x squared.

    Reference: Hinton & Salakhutdinov 2006, *Science* 313:504 ("average squared reconstruction error").
    """
    return sums.squared_error / sums.num_examples


def example_errors(sums: Sums) -> Float[np.ndarray, " examples"]:
    """The squared error of each example, summed over features: ``||x_i - r_i||**2``; their mean is `sse`."""
    return np.concatenate(sums.errors) if sums.errors else np.zeros(0)


def mse(sums: Sums, *, num_features: int) -> float:
    """Squared error averaged over examples and features: ``sse / num_features``; units of x squared.

    Reference: scikit-learn's `mean_squared_error`; the same, as every output weighs alike.
    """
    return sse(sums) / num_features


def explained_variance(sums: Sums) -> float | None:
    """Share of the variance that is reconstructed: ``1 - sum (x - r)**2 / sum (x - mean)**2``; no unit.

    The mean is the *training* mean, and both sums run over all examples and features before they are divided: 1 for
    the identity, 0 for predicting the mean, negative for worse. None for data without variance, where it is undefined.

    Reference: on the training split, the cumulated `explained_variance_ratio_` of scikit-learn's PCA.
    """
    if sums.squared_deviation == 0:
        return None
    return 1 - sums.squared_error / sums.squared_deviation


def psnr(sums: Sums, *, num_features: int) -> float | None:
    """Peak signal-to-noise ratio for pixels in [0, 1]: ``10 log10(1 / mse)`` in dB.

    From the `mse` of the whole split; the mean of the images' own ratios, which some report, is larger (Jensen). None
    for a perfect reconstruction, where it is infinite and JSON has no word for that.

    Reference: Salomon & Motta 2010, *Handbook of Data Compression*, section 7.4.2.
    """
    error = mse(sums, num_features=num_features)
    return None if error == 0 else -10 * log10(error)


def bce(sums: Sums) -> float:
    """Cross-entropy between pixels in [0, 1] and reconstructions, in nats, summed over features, mean over examples.

    ``-1/n sum_i sum_j x_ij log r_ij + (1 - x_ij) log(1 - r_ij)``, r clipped into [`BCE_MARGIN`, 1 - `BCE_MARGIN`]. For
    grey pixels its smallest value is their own entropy, not 0. (Keras and PyTorch average over features by default.)

    Reference: Vincent et al. 2010, *JMLR* 11:3371, equation 3.
    """
    return sums.cross_entropy / sums.num_examples


def measures(sums: Sums, *, num_features: int, unit_interval: bool) -> dict[str, float | None]:
    """All measures of a split by name: sse, mse, explained_variance, psnr, bce.

    Args:
        sums: Of the whole split.
        num_features: Features of an example.
        unit_interval: Whether x is in [0, 1]; `psnr` and `bce` are None where it is not, as they are defined for that.

    Raises:
        ValueError: No examples.
    """
    if sums.num_examples == 0:
        raise ValueError("measures need at least one example, got none")
    return {
        "sse": sse(sums),
        "mse": mse(sums, num_features=num_features),
        "explained_variance": explained_variance(sums),
        "psnr": psnr(sums, num_features=num_features) if unit_interval else None,
        "bce": bce(sums) if unit_interval else None,
    }


def total_sums(batches: Iterable[tuple[np.ndarray, np.ndarray]], mean: Float[np.ndarray, " features"]) -> Sums:
    """The sums of a split that comes as pairs (x, reconstruction), each of shape "batch features"."""
    return sum((accumulate(x, reconstruction, mean) for x, reconstruction in batches), Sums())


def _inner(a: Float[np.ndarray, "batch features"], b: Float[np.ndarray, "batch features"]) -> float:
    """``sum_ij a_ij b_ij``, example by example; not by BLAS, whose threads wait for each other on such short work."""
    return float(_inner_by_example(a, b).sum())


def _inner_by_example(
    a: Float[np.ndarray, "batch features"], b: Float[np.ndarray, "batch features"]
) -> Float[np.ndarray, " batch"]:
    """``sum_j a_ij b_ij`` of each example."""
    return np.einsum("ij,ij->i", a, b)


def _cross_entropy(
    x: Float[np.ndarray, "batch features"], reconstruction: Float[np.ndarray, "batch features"]
) -> float:
    clipped = np.clip(reconstruction, BCE_MARGIN, 1 - BCE_MARGIN)
    log_white, log_black = np.log(clipped), np.log(1 - clipped)
    return -(_inner(x, log_white - log_black) + float(log_black.sum()))
