"""PCA with all components, from the raw bytes to the fitted model, so that each one's conversion counts."""

import numpy as np

from peers.protocol import Prepared, Task, serve


def prepare(task: Task) -> Prepared:
    """The result of each is the variance along the first component."""
    images = np.load(task.images)
    if task.library == "ae_jax":
        from ae_jax.baselines.pca import fit_pca

        return Prepared(lambda: float(fit_pca([images], scale=1 / 255).variances[0]), "float64")

    import sklearn
    from sklearn.decomposition import PCA

    dtype = np.dtype(task.library)

    def fit() -> float:
        inputs = images * dtype.type(1 / 255)
        return float(PCA(svd_solver="covariance_eigh").fit(inputs).explained_variance_[0])

    return Prepared(fit, f"scikit-learn {sklearn.__version__}, {dtype}")


if __name__ == "__main__":
    serve(prepare)
