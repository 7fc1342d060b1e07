"""How often each code of a quantised latent is chosen, from the most to the least frequent."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ae_jax.figures.parts.about import write_about
from ae_jax.figures.style import AUTOENCODER, LOOKS, plain_log_ticks, set_margins
from ae_jax.runs.folder import RunFolder

_NO_TITLE = 0.97  # of the height: above it is a line of words
_NAMED = 6  # parts of a latent that have a line and a name of their own


def fits(run: RunFolder) -> bool:
    """Whether its latents are quantised."""
    return (run.path / "codes.npz").exists()


def draw(run: RunFolder) -> Figure:
    """A line for each part of the latent, with how many codes it uses and how many as likely ones that amounts to."""
    indices = run.codes["indices"]
    parts = [_shares(part) for part in indices.T]
    figure = Figure()
    axes = figure.subplots()
    set_margins(figure)
    figure.subplots_adjust(top=_NO_TITLE)
    for number, shares in enumerate(parts):
        look = LOOKS[number % len(LOOKS)]
        named = len(parts) <= _NAMED
        axes.plot(
            np.arange(1, len(shares) + 1),
            shares,
            color=look.colour if named else AUTOENCODER,
            linestyle=look.line if named else "-",
            linewidth=1.5 if named else 0.5,
            marker="o" if len(shares) == 1 else "",
            label=_label(number, shares) if named else "_",
        )
    used = [len(shares) for shares in parts]
    if len(parts) > _NAMED:
        axes.plot([], [], color=AUTOENCODER, label=f"{len(parts)} parts, {min(used)} to {max(used)} codes in use")
    axes.set(xlabel="codes of a part, by how often they are chosen", ylabel="share of test examples", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plain_log_ticks(axes.yaxis)
    axes.legend(fontsize="small")
    write_about(figure, run, f"test split, {len(indices)} examples")
    return figure


def _shares(part: np.ndarray) -> np.ndarray:
    """The shares of those codes that are chosen at all, the largest first."""
    counts = np.sort(np.unique(part, return_counts=True)[1])[::-1]
    return counts / counts.sum()


def _label(number: int, shares: np.ndarray) -> str:
    perplexity = np.exp(-(shares * np.log(shares)).sum())
    return f"part {number + 1}: {len(shares)} in use, perplexity {perplexity:.1f}"
