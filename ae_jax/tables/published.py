"""Published numbers, which stand beside one's own where dataset, latent size, split and measure agree."""

from typing import Literal, NamedTuple

from ae_jax.results.configurations import Configuration

Method = Literal["autoencoder", "pca"]


class Published(NamedTuple):
    """A number as its authors report it.

    Attributes:
        value: With the digits that it was published with.
        how: What reached it.
        source: Where it stands.
        dataset: Name of the dataset, its pixels in [0, 1].
        latent_size: Size of the latent, or number of components.
        split: Where it was measured.
        measure: What was measured.
        method: What it stands beside.
    """

    value: str
    how: str
    source: str
    dataset: str
    latent_size: int
    split: str
    measure: str
    method: Method


_TO = "\N{EN DASH}"
_HINTON = "Hinton & Salakhutdinov 2006, Science 313:504"
_SUTSKEVER = (
    "Sutskever, Martens, Dahl & Hinton 2013, ICML, Table 1; "
    "training error of an autoencoder 784-1000-500-250-30 with sigmoid units"
)

PUBLISHED = (
    Published("3.00", "autoencoder 784-1000-500-250-30", _HINTON, "mnist", 30, "test", "sse", "autoencoder"),
    Published("13.87", "PCA", _HINTON, "mnist", 30, "test", "sse", "pca"),
    Published("8.01", "logistic PCA", _HINTON, "mnist", 30, "test", "sse", "pca"),
    *(
        Published(value, how, _SUTSKEVER, "mnist", 30, "train", "sse", "autoencoder")
        for value, how in (
            ("0.69", "Hessian-free"),
            ("1.0", "Nesterov momentum, mu_max 0.9"),
            ("0.73", "Nesterov, 0.99"),
            ("0.75", "Nesterov, 0.995"),
            ("0.80", "Nesterov, 0.999"),
            ("1.0", "classical momentum, mu_max 0.9"),
            ("0.77", "classical, 0.99"),
            ("0.84", "classical, 0.995"),
            ("0.90", "classical, 0.999"),
            ("2.1", "SGD"),
        )
    ),
)


def published(configuration: Configuration, measure: str, split: str, method: Method) -> tuple[Published, ...]:
    """The published numbers that stand beside a configuration's, in the order of `PUBLISHED`.

    A dataset must be the named loader's own: a table in a file that happens to be called mnist is another one.
    """
    loader = configuration.runs[0].settings.get("dataset")
    asked = (configuration.dataset, configuration.latent_size, split, measure, method)
    return tuple(one for one in PUBLISHED if one[3:] == asked and loader == one.dataset)


def shown(numbers: tuple[Published, ...]) -> str:
    """Published numbers in short: up to two as they are, more from the lowest to the highest."""
    values = [one.value for one in numbers]
    if len(values) <= 2:
        return ", ".join(values)
    return f"{min(values, key=float)}{_TO}{max(values, key=float)}"


def cited(numbers: tuple[Published, ...]) -> str:
    """Published numbers in words: what reached each, and the sources."""
    parts = []
    for source in dict.fromkeys(one.source for one in numbers):
        values = ", ".join(f"{one.value} ({one.how})" for one in numbers if one.source == source)
        parts.append(f"{source}: {values}")
    return "; ".join(parts)
