"""What README tells a newcomer to write works as it stands there."""

import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from ae_jax.errors import UserError
from ae_jax.experiments import config

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


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
    config.check_target("corruption._target_", "readme_fading.fading")
    fading = config.resolve("readme_fading.fading")
    assert set(config.parameters(fading)) == {"strength"}
    x = jnp.ones((3, 4))
    faded = fading(jax.random.key(0), x, strength=jnp.float32(0.5))
    assert faded.shape == x.shape
    assert ((faded >= 0.5) & (faded <= 1)).all()
    (yaml,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert "_target_: ae_jax.corruptions.fading.fading" in yaml
    with pytest.raises(UserError, match=r"corruption.strength: .*less than or equal to 1"):
        config._check_component("corruption", {"_target_": "readme_fading.fading", "strength": 2.0})


def test_every_file_that_readme_links_to_exists():
    root = Path(__file__).resolve().parents[1]
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (root / target).exists(), target
