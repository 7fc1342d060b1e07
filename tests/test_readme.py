"""What README tells a newcomer to write works as it stands there."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from ae_jax.errors import UserError
from ae_jax.experiments import config, targets

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
UNTRACKED = {**os.environ, "WANDB_MODE": "disabled"}


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
        config._check_component("corruption", {"_target_": "readme_fading.fading", "strength": 2.0})


def test_every_file_that_readme_links_to_exists():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.slow
def test_the_sweep_in_readme_is_what_the_main_job_prints(tmp_path):
    """Within 5 %: on another processor rounding differs, and training amplifies it."""
    command = [sys.executable, str(ROOT / "scripts" / "paper.py")]
    done = subprocess.run(command, cwd=tmp_path, env=UNTRACKED, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    promised, measured = _best(README), _best(done.stdout)
    assert [size for size, *_ in measured] == [size for size, *_ in promised] == [1, 2, 4, 8, 16, 32]
    for (size, ours, pca), (_, ours_now, pca_now) in zip(promised, measured, strict=True):
        assert (ours_now, pca_now) == (pytest.approx(ours, rel=0.05), pytest.approx(pca, rel=1e-4)), size
        assert ours_now < pca_now
    paper = tmp_path / "outputs" / "paper" / "ae_vs_pca"
    assert {path.suffix for path in paper.rglob("*") if path.is_file()} == {
        ".pdf", ".svg", ".png", ".tex", ".csv", ".md", ".json"
    }  # fmt: skip
    with (paper / "tables" / "comparison.csv").open(newline="") as file:
        linear = [row for row in csv.DictReader(file) if row["model"] == "linear"]
    # What the paper claims: a linear autoencoder lands on PCA.
    assert [float(row["sse_ratio_mean"]) for row in linear] == pytest.approx([1] * 6, abs=0.02)


@pytest.mark.slow
def test_the_table_in_readme_is_what_one_run_prints(tmp_path):
    """Within 5 %: on another processor rounding differs, and training amplifies it."""
    command = [sys.executable, str(ROOT / "scripts" / "train.py"), "tracking.mode=disabled"]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    promised, measured = _table(README), _table(printed)
    assert promised.keys() == measured.keys() == {
        "sse, per example", "mse, per feature", "explained variance", "psnr, dB", "bce, nats"
    }  # fmt: skip
    for name, (ours, pca) in promised.items():
        assert measured[name] == (pytest.approx(ours, rel=0.05), pytest.approx(pca, rel=1e-4)), name


def _table(text: str) -> dict[str, tuple[float, float]]:
    rows = re.findall(r"^│ ([a-z, ]+[a-zB]) +│ +([0-9.]+) │ +([0-9.]+) │", text, re.MULTILINE)
    return {name.strip(): (float(ours), float(pca)) for name, ours, pca in rows}


def _best(text: str) -> list[tuple[int, float, float]]:
    """Latent size, test sse and PCA's, of the best configurations of a report."""
    rows = re.findall(
        r"^│ model=dense +│ +(\d+) │ +3 │ +[0-9.]+ │ +([0-9.]+) \[.*?\] │ +([0-9.]+) │", text, re.MULTILINE
    )
    return [(int(size), float(ours), float(pca)) for size, ours, pca in rows]
