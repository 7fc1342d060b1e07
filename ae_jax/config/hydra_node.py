"""Hydra's own node of a composed config: checked before Hydra acts on it.

Hydra instantiates callbacks, launcher and sweeper, builds what its logging nodes name, sets environment variables and
writes where it is told. A file from elsewhere may say all that; what it may name is listed here. What the user types is
the user's own: a folder on the command line is not looked at.
"""

import os
import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf, flag_override

from ae_jax.config.files import check_name
from ae_jax.config.targets import added_modules, check_home, is_within
from ae_jax.errors import UserError

_INSTANTIATED = ("callbacks", "launcher", "sweeper")
_LOGGED = ("job_logging", "hydra_logging")
_PARTS = {*_INSTANTIATED, *_LOGGED, "job", "env_set", "env_copy", "overrides", "run", "sweep", "runtime", "searchpath"}
_PLUGINS = ("hydra_plugins", "hydra._internal.core_plugins")
_SAMPLER = r"optuna\.samplers\.[A-Z]\w*Sampler"
ALLOW = "name your own modules in the environment variable AE_JAX_ALLOWED_TARGETS"

# Where Hydra writes to. A file may name a place below the current folder, with these references in it.
PATHS = (
    "hydra.run.dir",
    "hydra.sweep.dir",
    "hydra.sweep.subdir",
    "hydra.output_subdir",
    "hydra.sweeper.storage",
)
# What launcher and sweepers assert, or fail over later.
_AT_LEAST = {
    "hydra.launcher.max_runs": 1,
    "hydra.sweeper.max_batch_size": 1,
    "hydra.sweeper.n_trials": 1,
    "hydra.sweeper.n_jobs": 1,
}
_REFERENCE = r"\$\{(?:ae_jax\.run_(?:name|folder):|name|seed|hydra\.job\.(?:num|id|name)|now:[%\w.: -]+)\}"
_BELOW = rf"(?!.*\.\.)(?:sqlite:///)?(?:{_REFERENCE}|[\w.])(?:{_REFERENCE}|[\w./=,@+ -])*"

_LOGGING = {
    "formatters": {"format", "datefmt"},
    "handlers": {"class", "level", "formatter", "stream", "filename", "mode", "encoding", "delay"},
    "loggers": {"level", "handlers", "propagate"},
}
_HANDLERS = ("logging.StreamHandler", "logging.NullHandler", "logging.FileHandler", "ae_jax.terminal.LogLines")
_STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
_LOG_FILE = r"(\$\{hydra\.runtime\.output_dir\}/|hydra-)(\$\{hydra\.job\.name\}|\w[\w-]*)\.log"


def check_hydra_node(composed: DictConfig, given: Sequence[str]) -> None:
    """Refuse a config whose node `hydra` names code that is not allowed, or a place to write to outside of this folder.

    Args:
        composed: The composed config. References whose value decides what is run are replaced by that value.
        given: Overrides on the command line.

    Raises:
        UserError: It names the key.
    """
    raw: Any = OmegaConf.to_container(composed, resolve=False)
    hydra = raw["hydra"]
    if len(hydra["overrides"]["hydra"]) + len(hydra["overrides"]["task"]) != len(given):
        raise UserError("hydra.overrides", "is for Hydra to say", "leave it out")
    _check_no_reference(hydra, "hydra")
    _check_no_reference(hydra["job"], "hydra.job")
    for name in _INSTANTIATED:
        _check_node(composed.hydra, name, hydra[name], f"hydra.{name}")
    for key, least in _AT_LEAST.items():
        value = OmegaConf.select(composed, key)
        if isinstance(value, int | float) and value < least:
            raise UserError(key, f"must be at least {least}, got {value}", f"give {key}=…, or leave it out")
    for name in _LOGGED:
        _check_logging(f"hydra.{name}", hydra[name] if isinstance(hydra[name], dict) else {})
    for name, value in hydra["job"]["env_set"].items():
        if os.environ.get(name) != value:
            raise UserError(
                f"hydra.job.env_set.{name}", "cannot be set by a config", f"type {name}=… before the command"
            )
    names = {"hydra.job.name": composed.hydra.job}
    if "${name}" in f"{hydra['run']['dir']} {hydra['sweep']['dir']} {hydra['sweep']['subdir']}":
        names["name"] = composed
    for key, node in names.items():
        if isinstance(node.get("name"), str):
            check_name(key, _written_out(node, "name", key))
    _check_paths(raw, {override.partition("=")[0].lstrip("+") for override in given})


def _check_no_reference(node: dict[str, Any], key: str) -> None:
    """Refuse a part of Hydra's node that stands for a part of the config; a text in it may refer to others."""
    for name in _PARTS & node.keys():
        if isinstance(node[name], str) and "${" in node[name]:
            raise UserError(f"{key}.{name}", f"is the reference {node[name]!r}", "write out what it refers to")


