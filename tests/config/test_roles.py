"""A component is known by its place and what it takes and makes, not by the names that its annotations use."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import pytest
from jaxtyping import Array, Float, Key
from matplotlib.figure import Figure

from ae_jax.config import check
from ae_jax.corruptions import Corruption
from ae_jax.datasets import Dataset
from ae_jax.losses import Loss
from ae_jax.results import Results
from ae_jax.tables.parts.base import Table
from ae_jax.typing import Batch, PRNGKey

Rows = Float[Array, "rows features"]


class _OwnTable(Table):
    """A subclass."""


def own(function: Callable[..., Any]) -> Callable[..., Any]:
    """As if it stood in a file of the package."""
    function.__module__ = "ae_jax.corruptions.own"
    return function


def corrupt_rows(key: PRNGKey, x: Rows) -> Rows: ...
def corrupt_plainly(rng: jax.Array, batch: jax.Array, *, rate: float) -> Array: ...
def corrupt_silently(key, x): ...
def corrupt_partly(key: Key[Array, ""], x: Batch): ...
def corrupt_numpy(key: Array, x: np.ndarray) -> np.ndarray: ...
def corrupt_in_a_shape(key: PRNGKey, shape: tuple[int, ...]) -> Batch: ...
def corrupt_without_a_key(x: Batch) -> Batch: ...
def corrupt_to_text(key: PRNGKey, x: Batch) -> str: ...
def loss(*, link: str) -> Loss: ...
def loss_of_rows(outputs: Rows, x: Rows) -> Loss: ...
def optimizer(*, rate: float) -> optax.GradientTransformationExtraArgs: ...
def dataset(*, path: str) -> Dataset: ...
def figure(results: Results, *, measure: str) -> Figure: ...
def figure_by_position(results: Results, /) -> Figure: ...
def figure_silently(results) -> Figure: ...
def figure_of_a_path(path: str) -> Figure: ...
def table(results: Results) -> _OwnTable: ...


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        *(
            (one, Corruption)
            for one in (corrupt_rows, corrupt_plainly, corrupt_silently, corrupt_partly, corrupt_numpy)
        ),
        *((loss, Loss), (optimizer, optax.GradientTransformation), (dataset, Dataset)),
        *((one, Figure) for one in (figure, figure_by_position, figure_silently)),
        (table, Table),
    ],
)
def test_what_is_one(target, wanted):
    assert check._fits(own(target), wanted)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        *((one, Corruption) for one in (corrupt_in_a_shape, corrupt_without_a_key, corrupt_to_text, loss, figure)),
        *((loss_of_rows, Loss), (figure_of_a_path, Figure), (figure, Table), (dataset, Loss)),
    ],
)
def test_what_is_none(target, wanted):
    assert not check._fits(own(target), wanted)
