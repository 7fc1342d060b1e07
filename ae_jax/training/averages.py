"""The parameters that a run is measured by, where its optimizer descends others than it arrives at.

Schedule-free methods take gradients at a point between their last one and the average of all, and it is the average
that is their result (`optax.contrib.schedule_free_eval_params`). It is found in the optimizer's state, whatever that
is wrapped in.
"""

from typing import Any

import jax
import optax.contrib
from jaxtyping import PyTree

from ae_jax.errors import UserError


def averaged(opt_state: PyTree, params: PyTree) -> PyTree:
    """The average, where the optimizer keeps one, else the parameters themselves.

    Args:
        opt_state: State of the optimizer.
        params: What it descends.

    Raises:
        UserError: If it keeps several, or one of a part of the parameters alone.
    """
    states = [node for node in jax.tree.leaves(opt_state, is_leaf=_is_free) if _is_free(node)]
    if not states:
        return params
    trees = {jax.tree.structure(item) for item in (states[0].z, params)}
    if len(states) > 1 or len(trees) > 1:
        problem = "averages parts of the parameters, each by itself"
        raise UserError("optimizer", problem, "make all of it schedule-free, or nothing")
    return optax.contrib.schedule_free_eval_params(states[0], params)


def _is_free(node: Any) -> bool:
    return isinstance(node, optax.contrib.ScheduleFreeState)
