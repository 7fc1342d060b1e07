"""Kinds of components: what each is a function of, and what it makes. They are told by their signatures.

What the program gives stands before `/`, what a config gives is keyword-only, and the annotation of what is returned
names the kind. Names of parameters, and of the axes of arrays, decide nothing.
"""

import inspect
import types
import typing
from collections.abc import Sequence
from typing import Any, NamedTuple, Union

from jaxtyping import AbstractArray

from ae_jax.config.targets import OWN_PACKAGE, added_modules, inputs, is_within, resolve, returned, signature
from ae_jax.errors import UserError


class Kind(NamedTuple):
    """A kind of component.

    Attributes:
        home: Where those of this package are; elsewhere in it there are none.
        makes: What one returns.
        inputs: What stands before `/`, in words.
        by_class: Whether it is the class itself, not a function that returns one.
    """

    home: str
    makes: str
    inputs: tuple[str, ...] = ()
    by_class: bool = False

    @property
    def form(self) -> str:
        """What one looks like."""
        made = self.makes.rpartition(".")[2]
        if self.by_class:
            return f"a class, {made} or one made from it"
        before = f"{', '.join(self.inputs)}, /, " if self.inputs else ""
        return f"a function ({before}*, options) -> {made}"


KINDS = {
    "dataset": Kind("ae_jax.datasets", "ae_jax.datasets.base.Dataset"),
    "model": Kind("ae_jax.models", "ae_jax.models.base.AbstractAutoencoder", by_class=True),
    "corruption": Kind("ae_jax.corruptions", "ae_jax.typing.Batch", ("key", "x")),
    "bottleneck": Kind("ae_jax.bottlenecks", "ae_jax.bottlenecks.base.Bottleneck"),
    "objective": Kind("ae_jax.objectives", "ae_jax.objectives.base.Value", ("parts", "carried", "key", "x", "seen")),
    "objective/schedule": Kind("ae_jax.objectives.schedules", "ae_jax.objectives.base.Schedule"),
    "loss": Kind("ae_jax.losses", "ae_jax.losses.base.Loss"),
    "optimizer": Kind("ae_jax.optimizers", "optax.GradientTransformation"),
    "optimizer/schedule": Kind("ae_jax.optimizers.schedules", "ae_jax.optimizers.base.Schedule"),
    "optimizer/learning_rate": Kind("ae_jax.optimizers.schedules", "ae_jax.optimizers.base.LearningRate"),
    "trainer": Kind("ae_jax.training", "ae_jax.training.options.TrainerOptions", by_class=True),
    "tracking": Kind("ae_jax.tracking.wandb_run", "ae_jax.tracking.wandb_run.TrackingOptions", by_class=True),
    "evaluation": Kind("ae_jax.evaluations", "ae_jax.evaluation.base.Evaluation"),
    "figure": Kind("ae_jax.figures", "matplotlib.figure.Figure", ("results",)),
    "table": Kind("ae_jax.tables", "ae_jax.tables.parts.base.Table", ("results",)),
}
"""By the group, or by the group and the name of a part of its components."""

# What another package's or the user's own component may have as a part: anything beside what this package makes.
_ANYTHING = Kind("", "typing.Any")


def of_part(path: str, hint: Any, *, is_own: bool) -> list[Kind]:
    """The kinds that fit as a part of a component.

    Args:
        path: Of the part.
        hint: Its annotation.
        is_own: Whether the component is of this package: then the annotation decides. Of others it may say anything,
            and what is of this package fits by the name of the part, or is of the same kind.
    """
    group, part = path.partition(".")[0], path.rpartition(".")[2]
    if not is_own:
        return [_ANYTHING, *(KINDS[name] for name in (f"{group}/{part}", group) if name in KINDS)]
    kinds = [kind for name, kind in KINDS.items() if name.partition("/")[0] == group]
    is_union = typing.get_origin(hint) in (Union, types.UnionType)
    wanted = typing.get_args(hint) if is_union else (hint,)
    fitting = [kind for kind in kinds if any(one is resolve(kind.makes) for one in wanted)]
    if not fitting:
        raise UserError(path, "is a value, not an object with a _target_", f"write {path}=…")
    return fitting


def check_kind(path: str, name: str, fitting: Sequence[Kind]) -> None:
    """Refuse a target that is of no kind that fits; what the user allowed may make anything.

    Raises:
        UserError: It says what one of the kind looks like.
    """
    target, group = resolve(name), path.replace(".", "/")
    kind = next(one for one in fitting if one is not _ANYTHING)
    if is_within(name, added_modules()):
        given = inputs(target)
        if fitting[0] is not _ANYTHING and len(given) != len(kind.inputs):
            problem = f"{name!r} takes {_said(given)} before `/`, and {group} is {kind.form}"
            raise UserError(f"{path}._target_", problem, f"put {_said(kind.inputs)} before it, options after `*`")
    elif not any(_is_of(one, name, target) for one in fitting):
        problem = f"{name!r} is no {group}, which is {kind.form}"
        raise UserError(f"{path}._target_", problem, f"choose one from {kind.home}")


def _is_of(kind: Kind, name: str, target: Any) -> bool:
    is_own, made = is_within(name, (OWN_PACKAGE,)), returned(target)
    if kind is _ANYTHING:
        return not is_own and not inspect.isclass(target)
    if is_own and not (is_within(name, (kind.home,)) and _is_strict(target)):
        return False
    wanted = resolve(kind.makes)
    if len(inputs(target)) != len(kind.inputs) or inspect.isclass(target) != kind.by_class:
        return False
    if _is_array(wanted):
        return _is_array(made)
    # By name and not by `issubclass`: of protocols, all that can be called alike would be one.
    return inspect.isclass(made) and wanted in made.__mro__ and not _is_abstract(target)


def _is_strict(target: Any) -> bool:
    """Whether nothing of it can be given both ways, as an input and as an option: so no helper is a component."""
    return inspect.isclass(target) or not any(
        parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in signature(target).parameters.values()
    )


def _is_abstract(target: Any) -> bool:
    return any(getattr(item, "__isabstractmethod__", False) for item in vars(target).values())


def _is_array(hint: Any) -> bool:
    """Whether an annotation is that of an array, whatever it calls its axes."""
    import jax

    return inspect.isclass(hint) and issubclass(hint, AbstractArray | jax.Array)


def _said(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
