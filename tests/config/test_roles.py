"""A component is known by what it takes before `/` and what it makes, not by names or by what arrays are called."""

from collections.abc import Callable
from typing import Any

import jax
import optax
import pytest
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from ae_jax.bottlenecks import Bottleneck
from ae_jax.config import check, kinds, targets
from ae_jax.datasets import Dataset
from ae_jax.errors import UserError
from ae_jax.losses import Loss
from ae_jax.objectives import Value
from ae_jax.optimizers import Schedule
from ae_jax.results import Results
from ae_jax.tables.parts.base import Table
from ae_jax.typing import Batch, PRNGKey

Rows = Float[Array, "rows columns"]


class _OwnTable(Table):
    """A subclass."""


def corruption_of_rows(rng: PRNGKey, rows: Rows, /) -> Rows: ...
def corruption_of_arrays(rng: jax.Array, rows: jax.Array, /, *, rate: float) -> Array: ...
def corruption_unsaid(rng, rows, /) -> Rows: ...
def loss(*, link: str) -> Loss: ...
def bottleneck(*, num_active: int) -> Bottleneck: ...
def objective(p: Any, c: Any, k: Any, x: Any, s: Any, /, *, beta: float) -> Value: ...
def optimizer(*, rate: float) -> optax.GradientTransformationExtraArgs: ...
def dataset(*, path: str) -> Dataset: ...
def figure(results: Results, /, *, measure: str) -> Figure: ...
def table(runs, /) -> _OwnTable: ...


def corruption_without_a_key(x: Batch, /) -> Batch: ...
def corruption_by_name(key: PRNGKey, x: Batch) -> Batch: ...
def corruption_to_text(key: PRNGKey, x: Batch, /) -> str: ...
def loss_of_rows(outputs: Rows, x: Rows, /) -> Loss: ...
def objective_of_less(parts: Any, x: Any, /, *, beta: float) -> Value: ...
def dataset_to_a_folder(folder: str, *, seed: int) -> Dataset: ...
def dataset_of_a_folder(folder: str, /) -> Dataset: ...
def figure_of_a_path(*, path: str) -> Figure: ...


ONES = (
    *(corruption_of_rows, corruption_of_arrays, corruption_unsaid, loss, bottleneck, objective, optimizer, dataset),
    *(figure, table),
)
NONE = (
    *(corruption_without_a_key, corruption_by_name, corruption_to_text, loss_of_rows, objective_of_less),
    *(dataset_to_a_folder, dataset_of_a_folder, figure_of_a_path),
)


def is_one(target: Callable[..., Any]) -> bool:
    """Whether it is of the kind that it is named after, as if it stood in a file of the package."""
    kind = kinds.KINDS[target.__name__.partition("_")[0]]
    return kinds._is_of(kind, f"{kind.home}.own.{target.__name__}", target)


@pytest.mark.parametrize("target", ONES)
def test_what_is_one(target):
    assert is_one(target)


@pytest.mark.parametrize("target", NONE)
def test_what_is_none(target):
    assert not is_one(target)


def test_each_kind_is_declared_by_what_there_is():
    for kind in kinds.KINDS.values():
        assert targets.resolve(kind.makes)
    assert {name.partition("/")[0] for name in kinds.KINDS} == {*check.COMPONENTS, "evaluation", "figure", "table"}


# Users' own


MODULE = """
def old(key, x, strength=0.5): return x
def new(rng, rows, /, *, strength=0.5): return rows
def other(rng, rows, strength=0.5): return rows
def make(*, data): return data
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    (tmp_path / "my_parts.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "my_parts")


@pytest.mark.parametrize("name", ["old", "new"])
def test_inputs_of_users_stand_before_the_slash_or_have_their_first_names(name, own):
    node = {"_target_": f"my_parts.{name}", "strength": 0.25}
    assert check._check_component("corruption", node) == node


def test_what_takes_too_little_by_position_is_refused_in_one_line(own):
    with pytest.raises(UserError, match=r"^corruption\._target_: .* takes nothing before `/`, .*; put key, x before"):
        check._check_component("corruption", {"_target_": "my_parts.other", "strength": 0.25})


@pytest.mark.parametrize("target", ["ae_jax.datasets.idx_images.load_idx_images", "ae_jax.datasets.download.locate"])
def test_as_a_part_of_a_users_own_nothing_more_can_be_named(target, own):
    node = {"_target_": "my_parts.make", "data": {"_target_": target, "validation_size": 1, "split_seed": 0}}
    with pytest.raises(UserError, match=r"^dataset\.data\._target_: .* is no dataset/data"):
        check._check_component("dataset", node)
    options = {"validation_fraction": 0.1, "test_fraction": 0.2, "split_seed": 0}
    node["data"] = {"_target_": "ae_jax.datasets.digits.digits", **options}
    assert check._check_component("dataset", node) == node


# Parts


def test_a_value_is_no_object(compose):
    node = compose()["optimizer"] | {"learning_rate": {"_target_": "ae_jax.optimizers.schedules.constant"}}
    with pytest.raises(UserError, match=r"^optimizer\.learning_rate: is a value, not an object"):
        check._check_component("optimizer", node)


def test_schedules_are_told_by_what_they_return():
    assert targets.returned(targets.resolve("ae_jax.optimizers.schedules.constant")) is Schedule
