"""MNIST: 70,000 handwritten digits of 28 x 28 pixels.

Reference: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition, 1998.
"""

from ae_jax.datasets.base import Dataset
from ae_jax.datasets.binarisation import Binarisation
from ae_jax.datasets.classes import KeepLabels
from ae_jax.datasets.download import Collection, RemoteFile
from ae_jax.datasets.idx_images import load_idx_images
from ae_jax.typing import Count, Size

MNIST = Collection(
    name="mnist",
    files=(
        RemoteFile(
            name="train-images-idx3-ubyte",
            num_bytes=47_040_016,
            sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte",
            num_bytes=60_008,
            sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte",
            num_bytes=7_840_016,
            sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte",
            num_bytes=10_008,
            sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
)


def mnist(
    *, validation_size: Size, split_seed: Count, binarisation: Binarisation = "none", keep_labels: KeepLabels = None
) -> Dataset:
    """Load MNIST with its official 10,000 test images.

    Args:
        validation_size: How many of the 60,000 training images are held out for validation.
        split_seed: Seed of that choice, and of fixed draws.
        binarisation: Whether pixels are drawn to be 0 or 1, see `datasets.binarisation`.
        keep_labels: Classes of the training and the validation split, see `datasets.classes.KeepLabels`.
    """
    return load_idx_images(
        MNIST,
        validation_size=validation_size,
        split_seed=split_seed,
        binarisation=binarisation,
        keep_labels=keep_labels,
    )


mnist.is_verified = True  # type: ignore[attr-defined] # its files have one content, or they are refused
