"""Turn what Hydra and OmegaConf raise for a mistake on the command line into one line with the nearest valid name.

Hydra's exceptions are told by their names: only `compose` imports Hydra.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ae_jax.errors import UserError, nearest

# Configs of the commands that do not train, and the one group of each.
_OTHERS = {"figures": "figure", "tables": "table", "paper": "paper"}
_LIST = "list the keys with --help"

# What Hydra says -> the problem and the way out. The first group of the pattern is what the line is about.
_SEVERAL = ("has several values", "add -m to train a run with each, or write a list as {key}=[…]")
_REFUSED = (
    (r"Ambiguous value for argument '([^=']+)=", *_SEVERAL),
    (r"Sweep parameters '([^=']+)=.*' requires --multirun", *_SEVERAL),
    (r"Multiple values for ([\w/@]+)\.", "is chosen already", "leave out the +"),
    (r"The value of '([^']+)' is .* and not", "has another value than the one to be taken out", "write ~{key}"),
    (
        r"(\w+Sweeper) does not support sweep type",
        "needs every value",
        "list them: KEY=1,2,3; or add hydra/sweeper=optuna",
    ),
    (r"In '([^']+)': .*Cannot merge", "is not made of keys and values", "write each line as KEY: VALUE"),
)


def explain_composition(
    error: BaseException, config_folder: Path, config_name: str = "config", overrides: Sequence[str] = ()
) -> BaseException:
    """The `UserError` behind an exception, or the exception itself where it is a bug.

    Args:
        error: What composing, resolving or running raised.
        config_folder: Where the groups and their options are.
        config_name: The config that was composed.
        overrides: What was typed.
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
        return _missing_option(error)
    if raised and (known := _known_refusal(error, message)):
        return known
    if "ConfigCompositionException" in raised:
        return _unknown_key(message, _known_keys(config_folder, config_name), error.__cause__, overrides)
    refused = re.search(r"Error in call to target .*?: ValueError\((['\"])(.*)\1\) full_key: (\S+)", message)
    if refused:
        return UserError(refused.group(3), refused.group(2), "change it, or leave it out")
    if raised:
        return UserError("command", message, _LIST)
    place = re.search(r"full_key: (\S+) .*object_type=", message)  # which OmegaConf adds to what Python raises
    if isinstance(error, OmegaConfBaseException) or place:
        key = getattr(error, "full_key", None) or (place[1] if place else "config")
        if "Missing mandatory value" in message:
            return UserError(key, "has no value", f"give {key}=…")
        return UserError(key, str(error).splitlines()[0], f"give another {key}=…")
    if isinstance(error, OSError) and error.filename:
        keys = "hydra.run.dir=… (of a sweep: hydra.sweep.dir=…)"
        return UserError(error.filename, str(error.strerror), f"choose another folder with {keys}")
    return error


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _known_refusal(error: BaseException, message: str) -> UserError | None:
    """The mistake, where what Hydra says is known; its own advice is not of this command line."""
    for pattern, problem, remedy in _REFUSED:
        if found := re.search(pattern, message):
            return UserError(found[1], problem, remedy.format(key=found[1]))
    merging = re.search(r"Error merging override \+*([^=]+)=", message)
    if merging is None:
        return None
    why = str(error.__cause__ or message).splitlines()[0]
    return UserError(merging[1], f"cannot be set ({why})", "give a value of its type, or leave it out")


def _missing_option(error: BaseException) -> UserError:
    missing = getattr(error, "missing_cfg_file", None)
    group, _, option = str(missing or "").rpartition("/")
    if not missing:
        return UserError("--config-path", "is no folder with configs", "add one of yours with --config-dir instead")
    if not group:
        remedy = "leave out --config-name; an experiment of yours is chosen with --config-dir FOLDER experiment=NAME"
        return UserError(option, "is not a config here", remedy)
    options = getattr(error, "options", None) or []
    return UserError(
        f"{group}={option}", f"there is no such option of {group}", nearest(option, options) or "list them with --help"
    )


def _unknown_key(
    message: str, known: dict[str, list[str]], cause: BaseException | None, overrides: Sequence[str]
) -> UserError:
    present = re.search(r"already at '([^']+)'", message)
    if present:
        return UserError(present.group(1), "is in the config already", "leave out the +")
    override = re.search(r"'([^']+)' does not exist", message) or re.search(
        r"Could not (?:override|append to|append|delete(?: from config\. The value of)?)\s*'?([^\s'=]+)", message
    )
    if not override:
        return UserError("command", message, _LIST)
    key = override.group(1).rstrip(".")
    inner = str(getattr(cause, "full_key", None))  # of a key within the value, as in model={a:1}
    key = inner if inner.startswith(f"{key}.") else key
    if key in known and "Could not delete" in message:
        return UserError(key, "cannot be taken out of the config", f"give it a value: {key}=…")
    for script, group in _OTHERS.items():
        if key == group and group not in known:
            return UserError(
                key, f"is a group of scripts/{script}.py", f"run it there: python scripts/{script}.py {key}=…"
            )
    if known.get(key) == []:
        return UserError(key, "is a group that the default config has no option of", f"write +{key}=…")
    if key in known:
        remedy = f"it is one of {' and '.join(known[key])}"
        group = key.partition(".")[0]
        if any(re.match(rf"{group}=.*,", override) for override in overrides):
            remedy += f"; sweep over each {group} by itself, with its own keys, and give both commands one name=…"
        return UserError(key, "is not a key of the chosen options", remedy)
    parent, (place, _, last) = getattr(cause, "parent_node", None), key.rpartition(".")
    if place and isinstance(parent, DictConfig) and parent._get_full_key(None) == place:
        return UserError(key, "is not a key or group of the config", _nearest_beside(place, last, parent))
    remedy = nearest(key, known)
    remedy = remedy if remedy.startswith("did you mean") else _LIST
    return UserError(key, "is not a key or group of the config", remedy)


def _nearest_beside(place: str, name: str, parent: DictConfig) -> str:
    """A remedy that names keys which the chosen option has: what they are called decides, not where they are."""
    names = [str(one) for one in parent if one != "_target_"]
    close = [one for one in names if nearest(name, [one]).startswith("did")]
    return nearest(f"{place}.{name}", [f"{place}.{one}" for one in close]) if close else _valid(place, names)


def _valid(place: str, names: list[str]) -> str:
    return "valid: " + ", ".join(f"{place}.{name}" for name in sorted(names)) if names else _LIST


def _known_keys(config_folder: Path, config_name: str) -> dict[str, list[str]]:
    """Groups, and the dotted keys of every option of every group; with the options that have them."""
    from omegaconf import OmegaConf

    from ae_jax.config.naming import flatten

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
