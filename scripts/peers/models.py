"""Epochs of the networks that people train, beside PyTorch; a case is a row of `CASES` and of `torch_models.MODELS`."""

import argparse
from pathlib import Path
from typing import NamedTuple

from peers.contest import Contender, compete
from peers.images import write_images
from peers.rows import beside
from peers.table import Table

NUM_IMAGES, NUM_DICTIONARY_IMAGES = 12_800, 2_560
NUM_DICTIONARIES = 64


class Case(NamedTuple):
    """What is trained, on images of 28 x 28.

    Attributes:
        title: In words.
        overrides: Its config here.
        batch_size: Examples per update.
        least: How many times as long PyTorch takes, at least.
    """

    title: str
    overrides: tuple[str, ...]
    batch_size: int
    least: float


CASES = {
    "conv": Case(
        "convolutional 28 x 28, channels 32-64, latent 32",
        ("model=conv", "model.channels=[32,64]", "model.latent_size=32", "loss=bce"),
        batch_size=128,
        least=1.1,
    ),
    "vae": Case(
        "VAE 784-400-40",
        ("model=dense", "model.hidden_sizes=[400]", "model.latent_size=40", "bottleneck=gaussian", "loss=bce"),
        batch_size=128,
        least=1.3,
    ),
    "top_k": Case(
        "top-k dictionary 784-4,096, k 32",
        (
            *("model=dictionary", "model.latent_size=4096", "model.tied_init=true"),
            *("bottleneck=top_k", "bottleneck.num_active=32", "loss=half_sse"),
        ),
        batch_size=256,
        least=1.1,
    ),
    "fsq": Case(
        "FSQ 784-256-16, 5 levels each",
        ("model=dense", "model.hidden_sizes=[256]", "model.latent_size=16", "bottleneck=fsq", "loss=bce"),
        batch_size=128,
        least=1.3,
    ),
}
"""By the name that contenders know them by."""
DICTIONARY = Case(
    "sparse dictionary 784-1,024",
    (
        *("model=dictionary", "model.latent_size=1024", "model.tied_init=true"),
        *("bottleneck=jump_relu", "loss=half_sse", "objective.beta=0.1"),
    ),
    batch_size=256,
    least=1.0,
)


def models(folder: Path, options: argparse.Namespace) -> Table:
    """An epoch of each case here and in PyTorch, with Adam, on the same data, in batches of the same size."""
    images = write_images(folder, limit=min(NUM_IMAGES, options.images or NUM_IMAGES))
    rows, missing, broken = [], dict[str, str](), dict[str, str]()
    for name, case in CASES.items():
        ours = Contender(f"{case.title}, batch {case.batch_size}: ae_jax", "our_models", name)
        torch = Contender(f"{case.title}: PyTorch, eager, fused Adam", "torch_models", name)
        contest = compete([ours, torch], repeats=options.repeats, images=images.path, batch_size=case.batch_size)
        missing |= contest.missing
        broken |= contest.broken
        rows += beside(contest, ours.name, "loss", least={torch.name: case.least})
    return Table(f"models: an epoch on {images.shape[0]:,} images of {images.source}", rows, missing, broken)


def dictionaries(folder: Path, options: argparse.Namespace) -> Table:
    """An epoch of sparse dictionaries that differ in their seed: all as one program, and one after the other.

    Of those one is measured, and its time multiplied.
    """
    images = write_images(folder, limit=min(NUM_DICTIONARY_IMAGES, options.images or NUM_DICTIONARY_IMAGES))
    number = options.dictionaries
    together = Contender(f"{number} of {DICTIONARY.title} as one program", "our_models", f"dictionary {number}")
    alone = Contender(f"{number} times one", "our_models", "dictionary 1")
    contest = compete([together, alone], repeats=options.repeats, images=images.path, batch_size=DICTIONARY.batch_size)
    for name in contest.measured.keys() & {alone.name}:
        one = contest.measured[name]
        contest.measured[name] = one._replace(seconds=[number * seconds for seconds in one.seconds])
    rows = [
        row._replace(result=f"{row.result}, {contest.measured[row.name].num_bytes / 2**30:.2f} GiB")
        for row in beside(contest, together.name, "loss", least={alone.name: DICTIONARY.least})
    ]
    title = f"dictionaries: an epoch on {images.shape[0]:,} images of {images.source}, batch {DICTIONARY.batch_size}"
    return Table(title, rows, contest.missing, contest.broken)
