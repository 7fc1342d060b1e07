"""A config that was changed anywhere is checked, or refused in one line; what is checked stays as it is."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ae_jax.config import check, naming
from ae_jax.config import compose as composition
from ae_jax.errors import UserError
from tests.safety.conftest import thorough

OPTAX = ("~optimizer", "+optimizer={_target_:optax.adabelief,learning_rate:0.01}")
OVERRIDES = (
    (),
    ("corruption=masking", "loss=huber", "optimizer/schedule=warmup_cosine"),
    ("dataset=array", "dataset.path=x.npy", "model=linear", "optimizer=momentum"),
    OPTAX,
)
TARGETS = (
    *("ae_jax.models.dense.DenseAutoencoder", "ae_jax.optimizers.schedules.constant", "ae_jax.losses.mse.mse"),
    *("optax.chain", "optax.masked", "optax.lbfgs", "flax.nnx.Linear", "jax.nn.relu", "jax.nn.initializers.he_normal"),
    *("os.system", "ae_jax.", "optax..adam", "optax.é", "\ud800.x", "a.\0"),
)
TEXTS = st.sampled_from(["", "a/b", "..", "_target_", "${x}", "\0", "\ud800", *TARGETS]) | st.text(max_size=5)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([2**63, 10**299]) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | st.builds(lambda target, rest: {**rest, "_target_": target}, st.sampled_from(TARGETS), st.just({}))
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def valid() -> list[dict[str, Any]]:
    return [composition.checked(composition.compose(["tracking.mode=disabled", *given])) for given in OVERRIDES]


def places(node: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*prefix, key)
        yield from places(node[key], (*prefix, key))


@pytest.mark.slow
@thorough(150)
@given(which=st.integers(0, 3), at=st.integers(0, 1000), key=st.none() | TEXTS, value=ODD)
@example(which=0, at=0, key=None, value="a\0b")
@example(which=0, at=0, key=None, value="\ud800")  # cannot name a folder, and was not refused
def test_a_changed_config_is_checked_or_refused(valid, which, at, key, value):
    given = copy.deepcopy(valid[which])
    found = list(places(given))
    *parents, last = found[at % len(found)]
    node = given
    for name in parents:
        node = node[name]
    node[last if key is None or isinstance(node, list) else key] = value
    try:
        checked = check.validate(given)
    except UserError:
        return
    assert json.dumps(check.validate(checked)) == json.dumps(checked)
    naming.run_name(checked).encode()
    checked["name"].encode()
