"""The benchmark as a program: what it prints and writes, and that absent or broken peers do not stop the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark.py"


def benchmark(*arguments: str, shadow: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the script, with modules in `shadow` found before installed ones."""
    environment = {name: value for name, value in os.environ.items() if name not in ("AE_JAX_DATA_DIR", "PYTHONPATH")}
    if shadow is not None:
        environment["PYTHONPATH"] = str(shadow)
    return subprocess.run([sys.executable, SCRIPT, *arguments], env=environment, capture_output=True, text=True)


def test_help_names_every_benchmark() -> None:
    finished = benchmark("--help")
    assert finished.returncode == 0
    assert all(name in finished.stdout for name in ("reference", "small", "pca", "startup"))


@pytest.mark.parametrize("arguments", [["nonsense"], ["pca", "--repeats", "0"], ["pca", "--images", "1"]])
def test_a_wrong_argument_ends_in_one_line(arguments: list[str]) -> None:
    finished = benchmark(*arguments)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr


@pytest.mark.slow
def test_pca_is_compared_and_written_as_json(tmp_path: Path) -> None:
    output = tmp_path / "numbers.json"
    finished = benchmark("pca", "--images", "512", "--repeats", "2", "--output", str(output))
    assert finished.returncode == 0, finished.stderr
    assert "noise" in finished.stdout  # no data were offered, and it says so
    ours, float64, _ = json.loads(output.read_text())["pca"]["rows"]
    assert len(ours["seconds"]) == len(float64["seconds"]) == 2
    assert ours["result"] == float64["result"]  # both fitted the same
    assert float64["direction"] == "here / this"
    assert float64["reached"] == (float64["ratio"] <= 1)


def test_a_broken_contender_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "sklearn.py").write_text("raise RuntimeError('out of order')")
    finished = benchmark("pca", "--images", "512", "--repeats", "1", shadow=tmp_path)
    assert finished.returncode == 1
    assert "broken: covariance_eigh, float64: RuntimeError: out of order" in finished.stdout
    assert "first variance" in finished.stdout


@pytest.mark.slow
def test_missing_peers_are_named_with_the_command_that_installs_them(tmp_path: Path) -> None:
    for package in ("keras", "torch"):
        (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('none', name='{package}')")
    output = tmp_path / "numbers.json"
    arguments = ("reference", "--images", "512", "--repeats", "1", "--output", str(output))
    finished = benchmark(*arguments, shadow=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("pip install -e '.[benchmark]'") == 4
    table = json.loads(output.read_text())["reference"]
    assert set(table["missing"].values()) == {"keras", "torch"}
    assert [row["name"] for row in table["rows"]] == ["ae_jax", "matrix products, xla", "matrix products, numpy"]
    assert table["rows"][0]["result"].startswith("BCE ")
    assert sum(bool(row["target"]) for row in table["rows"]) == 1  # the fastest matrix products
