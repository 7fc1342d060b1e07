"""The wheel carries the configs, and works from any folder."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_the_wheel_has_every_config(installed):
    in_checkout = {path.relative_to(ROOT / "conf") for path in (ROOT / "conf").rglob("*.yaml")}
    in_wheel = {path.relative_to(installed / "ae_jax" / "conf") for path in installed.rglob("*.yaml")}
    assert in_wheel == in_checkout


@pytest.mark.slow
def test_the_console_command_trains_from_the_wheel(installed, tmp_path):
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    entries = entry.read_text()
    # Whatever a checkout has in scripts/ for its user, the wheel has as a command.
    for script in (ROOT / "scripts").glob("*.py"):
        main = re.search(r"^from ae_jax.commands.start import (\w+)$", script.read_text(), re.MULTILINE)
        assert main is None or f"ae-{script.stem} = ae_jax.commands.start:{main[1]}" in entries
    assert entries.count("ae_jax.commands.start:") == 6
    code = "import ae_jax, sys; print(ae_jax.__file__); from ae_jax.commands.train import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = subprocess.run(
        [sys.executable, "-c", code, "experiment=smoke", "tracking.mode=disabled"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(installed))
    assert list(tmp_path.glob("outputs/smoke/*/summary.json"))
    code = code.replace("ae_jax.__file__", "__import__('hydra_plugins.ae_jax_launcher.launcher').__path__[0]")
    sweep = subprocess.run(
        [sys.executable, "-c", code, "-m", "experiment=smoke", "tracking.mode=disabled", "seed=0,1,2"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert sweep.returncode == 0, sweep.stderr
    assert sweep.stdout.startswith(str(installed))
    assert "sweep of 3 runs in 1 program" in sweep.stdout
    assert len(list(tmp_path.glob("outputs/smoke/*/summary.json"))) == 3
