"""Fashion-MNIST: 70,000 photographs of clothes, 28 x 28 pixels.

Reference: Xiao, Rasul & Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms,
arXiv:1708.07747, 2017.
"""

from ae_jax.datasets.base import Dataset
from ae_jax.datasets.binarisation import Binarisation
from ae_jax.datasets.classes import KeepLabels
from ae_jax.datasets.download import Collection, RemoteFile
from ae_jax.datasets.idx_images import load_idx_images
from ae_jax.typing import Count, Size

FASHION_MNIST = Collection(
    name="fashion_mnist",
    files=(
        RemoteFile(
            name="train-images-idx3-ubyte",
            num_bytes=47_040_016,
            sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte",
            num_bytes=60_008,
            sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte",
            num_bytes=7_840_016,
            sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte",
            num_bytes=10_008,
            sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    system_folder="/usr/share/datasets/fashion-mnist",
)


def fashion_mnist(
    *, validation_size: Size, split_seed: Count, binarisation: Binarisation = "none", keep_labels: KeepLabels = None
) -> Dataset:
    """Load Fashion-MNIST with its official 10,000 test images.

    Args:
        validation_size: How many of the 60,000 training images are held out for validation.
        split_seed: Seed of that choice, and of fixed draws.
        binarisation: Whether pixels are drawn to be 0 or 1, see `datasets.binarisation`.
        keep_labels: Classes of the training and the validation split, see `datasets.classes.KeepLabels`.
    """
    return load_idx_images(
        FASHION_MNIST,
        validation_size=validation_size,
        split_seed=split_seed,
        binarisation=binarisation,
        keep_labels=keep_labels,
    )


fashion_mnist.is_verified = True  # type: ignore[attr-defined] # its files have one content, or they are refused
