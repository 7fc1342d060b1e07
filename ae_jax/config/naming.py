"""What a run is called, and which runs belong together: both follow from what was asked, not from the clock."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

UNNAMED = ("name", "resume", "tags", "notes", "tracking", "runtime", "trainer.data_parallel", "evaluations")
"""Keys of a config that cannot change a result beyond rounding, and so enter neither a run's name nor a comparison."""

CAME_LATER: dict[str, Any] = {
    "trainer.matmul_precision": "float32",
    "trainer.monitor": "objective",
    "bottleneck": {"_target_": "ae_jax.bottlenecks.none.none"},
    "objective": {"_target_": "ae_jax.objectives.rate_distortion.rate_distortion", "beta": 1.0},
    "evaluations": {"reconstruction": {"_target_": "ae_jax.evaluations.reconstruction.reconstruction"}},
}
"""Options and groups that the first runs did not record, and what those did. Of such, a run is named without them."""

OPTIONS_CAME_LATER: dict[str, dict[str, Any]] = {
    **{
        f"ae_jax.datasets.{name}.{name}": {"binarisation": "none"}
        for name in ("array", "digits", "fashion_mnist", "mnist")
    },
    "ae_jax.models.conv.ConvAutoencoder": {"tied_weights": False},
    "ae_jax.models.dense.DenseAutoencoder": {"normalization": "none", "dropout_rate": 0.0},
    "ae_jax.bottlenecks.gaussian.gaussian": {"free_bits": 0.0},
    "ae_jax.bottlenecks.l1.l1": {"count_idle": False},
    "ae_jax.bottlenecks.top_k.top_k": {"count_idle": False},
    "ae_jax.bottlenecks.vq.vq": {"codebook_update": "moving_averages", "expiry": 0.0},
    "ae_jax.objectives.contractive.contractive": {"estimate": "exact"},
}
"""The same of the options of components, by their target."""

RENAMED = {"ae_jax.experiments.tracking.TrackingOptions": "ae_jax.tracking.wandb_run.TrackingOptions"}
"""Targets that were elsewhere when the first runs recorded them, and where they are; none enters a name or hash."""

# Components that a run's name says where they are others.
_USUAL = {"corruption": "none", "bottleneck": "none", "objective": "rate_distortion"}
# A debugging run gets a folder of its own.
_DEBUGGING = ("debug_nans", "profile")
# Of the readable part of a name: file systems allow 255, and files beside a folder have endings.
_MOST_BYTES = 200
# What runs of one program may differ in beside their values: nothing of it is compiled in.
_FREE = ("name", "resume", "seed", "tags", "notes", "tracking", "evaluations")


def config_hash(config: dict[str, Any]) -> str:
    """Eight hexadecimal digits of what was asked: equal exactly when nothing that can change a result differs."""
    options = {key: done for key, done in options_came_later(config).items() if _at(config, key) == done}
    bare = _without(config, (*UNNAMED, *options))
    asked = _without(bare, tuple(key for key, done in CAME_LATER.items() if _at(bare, key) == done))
    asked |= {name: True for name in _DEBUGGING if config["runtime"][name]}
    return hashlib.sha256(_text(asked).encode()).hexdigest()[:8]


def options_came_later(config: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys of `OPTIONS_CAME_LATER` that the components of a config have, and what runs did without them."""
    return {
        f"{group}.{name}": done
        for group, node in config.items()
        if isinstance(node, dict)
        for name, done in OPTIONS_CAME_LATER.get(str(node.get("_target_")), {}).items()
    }


def run_name(config: dict[str, Any]) -> str:
    """A readable name for a checked config, ending in its hash."""

    def short(group: str) -> str:
        return short_target(config[group]["_target_"])

    parts = [short("dataset"), f"{short('model')}{config['model'].get('latent_size', '')}"]
    parts += [short(group) for group, usual in _USUAL.items() if short(group) != usual]
    parts += [short("loss"), short("optimizer"), f"seed{config['seed']}"]
    readable = "-".join(parts).encode()[:_MOST_BYTES].decode(errors="ignore")
    return f"{readable}-{config_hash(config)}"


def short_target(target: str) -> str:
    """The name of a component from its `_target_`: `dense` of `ae_jax.models.dense.DenseAutoencoder`."""
    return str(target).rpartition(".")[2].removesuffix("Autoencoder").lower()


def structure_of(config: dict[str, Any]) -> dict[str, Any]:
    """What is compiled in, and the names of the values: two runs share a program exactly when it is equal for both."""
    # Not above: who only reads run folders, which takes this module, has no need of all that checks.
    from ae_jax.config.check import VALUE_GROUPS, split_values

    structure = _without(config, _FREE)
    for group in VALUE_GROUPS:
        fixed, values = split_values(group, config[group])
        structure[group] = {**fixed, "values": [key for key, _ in flatten(values)]}
    return structure


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Dotted keys whose values differ between two configs."""
    flat_old, flat_new = dict(flatten(old)), dict(flatten(new))
    keys = {**flat_old, **flat_new}
    missing = object()
    return [key for key in keys if flat_old.get(key, missing) != flat_new.get(key, missing)]


def asked_differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Dotted keys of what can change a result, where two configs differ in it."""
    return differences(_without(old, UNNAMED), _without(new, UNNAMED))


def flatten(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and leaves of a nested config."""
    for name, item in config.items():
        if isinstance(item, dict):
            yield from flatten(item, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", item


def _at(config: dict[str, Any], key: str) -> Any:
    """What is at a key, which may be dotted, of a group that is there; None where nothing is."""
    group, _, name = key.partition(".")
    return config.get(group, {}).get(name) if name else config.get(group)


def _without(config: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """A copy without some keys, which may be dotted."""
    kept = {name: item for name, item in config.items() if name not in keys}
    for group, _, name in (key.partition(".") for key in keys if "." in key):
        kept[group] = {key: item for key, item in kept[group].items() if key != name}
    return kept


def _text(config: dict[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)
