r"""Principal component analysis in closed form, streaming, in float64 on the host.

    C = \frac{1}{n-1} \sum_i (x_i - \mu)(x_i - \mu)^\top = U^\top \Lambda U,    encode(x) = (x - \mu) U_k^\top,
    decode(z) = z U_k + \mu

with the eigenvalues descending and the rows of U orthonormal. No linear autoencoder of the same latent size has a
smaller squared error on the training data (Baldi & Hornik 1989, *Neural Networks* 2:53), so one fit gives the error to
beat at every latent size: what is lost with k components is the sum of the remaining eigenvalues.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Real

from ae_jax.baselines.moments import PerFeature, second_moments
from ae_jax.errors import UserError
from ae_jax.files import write_bytes
from ae_jax.reading import read_npz

_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class PCA:
    """A fitted PCA; all components that the data have, or the leading ones where it was `truncated`.

    The data have as many as their rank: fewer than there are examples, and fewer than features where some depend on
    others. What lies beyond is not in the data, and no direction there is better than another: there are none.

    Attributes:
        mean: The training mean, shape "features".
        components: Principal directions as orthonormal rows, shape "components features", by falling variance. The
            entry of largest magnitude in each row is positive, so that the sign does not depend on the machine.
        variances: All eigenvalues of the covariance, descending, shape "features", normalised by ``num_examples - 1``
            (as in scikit-learn); 0 beyond the rank.
        num_examples: How many examples it was fitted on.
    """

    mean: Float64[np.ndarray, " features"]
    components: Float64[np.ndarray, "components features"]
    variances: Float64[np.ndarray, " features"]
    num_examples: int

    @property
    def rank(self) -> int:
        """How many components the training data have."""
        return int(np.count_nonzero(self.variances))

    def encode(
        self, x: Real[np.ndarray, "examples features"], num_components: int
    ) -> Float64[np.ndarray, "examples components"]:
        """Coordinates of the centred examples along the leading components; 0 components are allowed.

        Raises:
            ValueError: `num_components` is negative or more than the features, or `x` has other features.
            UserError: More components than the data have, or than were kept by `truncated`.
        """
        self._check_features(x.shape)
        return (x - self.mean) @ self._leading(num_components).T

    def decode(self, latent: Real[np.ndarray, "examples components"]) -> Float64[np.ndarray, "examples features"]:
        """Examples from the coordinates along as many leading components as `latent` has columns.

        Raises:
            ValueError: `latent` has more columns than there are features.
            UserError: It has more columns than the data have components, or than were kept by `truncated`.
        """
        return latent @ self._leading(latent.shape[1]) + self.mean

    def reconstruct(
        self, x: Real[np.ndarray, "examples features"], num_components: int
    ) -> Float64[np.ndarray, "examples features"]:
        """The nearest points to `x` in the affine span of the leading components; raises like `encode`."""
        return self.decode(self.encode(x, num_components))

    def train_sse_by_components(self) -> Float64[np.ndarray, " numbers"]:
        """Training error (`sse`) for 0, 1, ..., features components, from the eigenvalues alone, without data.

        ``sse_k = (n - 1)/n * sum_{j > k} variances_j``: the variances divide by n - 1, an average error by n.
        """
        return _tails(self.variances * ((self.num_examples - 1) / self.num_examples), remainder=0.0)

    def sse_by_components(
        self, batches: Iterable[np.ndarray], *, scale: PerFeature = 1.0, offset: PerFeature = 0.0
    ) -> Float64[np.ndarray, " numbers"]:
        """Error (`sse`) on any split for every number of components, from one pass over its second moment.

        ``sse_k = tr(S) - sum_{j <= k} u_j' S u_j`` with ``S = mean (x - mu)(x - mu)'`` over the split and mu the
        *training* mean. Entry 0 is the error of the mean predictor, so ``1 - curve / curve[0]`` is the explained
        variance. The sum runs over what is left out, from the smallest term up: the curve neither rises nor becomes
        negative, and small errors do not cancel. Flat beyond the rank, where there are no components; of a truncated
        PCA it ends at the last that is stored.

        Args:
            batches: Arrays of shape "examples features", as for `fit_pca`.
            scale: Factor from raw values to inputs.
            offset: Added after scaling.

        Returns:
            Squared error summed over features, averaged over examples, for 0, 1, ..., features components, or stored
            ones.

        Raises:
            ValueError: The batches are not of shape "examples features", or have other features.
            UserError: No examples, or a value is NaN or infinite.
        """
        moments = second_moments(batches, scale=scale, offset=offset)
        self._check_features((moments.num_examples, *moments.mean.shape))
        shift = moments.mean - self.mean
        second = moments.scatter / moments.num_examples + np.outer(shift, shift)
        captured = np.maximum(np.einsum("kf,kf->k", self.components @ second, self.components), 0.0)
        total, num_features = float(np.trace(second)), len(self.mean)
        remainder = 0.0 if len(captured) == num_features else float(total - captured.sum())
        curve = _tails(captured, remainder if remainder > _tolerance(num_features) * total else 0.0)
        beyond = num_features - self.rank if len(captured) == self.rank else 0
        return np.append(curve, np.full(beyond, curve[-1]))

    def truncated(self, num_components: int) -> "PCA":
        """Only the leading components, for storing; still with all variances. Raises like `encode`."""
        return replace(self, components=self._leading(num_components).copy())

    def save(self, path: str | Path) -> None:
        """Write an .npz file, whole or not at all.

        Raises:
            UserError: The file cannot be written.
        """
        buffer = io.BytesIO()
        np.savez(
            buffer,
            schema=_SCHEMA,
            mean=self.mean,
            components=self.components,
            variances=self.variances,
            num_examples=self.num_examples,
        )
        write_bytes(Path(path), buffer.getvalue())

    @staticmethod
    def load(path: str | Path) -> "PCA":
        """Read what `save` wrote.

        Raises:
            UserError: The file is missing, damaged or something else.
        """
        path = Path(path)
        if not path.is_file():
            raise UserError(path, "no such file; a saved PCA was expected")
        try:
            file = read_npz(path)
            if file["schema"] != _SCHEMA:
                raise ValueError(f"schema {file['schema']}, expected {_SCHEMA}")
            mean, components, variances = file["mean"], file["components"], file["variances"]
            num_examples = int(file["num_examples"])
            (num_features,) = mean.shape
            if variances.shape != mean.shape or components.shape != (min(len(components), num_features), num_features):
                raise ValueError(f"shapes {mean.shape}, {components.shape}, {variances.shape} do not fit together")
            return PCA(mean, components, variances, num_examples)
        except Exception as error:  # damage surfaces as any of a dozen types, from BadZipFile to MemoryError
            raise UserError(path, f"is not a saved PCA, or is damaged ({error})", "delete it and fit again") from error

    def _leading(self, num_components: int) -> Float64[np.ndarray, "components features"]:
        stored, num_features = self.components.shape
        if not 0 <= num_components <= num_features:
            raise ValueError(f"num_components must be between 0 and {num_features} (features), got {num_components}")
        if num_components > stored:
            if stored == self.rank:
                problem = f"got {num_components}, but the training data have only {stored} components, their rank"
                raise UserError("num_components", problem, f"ask for at most {stored}")
            raise UserError(
                "num_components",
                f"got {num_components}, but this PCA stores only the leading {stored} of {num_features} components",
                f"ask for at most {stored}, or fit it again on the training data",
            )
        return self.components[:num_components]

    def _check_features(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2 or shape[1] != len(self.mean):
            raise ValueError(f"expected shape (examples, {len(self.mean)}) as in the training data, got {shape}")


def fit_pca(batches: Iterable[np.ndarray], *, scale: PerFeature = 1.0, offset: PerFeature = 0.0) -> PCA:
    """Fit by eigendecomposition of the covariance; memory grows with features only, whatever the number of examples.

    Fastest on raw bytes with their `scale`: ``raw * scale + offset`` is fitted, but the bytes are summed (exactly).

    Args:
        batches: Arrays of shape "examples features", any real dtype, in any sizes and any order; a list with one array
            will do. Bytes and other numbers may not be mixed.
        scale: Factor from raw values to inputs: 1 / 255 for raw pixels, 1 for what is in the right units.
        offset: Added after scaling.

    Returns:
        A `PCA` with as many components as the data have, the same for any division into batches up to rounding.

    Raises:
        ValueError: The batches are not of shape "examples features", differ in features, or only some are bytes.
        UserError: Fewer than two examples, or a value is NaN, infinite or too large to be squared.

    Example:
        >>> pca = fit_pca([raw_train], scale=1 / 255)
        >>> latent = pca.encode(x_test, 30)
    """
    moments = second_moments(batches, scale=scale, offset=offset)
    if moments.num_examples < 2:
        raise UserError("training data", f"PCA needs at least 2 examples, got {moments.num_examples}")
    variances, vectors = np.linalg.eigh(moments.scatter / (moments.num_examples - 1))
    variances = np.maximum(variances[::-1], 0.0)
    significant = variances > _tolerance(len(variances)) * variances[0]
    rank = min(int(np.count_nonzero(significant)), moments.num_examples - 1)
    variances[rank:] = 0.0
    components = np.ascontiguousarray(vectors[:, ::-1].T[:rank])
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(len(components)), largest])[:, None]
    return PCA(moments.mean, components, variances, moments.num_examples)


def _tolerance(num_features: int) -> float:
    """What of a variance is rounding, beside the largest one."""
    return 10 * num_features * float(np.finfo(np.float64).eps)


def _tails(terms: Float64[np.ndarray, " terms"], remainder: float) -> Float64[np.ndarray, " terms+1"]:
    """``remainder + sum_{j >= k} terms_j`` for k = 0, 1, ..., added from the end."""
    return np.cumsum(np.append(terms, remainder)[::-1])[::-1].copy()
