"""What components have to be once they are made, and what has to fit the data; found out without training."""

from typing import Any

import jax
import jax.numpy as jnp

from ae_jax.config.kinds import KINDS
from ae_jax.config.targets import ALLOWED_MODULES, added_modules, is_within, resolve
from ae_jax.datasets import Dataset
from ae_jax.datasets.levels import has_levels
from ae_jax.errors import UserError
from ae_jax.losses import Loss
from ae_jax.training import Run, Structure
from ae_jax.training.averages import averaged
from ae_jax.training.objective import abstract_params

_USUAL_LEVELS = (2, 16, 17, 256, 1 << 10, 1 << 12, 1 << 16)
# For a table: `unit_interval` alone is fitted on the training split, and the others may leave it.
_UNIT_INTERVAL = "with dataset=array, dataset.scaling=unit_interval_clipped puts all of it into [0, 1]"


def made(group: str, target: str, item: Any) -> Any:
    """What a target made, if it is of the kind of its group.

    Raises:
        UserError: If it is something else.
    """
    wanted = resolve(KINDS[group].makes)
    if not isinstance(item, wanted):
        problem = f"returned {_named(type(item).__name__)}, expected {_named(wanted.__name__)}"
        raise UserError(f"{group}={target}", problem, f"a {group} is {KINDS[group].form}")
    return item


def _named(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


def check_corruption(target: str, structure: Structure, run: Run, dataset: Dataset) -> None:
    """Refuse one that makes something else of examples than examples, or is for other data.

    Raises:
        UserError: It says what is expected.
    """
    if getattr(resolve(target), "needs_unit_interval", False) and not dataset.unit_interval:
        raise UserError("corruption", f"is for data in [0, 1], those of {dataset.name} are not", _UNIT_INTERVAL)
    x = jax.ShapeDtypeStruct((2, dataset.num_features), jnp.float32)

    def corrupted(values: Any, x: Any) -> Any:
        return structure.corrupt(jax.random.key(0), x, **values)

    seen = jax.eval_shape(corrupted, run.values["corruption"], x)
    if getattr(seen, "shape", None) != x.shape or seen.dtype != x.dtype:
        problem = f"returned {jax.tree.map(str, seen)} for {x}, expected the same shape and type"
        raise UserError(f"corruption={target}", problem, f"a corruption is {KINDS['corruption'].form}")


def check_loss(loss: Loss, dataset: Dataset) -> None:
    """Refuse outputs that are confined to [0, 1] for data that are not.

    Raises:
        UserError: It says what to choose.
    """
    low, high = (float(loss.link(jnp.full((1, loss.output_width), bound))[0, 0]) for bound in (-1e3, 1e3))
    if low >= 0 and high <= 1 and not dataset.unit_interval:
        raise UserError(
            "loss",
            f"its outputs lie in [0, 1], the data of {dataset.name} do not",
            f"use loss=mse, half_sse or huber with loss.link=identity; or, {_UNIT_INTERVAL}",
        )


def check_levels(loss: Loss, dataset: Dataset) -> None:
    """Refuse data to which a loss of levels gives no probability, as they are not such levels.

    Raises:
        UserError: It says what to choose.
    """
    num_levels = loss.num_levels
    if num_levels is None or has_levels(dataset, num_levels):
        return
    if num_levels == 2:
        problem = f"is the likelihood of data that are 0 or 1, those of {dataset.name} are not"
        raise UserError("loss", problem, "draw them, with dataset.binarisation=fixed or dynamic")
    problem = f"is the likelihood of data of {num_levels} levels, 0, 1/{num_levels - 1}, …, 1"
    at_most = next((number for number in _USUAL_LEVELS if has_levels(dataset, number)), None)
    remedy = "use loss=gaussian_nll" if at_most is None else f"give loss.num_levels={at_most}"
    raise UserError("loss", f"{problem}; those of {dataset.name} are others", remedy)


def check_optimizer(target: str, structure: Structure, run: Run) -> None:
    """Refuse one of another package that needs more than a config can give, or than gradient and parameters.

    Raises:
        UserError: It says why no step can be made.
    """
    if is_within(target, added_modules()):
        made("optimizer", target, structure.make_optimizer(**run.values["optimizer"], num_steps=1))
    if not is_within(target, ALLOWED_MODULES[1:]):
        return  # a bug in one's own shows its traceback, when it trains

    def step(values: Any, params: Any) -> Any:
        optimizer = structure.make_optimizer(**values, num_steps=1)
        state = optimizer.init(params)
        return state, optimizer.update(params, state, params), averaged(state, params)

    remedy = "give it other values, or choose another optimizer"
    try:
        state, *_ = jax.eval_shape(step, run.values["optimizer"], abstract_params(structure, run)[0])
    except UserError:
        raise
    except Exception as error:  # of any type, as each of them checks its arguments in its own way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(". ")[0]
        problem = f"cannot make a step with what it is given ({reason})"
        if isinstance(error, jax.errors.ConcretizationTypeError):
            problem = "branches on a number that may be swept, as some schedules of Optax do"
            remedy = "schedule it by ae_jax.optimizers.schedules.learning_rate, or choose another optimizer"
        raise UserError(f"optimizer={target}", problem, remedy) from error
    for leaf in jax.tree.leaves(state):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) or leaf.size == 0:
            kind = "arrays without a value" if leaf.size == 0 else "random keys"
            raise UserError(f"optimizer={target}", f"keeps {kind}, which cannot be saved", remedy)
