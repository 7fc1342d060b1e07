"""Components by their `_target_`: the allow-list, signatures, and how a node of a config becomes a function."""

import functools
import importlib
import inspect
import os
import re
import typing
from collections.abc import Callable
from typing import Any

from ae_jax.errors import UserError

# Modules that a config may name: anywhere below the first, of the others their own members, since more of JAX writes
# files and loads code. Others are added by AE_JAX_ALLOWED_TARGETS, never by a config.
OWN_PACKAGE = "ae_jax"
ALLOWED_MODULES = (OWN_PACKAGE, "optax", "optax.contrib", "flax.nnx", "jax.nn", "jax.nn.initializers")
_OWN = "name your own modules in the environment variable AE_JAX_ALLOWED_TARGETS"
# Parameters that the program supplies by name, to what has them; a config cannot.
SUPPLIED = frozenset({"feature_shape", "code_width", "output_width", "rngs", "num_steps"})
# What is an input of users' functions also where no `/` follows it, as none did in the first versions.
_EARLIER_INPUTS = frozenset({"key", "x", "results"})


def check_target(key: str, target: Any) -> None:
    """Refuse a `_target_` outside the allowed modules, before anything of it is imported, and private members."""
    added = added_modules()
    allowed = (*ALLOWED_MODULES, *added)
    if not isinstance(target, str) or not _is_allowed(target, added):
        raise UserError(
            key,
            f"{target!r} is not in an allowed module ({', '.join(allowed)}), or private",
            _OWN,
        )
    check_home(key, target, (*(module.partition(".")[0] for module in ALLOWED_MODULES), *added))


def check_home(key: str, target: str, homes: tuple[str, ...]) -> None:
    """Refuse what does not exist, and what was merely imported where it is named, such as a module's `os.system`."""
    try:
        home = getattr(resolve(target), "__module__", None)
    except (ImportError, AttributeError) as error:
        raise UserError(key, f"cannot find {target!r} ({error})", "check the spelling of its path") from error
    if not isinstance(home, str) or not is_within(home + ".", homes):
        raise UserError(key, f"{target!r} is defined in {home}, outside the allowed modules ({', '.join(homes)})", _OWN)


def added_modules() -> tuple[str, ...]:
    """Modules that the user allows beside `ALLOWED_MODULES`, by AE_JAX_ALLOWED_TARGETS."""
    return tuple(os.environ.get("AE_JAX_ALLOWED_TARGETS", "").replace(",", " ").split())


def _is_allowed(target: str, added: tuple[str, ...]) -> bool:
    is_public = re.fullmatch(r"[^\W\d_]\w*(\.[^\W\d_]\w*)+", target)
    is_member = target.rpartition(".")[0] in ALLOWED_MODULES
    return bool(is_public) and (is_member or is_within(target, (OWN_PACKAGE, *added)))


def resolve(target: str) -> Any:
    """The member of a module that a checked `_target_` names."""
    module, _, member = target.rpartition(".")
    return getattr(importlib.import_module(module), member)


@functools.cache
def parameters(target: Callable[..., Any]) -> dict[str, Any]:
    """Names and annotations of the parameters that a config gives: the options."""
    annotations = _annotations(_function(target))
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {
        name: annotations.get(name, Any)
        for name, parameter in signature(target).parameters.items()
        if name not in SUPPLIED and parameter.kind in by_name and not _is_input(target, parameter)
    }


def inputs(target: Callable[..., Any]) -> list[str]:
    """Names of the parameters that the program gives by position, as a config cannot: those before `/`."""
    return [name for name, parameter in signature(target).parameters.items() if _is_input(target, parameter)]


def _is_input(target: Callable[..., Any], parameter: inspect.Parameter) -> bool:
    if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.name in _EARLIER_INPUTS:
        return is_within(f"{target.__module__}.", added_modules())
    return parameter.kind is parameter.POSITIONAL_ONLY


def returned(target: Callable[..., Any]) -> Any:
    """The annotation of what a function returns, Any where there is none; a class makes itself."""
    return target if inspect.isclass(target) else _annotations(target).get("return", Any)


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """Annotations of a function. What only a type checker knows may be anything, such as the trees of JAX and Optax."""
    unknown: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(function, localns=dict(unknown) or None, include_extras=True)
        except NameError as error:
            if error.name is None or error.name in unknown:
                raise
            unknown[error.name] = Any


def signature(target: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function, or of a class's constructor without `self`."""
    function = _function(target)
    found = inspect.signature(function)
    return found if function is target else found.replace(parameters=[*found.parameters.values()][1:])


def bind(node: dict[str, Any]) -> Callable[..., Any]:
    """A component with its structure fixed: call it with its values, and with what the program supplies.

    Args:
        node: `_target_` and structure; a nested node with a `_target_` is built first, and passed by its name.

    Returns:
        A function of (*inputs, **values, **supplied), which passes on only the supplied parameters that the target has.
    """
    target = resolve(node["_target_"])
    structure = {name: item for name, item in node.items() if name != "_target_" and not is_component(item)}
    nested = {name: bind(item) for name, item in node.items() if is_component(item)}
    accepted = signature(target).parameters.keys()

    def component(*inputs: Any, **given: Any) -> Any:
        supplied = {name: given.pop(name) for name in SUPPLIED & given.keys()}
        parts = {name: make(**given.pop(name, {}), **supplied) for name, make in nested.items()}
        fitting = {name: item for name, item in supplied.items() if name in accepted}
        return target(*inputs, **structure, **parts, **given, **fitting)

    return component


def is_within(target: str, modules: tuple[str, ...]) -> bool:
    """Whether a dotted name is below one of the modules."""
    return any(target.startswith(f"{module}.") for module in modules)


def is_component(item: Any) -> bool:
    """Whether a part of a config names what it makes."""
    return isinstance(item, dict) and "_target_" in item


def _function(target: Callable[..., Any]) -> Callable[..., Any]:
    # A named tuple's fields are annotated on the class; a module's metaclass hides its constructor's signature.
    return target.__init__ if inspect.isclass(target) and not issubclass(target, tuple) else target
