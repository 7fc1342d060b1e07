"""Check a composed config against the signatures it names, and split it into structure and values.

A config is a plain dictionary here. Types and bounds stand once, in the signature of the function or class that
`_target_` names: there is no schema beside it.
"""

import inspect
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from annotated_types import Ge, Interval

from ae_jax.config.files import check_name
from ae_jax.config.kinds import KINDS, Kind, check_kind, of_part
from ae_jax.config.targets import OWN_PACKAGE, check_target, is_component, is_within, parameters, resolve, signature
from ae_jax.config.types import check_type
from ae_jax.errors import UserError, nearest

COMPONENTS = (
    "dataset",
    "model",
    "corruption",
    "bottleneck",
    "objective",
    "loss",
    "optimizer",
    "trainer",
    "tracking",
)
# The groups whose floats are values: traced, so that they can be swept without recompiling.
VALUE_GROUPS = ("corruption", "bottleneck", "objective", "loss", "optimizer", "trainer")

_TOP_LEVEL: dict[str, Any] = {
    "name": str,
    "resume": typing.Literal["auto", "never", "must"],
    "seed": Annotated[int, Interval(ge=0, lt=2**32)],
    "tags": list[str],
    "notes": str,
}
# Groups whose files change the whole config.
_PRESETS = {"experiment", "debug", "sweep"}
_RUNTIME: dict[str, Any] = {
    "platform": typing.Literal["cpu", "gpu", "cuda", "rocm", "tpu"] | None,
    "print_config": bool | typing.Literal["auto"],
    "checkpoint_seconds": Annotated[int, Ge(0)],
    "runs_axis": typing.Literal["auto", "vmap", "map"],
    "debug_nans": bool,
    "profile": bool,
    "compile_cache": bool,
}


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """A checked copy of a composed config: numbers of the type that their parameter has, every key known.

    Raises:
        UserError: For a target outside the allow-list (checked first), an unknown or missing key, a wrong type or a
            value out of bounds. The message names the key.
    """
    for preset in _PRESETS & config.keys():
        remedy = f"begin the file in {preset}/ with the line: # @package _global_"
        raise UserError(preset, "is the name of a group, and no key of the config", remedy)
    if "evaluation" in config:
        remedy = "begin the file in evaluation/ with the line: # @package evaluations.NAME"
        raise UserError("evaluation", "is the name of a group, and no key of the config", remedy)
    checked = check_parts(config, plain=_TOP_LEVEL, components=COMPONENTS, others=["runtime", "evaluations"])
    check_name("name", checked["name"])
    _require_keys("runtime", config["runtime"], _RUNTIME)
    _check_keys("runtime", config["runtime"], set(_RUNTIME))
    evaluations = checked_evaluations(config["evaluations"])
    runtime = {name: check_type(f"runtime.{name}", config["runtime"][name], hint) for name, hint in _RUNTIME.items()}
    first = {name: checked[name] for name in _TOP_LEVEL}
    components = {group: checked[group] for group in COMPONENTS}
    return {**first, "runtime": runtime, **components, "evaluations": evaluations}


def checked_evaluations(nodes: Any) -> dict[str, Any]:
    """Checked nodes of the evaluations, by name.

    Raises:
        UserError: See `validate`.
    """
    found: dict[str, Any] = {}
    for name, node in check_type("evaluations", nodes, dict[str, Any]).items():
        check_name("evaluations", name)
        for key, target in _targets(node, f"evaluations.{name}."):
            check_target(key, target)
        found[name] = _check_component(f"evaluations.{name}", node, [KINDS["evaluation"]])
    return found


def check_parts(
    config: dict[str, Any], *, plain: Mapping[str, Any], components: Sequence[str], others: Sequence[str] = ()
) -> dict[str, Any]:
    """A checked copy of a composed config.

    Args:
        config: The config.
        plain: Keys that are no components, with their annotations.
        components: Keys of components: each is checked against the signature of what its `_target_` names.
        others: Keys that must be there and are checked elsewhere; they are not in the copy.

    Raises:
        UserError: See `validate`.
    """
    for key, target in _targets(config):
        check_target(key, target)
    known = [*plain, *others, *components]
    _check_keys("", config, set(known))
    _require_keys("", config, known)
    checked = {name: check_type(name, config[name], hint) for name, hint in plain.items()}
    return checked | {group: _check_component(group, config[group]) for group in components}


def split_values(group: str, node: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a checked component into structure and values, by the one rule.

    A float of a group of `VALUE_GROUPS` is a value, unless its parameter is annotated plain `float`.
    """
    structure: dict[str, Any] = {}
    values: dict[str, Any] = {}
    hints = parameters(resolve(node["_target_"]))
    for name, item in node.items():
        if is_component(item):
            structure[name], nested = split_values(group, item)
            if nested:
                values[name] = nested
        elif isinstance(item, float) and group in VALUE_GROUPS and hints.get(name) is not float:
            values[name] = item
        else:
            structure[name] = item
    return structure, values


def _targets(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(config, dict):
        for name, item in config.items():
            if name == "_target_":
                yield f"{prefix}_target_", item
            yield from _targets(item, f"{prefix}{name}.")
    elif isinstance(config, list):
        for index, item in enumerate(config):
            yield from _targets(item, f"{prefix}{index}.")


def _check_component(path: str, node: Any, fitting: Sequence[Kind] = ()) -> dict[str, Any]:
    """Check a node with a `_target_` against the target's signature, and that it is of a kind that fits in its place.

    Args:
        path: Of the node.
        node: The node.
        fitting: Of a part of a component: see `kinds.of_part`. Else the kind is that of the group.
    """
    group = path.replace(".", "/")
    if not is_component(node):
        raise UserError(path, f"got {node!r}, expected an option of the group {group}", "list them with --help")
    name = node["_target_"]
    hints = _checkable(f"{path}._target_", name)
    check_kind(path, name, fitting or [KINDS[group]])
    _check_keys(path, node, {"_target_", *hints})
    is_own, defaults = is_within(name, (OWN_PACKAGE,)), signature(resolve(name)).parameters
    checked: dict[str, Any] = {"_target_": name}
    for part, hint in hints.items():
        key = f"{path}.{part}"
        if part not in node:
            if defaults[part].default is inspect.Parameter.empty:
                _require_keys(path, node, [part])
            continue
        item = node[part]
        # An option of this package that defaults to None came later than runs that are recorded: where it changes
        # nothing, it stays out of names and hashes.
        if item is None and is_own and defaults[part].default is None:
            continue
        if is_component(item):
            checked[part] = _check_component(key, item, of_part(key, hint, is_own=is_own))
        else:
            checked[part] = check_type(key, item, hint)
    return checked


def _checkable(key: str, name: str) -> dict[str, Any]:
    """The parameters of a target, if it is a function or class whose signature can be read."""
    try:
        return parameters(resolve(name))
    except (TypeError, ValueError, NameError, AttributeError) as error:
        raise UserError(key, f"{name!r} has no signature that can be checked ({error})", "choose another") from error


def _check_keys(path: str, node: dict[str, Any], known: set[str]) -> None:
    """Refuse unknown keys. Missing ones are refused where they are needed."""
    prefix = f"{path}." if path else ""
    for name in node:
        if name not in known:
            raise UserError(f"{prefix}{name}", "is not a key of this config", nearest(name, known - {"_target_"}))


def _require_keys(path: str, node: Any, needed: Iterable[str]) -> None:
    prefix = f"{path}." if path else ""
    for name in needed:
        if not isinstance(node, dict) or name not in node:
            raise UserError(f"{prefix}{name}", "is missing", f"give {prefix}{name}=…")
