"""An axis of epochs."""

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from ae_jax.figures.style import plain_log_ticks

_FEW = 5  # epochs up to which each is numbered


def scale_epochs(axes: Axes, last: int) -> None:
    """A logarithmic axis with whole numbers, as most happens in the first epochs.

    Args:
        axes: Whose horizontal axis has epochs.
        last: The last of them.
    """
    axes.set_xscale("log")
    axes.set_xlim(last**-0.02, last**1.02) if last > 1 else axes.set_xlim(0.5, 2)
    plain_log_ticks(axes.xaxis)
    whole = [tick for tick in axes.get_xticks() if tick == round(tick)]
    axes.xaxis.set_major_locator(FixedLocator(range(1, last + 1) if last <= _FEW else whole))