def _check_node(parent: Any, name: Any, raw: Any, key: str) -> None:
    """Check a part of what is instantiated: of the callbacks, the launcher or the sweeper.

    Args:
        parent: The node that it is in.
        name: Its name there.
        raw: Its content, with references as they are written.
        key: Its dotted key.
    """
    if isinstance(raw, dict | list):
        for inner, item in raw.items() if isinstance(raw, dict) else enumerate(raw):
            _check_node(parent[name], inner, item, f"{key}.{inner}")
            if key in ("hydra.sweeper.params", "hydra.sweeper.search_space"):
                _check_swept(f"{key}.{inner}", str(inner))
    elif name == "_target_" or (key == "hydra.sweeper.custom_search_space" and raw is not None):
        _check_target(key, raw)
    elif OmegaConf.is_interpolation(parent, name):
        _written_out(parent, name, key)


def _written_out(node: Any, name: Any, key: str) -> Any:
    """A text or number; a reference to one is replaced by it, as it could be another the next time it is asked for."""
    value = node[name]
    if OmegaConf.is_config(value):
        raise UserError(key, "is a reference to a part of the config", "write out what it refers to")
    with flag_override(node, ["struct", "readonly"], [False, False]):
        node[name] = value
    return value


def _check_target(key: str, target: Any) -> None:
    added = added_modules()
    is_plugin = key in ("hydra.launcher._target_", "hydra.sweeper._target_")
    if is_plugin and isinstance(target, str) and is_within(target, _PLUGINS):
        return  # Hydra itself takes those only that it has found installed
    if key.startswith("hydra.sweeper.") and isinstance(target, str) and re.fullmatch(_SAMPLER, target):
        return
    if not isinstance(target, str) or not is_within(target, added):
        raise UserError(key, f"{target!r} is not in a module that you allow", ALLOW)
    check_home(key, target, added)


def _check_swept(key: str, name: str) -> None:
    """A key that a sweeper varies becomes an override of each job: none of Hydra's own."""
    if not re.fullmatch(r"[+~]*[\w./@-]+", name) or name.lstrip("+~").startswith("hydra"):
        raise UserError(key, "cannot be swept by a config", "sweep over keys of the experiment")


def _check_logging(key: str, node: dict[str, Any]) -> None:
    """Check a logging node: formats, levels, and handlers to the terminal or to a file of the run."""
    _check_keys(key, node, {"version", "disable_existing_loggers", "incremental", "root", *_LOGGING})
    for name, item in node.items():
        if name in _LOGGING and item is not None:
            for inner, part in _as_dict(f"{key}.{name}", item).items():
                _check_logging_part(f"{key}.{name}.{inner}", part, name)
        elif name == "root" and item is not None:
            _check_logging_part(f"{key}.root", item, "loggers")
        else:
            _check_texts(f"{key}.{name}", item)


def _check_logging_part(key: str, part: Any, kind: str) -> None:
    item = dict(_as_dict(key, part))
    makers = [item.pop(name) for name in ("()", "class") if name in item]
    if any(is_within(str(maker), added_modules()) for maker in makers):
        for maker in makers:
            check_home(f"{key}.class", str(maker), added_modules())
    elif makers and (kind != "handlers" or "()" in part or makers[0] not in _HANDLERS):
        raise UserError(f"{key}.class", f"{makers[0]!r} is not in a module that you allow", ALLOW)
    else:
        _check_keys(key, item, _LOGGING[kind])
    stream, file = item.pop("stream", _STREAMS[0]), item.pop("filename", None)
    if stream not in _STREAMS:
        raise UserError(f"{key}.stream", f"{stream!r} is not one of {', '.join(_STREAMS)}")
    if file is not None and not re.fullmatch(_LOG_FILE, str(file)):
        problem = f"{file!r} is no file of the run"
        raise UserError(f"{key}.filename", problem, "write ${hydra.runtime.output_dir}/NAME.log")
    _check_texts(key, item)


def _as_dict(key: str, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise UserError(key, f"got {item!r}, expected keys and values")
    return item


def _check_keys(key: str, node: dict[str, Any], known: set[str]) -> None:
    for name in node:
        if name not in known:
            raise UserError(f"{key}.{name}", "cannot be set by a config", f"it may have {', '.join(sorted(known))}")


def _check_texts(key: str, item: Any) -> None:
    """Refuse references, which may become anything, and addresses, which `dictConfig` imports."""
    parts = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    for part in parts:
        _check_texts(key, part)
    if isinstance(item, str) and ("${" in item or re.match(r"[a-z]+://", item)):
        raise UserError(key, f"{item!r} cannot be in a logging config", "write out what it refers to")


def _check_paths(raw: dict[str, Any], typed: set[str]) -> None:
    """Refuse to write outside of the current folder, unless the user types where."""
    for key in PATHS:
        value: Any = raw
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value == "" and key in ("hydra.run.dir", "hydra.sweep.dir"):
            raise UserError(key, "is empty", "name a folder, or leave the key out")
        if key in typed or value is None or value == "???":
            continue
        if not isinstance(value, str) or not re.fullmatch(_BELOW, value):
            raise UserError(key, f"{value!r} in a config leads elsewhere", f"type {key}=… on the command line")
