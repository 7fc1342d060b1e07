"""Turn what Hydra and OmegaConf raise for a mistake on the command line into one line with the nearest valid name.

Hydra's exceptions are told by their names: only `cli` imports Hydra.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from ae_jax.errors import UserError, nearest

# Configs of the commands that do not train, and the one group of each.
_OTHERS = {"figures": "figure", "tables": "table", "paper": "paper"}


def explain_composition(error: BaseException, config_folder: Path, config_name: str = "config") -> BaseException:
    """The `UserError` behind an exception, or the exception itself where it is a bug.

    Args:
        error: What composing, resolving or running raised.
        config_folder: Where the groups and their options are.
        config_name: The config that was composed.
    """
    for cause in _causes(error):
        if isinstance(cause, UserError):
            return cause
    message = " ".join(str(error).split())
    raised = {kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "hydra.errors"}
    if "OverrideParseException" in raised:
        remedy = "write KEY=VALUE or GROUP=OPTION, and quote lists: 'model.hidden_sizes=[64,32]'"
        return UserError(getattr(error, "override", "command"), "is not an override", remedy)
    if "MissingConfigException" in raised:
        return _missing_option(error, message)
    if "ConfigCompositionException" in raised:
        return _unknown_key(message, _known_keys(config_folder, config_name))
    refused = re.search(r"Error in call to target .*?: ValueError\((['\"])(.*)\1\) full_key: (\S+)", message)
    if refused:
        return UserError(refused.group(3), refused.group(2))
    if raised:
        return UserError("command", message)
    if isinstance(error, OmegaConfBaseException):
        key = error.full_key or "config"
        if "Missing mandatory value" in message:
            return UserError(key, "has no value", f"give {key}=…")
        return UserError(key, str(error).splitlines()[0])
    if isinstance(error, OSError) and error.filename:
        return UserError(error.filename, str(error.strerror), "choose another folder with hydra.run.dir=…")
    return error


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _missing_option(error: BaseException, message: str) -> UserError:
    group, _, option = str(getattr(error, "missing_cfg_file", "")).rpartition("/")
    if not group:
        return UserError(option, f"is not a config here ({message})")
    return UserError(
        f"{group}={option}",
        f"there is no such option of {group}",
        nearest(option, getattr(error, "options", None) or []),
    )


def _unknown_key(message: str, known: dict[str, list[str]]) -> UserError:
    present = re.search(r"already at '([^']+)'", message)
    if present:
        return UserError(present.group(1), "is in the config already", "leave out the +")
    override = re.search(r"'([^']+)' does not exist", message) or re.search(
        r"Could not (?:override|append to|append|delete(?: from config\. The value of)?)\s*'?([^\s'=]+)", message
    )
    if not override:
        return UserError("command", message)
    key = override.group(1).rstrip(".")
    for script, group in _OTHERS.items():
        if key == group and group not in known:
            return UserError(
                key, f"is a group of scripts/{script}.py", f"run it there: python scripts/{script}.py {key}=…"
            )
    if known.get(key) == []:
        return UserError(key, "is a group that the default config has no option of", f"write +{key}=…")
    if key in known:
        return UserError(key, "is not a key of the chosen options", f"it is one of {' and '.join(known[key])}")
    remedy = nearest(key, known)
    remedy = remedy if remedy.startswith("did you mean") else "list the keys with --help"
    return UserError(key, "is not a key or group of the config", remedy)


def _known_keys(config_folder: Path, config_name: str) -> dict[str, list[str]]:
    """Groups, and the dotted keys of every option of every group; with the options that have them."""
    from omegaconf import OmegaConf

    from ae_jax.experiments.naming import flatten

    known: dict[str, list[str]] = {}
    for path in sorted(config_folder.rglob("*.yaml")):
        group = path.relative_to(config_folder).parent.as_posix()
        if not _belongs(group, path.stem, config_name):
            continue
        content: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        prefix = "" if group == "." else group.replace("/", ".") + "."
        if prefix:
            known.setdefault(group, [])
        for key, _ in flatten({name: item for name, item in content.items() if name not in ("defaults", "hydra")}):
            known.setdefault(f"{prefix}{key}", []).append(f"{group}={path.stem}" if prefix else path.name)
    return known


def _belongs(group: str, option: str, config_name: str) -> bool:
    """Whether an option of a group (`.`: a config at the top) has keys of that config."""
    first = group.split("/")[0]
    if group == ".":
        return option == config_name
    if config_name in _OTHERS:
        return first == _OTHERS[config_name]
    return first not in ("experiment", "debug", "hydra", *_OTHERS.values())
