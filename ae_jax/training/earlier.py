"""What checkpoints of the earlier schemas hold: parameters of a model alone, and nothing that is carried beside them.

Schema 1 had no digests. Until schema 2 `params`, wherever it stands, was what `Parameters.model` is, and the best epoch
was that of the lowest validation loss.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

from ae_jax.training.state import Parameters

SINCE = 3
"""The first schema that has parameters and state of model and bottleneck."""
_NEW = ("carried", "monitored")


def as_earlier(item: PyTree) -> PyTree:
    """Shapes and types of an item of a checkpoint, as the earlier schemas had it.

    Raises:
        ValueError: If those could not hold it.
    """
    if isinstance(item, Parameters):
        if jax.tree.leaves(item.bottleneck):
            raise ValueError("it has no parameters of a bottleneck")
        return item.model
    if not isinstance(item, dict):
        return jax.tree.map(as_earlier, item, is_leaf=_is_parameters) if _holds_parameters(item) else item
    if jax.tree.leaves(item.get("carried")):
        raise ValueError("it has no state beside parameters")
    return {name: as_earlier(part) for name, part in item.items() if name not in _NEW}


def from_earlier(item: PyTree, abstract: PyTree) -> PyTree:
    """An item that was loaded as `as_earlier` has it, as it is now.

    Args:
        item: What was loaded.
        abstract: Shapes and types as they are now.
    """
    if not isinstance(abstract, dict):
        return jax.tree.unflatten(jax.tree.structure(abstract), jax.tree.leaves(item))
    parts = {name: from_earlier(item[name], part) for name, part in abstract.items() if name not in _NEW}
    if "monitored" in abstract:
        parts["monitored"] = jnp.array(parts["validation_loss"])
    return {name: parts.get(name, part) for name, part in abstract.items()}


def _holds_parameters(item: Any) -> bool:
    return any(map(_is_parameters, jax.tree.leaves(item, is_leaf=_is_parameters)))


def _is_parameters(item: Any) -> bool:
    return isinstance(item, Parameters)
