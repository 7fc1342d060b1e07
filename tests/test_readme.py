"""The recipe that README has for a new component works as it stands there; tests/docs has all that is typed."""

import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from ae_jax.config import check, targets
from ae_jax.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """The corruption of "How to add a thing", as a module that can be imported."""
    (code,) = re.findall(r"```python\n# ae_jax/corruptions/fading.py\n(.*?)```", README, re.DOTALL)
    (tmp_path / "readme_fading.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("readme_fading", None)


def test_the_recipe_for_a_corruption_works(recipe, monkeypatch):
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "readme_fading")
    targets.check_target("corruption._target_", "readme_fading.fading")
    fading = targets.resolve("readme_fading.fading")
    assert set(targets.parameters(fading)) == {"strength"}
    x = jnp.ones((3, 4))
    faded = fading(jax.random.key(0), x, strength=jnp.float32(0.5))
    assert faded.shape == x.shape
    assert ((faded >= 0.5) & (faded <= 1)).all()
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert "_target_: ae_jax.corruptions.fading.fading" in yaml
    with pytest.raises(UserError, match=r"corruption.strength: .*less than or equal to 1"):
        check._check_component("corruption", {"_target_": "readme_fading.fading", "strength": 2.0})
