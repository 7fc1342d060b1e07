"""Inputs at test time as a corruption of a given level leaves them, whatever a model was trained with.

Corruptions are those of `ae_jax.corruptions` that have a level: one option that is a value, at 0 of which they are the
identity. `levels` of one is a grid that fits it.
"""

import functools
import importlib
import inspect
import itertools
import pkgutil
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from annotated_types import Interval

import ae_jax.corruptions
from ae_jax.datasets import Dataset
from ae_jax.errors import UserError, nearest
from ae_jax.evaluation.measure import batches
from ae_jax.evaluation.method import ROWS, Host
from ae_jax.images import has_image_shape
from ae_jax.typing import Fraction, NonNegative, Positive, Scalar

_VALUES = (Scalar, Positive, NonNegative, Fraction)
_OF_FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


class Levelled(NamedTuple):
    """A corruption with a level.

    Attributes:
        name: Its module's.
        function: The corruption.
        option: Which of its options the level is.
        is_fraction: Whether that ends at 1.
        of_images: Whether it takes images alone.
        in_unit_interval: Whether it takes inputs in [0, 1] alone.
        levels: A grid for it.
    """

    name: str
    function: Any
    option: str
    is_fraction: bool
    of_images: bool
    in_unit_interval: bool
    levels: tuple[float, ...]

    def fits(self, dataset: Dataset) -> bool:
        """Whether data are such as it takes."""
        is_image = has_image_shape(dataset.feature_shape)
        return (is_image or not self.of_images) and (dataset.unit_interval or not self.in_unit_interval)


@functools.cache
def levelled() -> dict[str, Levelled]:
    """All corruptions with a level, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(ae_jax.corruptions.__path__))
    found = (_levelled(name) for name in names)
    return {one.name: one for one in found if one is not None}


def _levelled(name: str) -> Levelled | None:
    function = getattr(importlib.import_module(f"ae_jax.corruptions.{name}"), name, None)
    if function is None:
        return None
    parameters = inspect.signature(function).parameters
    options = [part for part in parameters.values() if part.kind is part.KEYWORD_ONLY and part.annotation in _VALUES]
    if len(options) != 1:
        return None
    bounds = [mark for mark in getattr(options[0].annotation, "__metadata__", ()) if isinstance(mark, Interval)]
    return Levelled(
        name,
        function,
        options[0].name,
        is_fraction=bool(bounds),
        of_images="feature_shape" in parameters,
        in_unit_interval=getattr(function, "needs_unit_interval", False),
        levels=getattr(function, "levels", _OF_FRACTIONS),
    )


def chosen(option: str, name: str | None, levels: Sequence[float] | None) -> dict[Levelled, tuple[float, ...]]:
    """Corruptions, each with the levels at which it is asked.

    Args:
        option: The path of the options in a config, for messages.
        name: Of one; None: all of them.
        levels: Rising; None: each one's own.

    Raises:
        UserError: If there is no such corruption, or a level that one cannot have.
    """
    known = levelled()
    if name is not None and name not in known:
        raise UserError(f"{option}.corruption", f"there is no {name!r} that has a level", nearest(name, known))
    asked = {one: tuple(levels or one.levels) for one in known.values() if name in (None, one.name)}
    for one, grid in asked.items():
        if len(grid) < 2 or min(grid) < 0 or any(after <= before for before, after in itertools.pairwise(grid)):
            problem = f"got {list(grid)}, expected two or more rising numbers from 0 on"
            raise UserError(f"{option}.levels", problem, "0 is no corruption, such as [0,.1,.2]")
        if one.is_fraction and max(grid) > 1:
            problem = f"got {max(grid):g}, and {one.option} of {one.name} ends at 1"
            raise UserError(f"{option}.levels", problem, "ask for less, or name another corruption")
    return asked


def corrupted_batches(dataset: Dataset, corruption: Levelled, level: float) -> Iterator[tuple[Host, Host]]:
    """Batches of the test split, clean and corrupted.

    The noise of a row follows from its place and the corruption alone: all runs, all methods and all seeds see one
    corrupted test split, as that is what they are compared on, and levels have the same draws, so that a curve over
    them is smooth.

    Args:
        dataset: The data.
        corruption: What corrupts.
        level: How much.
    """
    key = jax.random.key(zlib.crc32(corruption.name.encode()))
    apply = _compiled(corruption, dataset.feature_shape)
    for index, x in enumerate(batches(dataset, "test")):
        padded = np.pad(x, ((0, ROWS - len(x)), (0, 0)))
        yield x, np.asarray(apply(jax.random.fold_in(key, index), padded, np.float32(level)))[: len(x)]


@functools.cache
def _compiled(corruption: Levelled, feature_shape: tuple[int, ...]) -> Any:
    shape = {"feature_shape": feature_shape} if corruption.of_images else {}
    return jax.jit(lambda key, x, level: corruption.function(key, x, **shape, **{corruption.option: level}))
