"""The benchmark as a program: what it prints and writes, and that absent or broken peers do not stop the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark.py"


def benchmark(
    *arguments: str, shadow: Path | None = None, data_dir: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script, with modules in `shadow` found before installed ones."""
    environment = {name: value for name, value in os.environ.items() if name not in ("AE_JAX_DATA_DIR", "PYTHONPATH")}
    if data_dir is not None:
        environment["AE_JAX_DATA_DIR"] = str(data_dir)
    if shadow is not None:
        environment["PYTHONPATH"] = str(shadow)
    return subprocess.run([sys.executable, SCRIPT, *arguments], env=environment, capture_output=True, text=True)


def test_help_names_every_benchmark() -> None:
    finished = benchmark("--help")
    assert finished.returncode == 0
    assert all(name in finished.stdout for name in ("reference", "small", "models", "pca", "startup", "sweep"))


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["pca", "--repeats", "0"], ["pca", "--images", "1"], ["sweep", "--seeds", "0"]]
)
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_every_model_is_trained_and_without_pytorch_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('none', name='torch')")
    output = tmp_path / "numbers.json"
    finished = benchmark("models", "--images", "128", "--repeats", "1", "--output", str(output), shadow=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    table = json.loads(output.read_text())["models"]
    assert set(table["missing"].values()) == {"torch"}
    assert len(table["rows"]) == len(table["missing"]) >= 2
    # At first a pixel costs log 2, and after a few updates less.
    assert all(row["result"].startswith("loss ") for row in table["rows"])
    assert all(0 < float(row["result"].removeprefix("loss ")) < 784 for row in table["rows"])


@pytest.mark.slow
def test_dictionaries_as_one_program_end_as_one_alone(tmp_path: Path) -> None:
    output = tmp_path / "numbers.json"
    arguments = ("dictionaries", "--images", "64", "--dictionaries", "2", "--repeats", "1", "--output", str(output))
    finished = benchmark(*arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    together, alone = json.loads(output.read_text())["dictionaries"]["rows"]
    (loss, memory), (alone_loss, _) = (row["result"].split(", ") for row in (together, alone))
    assert loss == alone_loss
    assert 0 < float(memory.removesuffix(" GiB")) < 4
    assert alone["ratio"] == pytest.approx(alone["seconds"][0] / together["seconds"][0])


def test_sweep_large_needs_data_and_says_so() -> None:
    finished = benchmark("sweep_large")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() == "sweep_large: left out (AE_JAX_DATA_DIR names no folder with fashion_mnist/)"


@pytest.mark.slow
def test_all_ways_to_run_a_sweep_train_the_same_and_without_pytorch_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('none', name='torch')")
    output = tmp_path / "numbers.json"
    arguments = ("sweep", "--rates", "2", "--seeds", "1", "--epochs", "1", "--repeats", "1", "--output", str(output))
    finished = benchmark(*arguments, shadow=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "missing: PyTorch, eager, fused Adam, a process for each run needs torch: pip install" in finished.stdout
    first, *others = json.loads(output.read_text())["sweep"]["rows"]
    assert [row["name"] for row in (first, *others)] == [
        "ae_jax, 2 runs",
        "ae_jax, a process for each run",
        "ae_jax, hydra/launcher=basic",
        "ae_jax, 8 runs",
    ]
    assert [row["target"] for row in others] == [">= 8", ">= 1", "<= 3.5"]
    for row in others:
        assert row["result"] == first["result"]
        assert row["ratio"] == pytest.approx(row["seconds"][0] / first["seconds"][0])
