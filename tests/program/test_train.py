"""The whole program: one command trains, leaves a run folder, and answers when it is asked again."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

SMALL = ("experiment=smoke", "tracking.mode=disabled", "runtime.print_config=false")
# Long enough to be interrupted; with a checkpoint after every epoch.
LONG = (*SMALL, "hydra.run.dir=run", "trainer.num_epochs=60", "runtime.checkpoint_seconds=0")


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.slow
def test_smoke_from_the_command_to_the_run_folder(run, tmp_path):
    done = run("train", "experiment=smoke", "tracking.mode=offline")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    (folder,) = (tmp_path / "outputs" / "smoke").iterdir()
    assert f"run folder: outputs/smoke/{folder.name}\n" in done.stdout
    assert folder.name.startswith("digits-dense8-mse-adam-seed0-")
    content = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert content.keys() == {"config.json", "status.json", "environment.json", "inputs.json", "summary.json"}
    assert content["status.json"]["state"] == "completed"
    assert folder.name.endswith(content["status.json"]["config_hash"])
    assert f"{content['summary.json']['test']['sse']:.5g}" in done.stdout
    metrics = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [record["epoch"] for record in metrics] == [1, 2, 3]
    assert {path.name for path in (folder / "figures").iterdir()} == {
        "learning_curve.png",
        "pca_curve.png",
        "reconstructions.png",
    }
    with np.load(folder / "pca.npz") as pca:
        assert pca["mean"].shape == (64,)
    assert [path.name for path in (folder / "checkpoint").iterdir() if path.name.isdigit()] == ["3"]
    assert yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text()) == [
        "experiment=smoke",
        "tracking.mode=offline",
    ]
    assert list((folder / "wandb").glob("offline-run-*/*.wandb"))
    assert "compiled in" in (folder / "run.log").read_text()

    before = _files(tmp_path)
    again = run("train", "experiment=smoke", "tracking.mode=offline")
    assert (again.returncode, again.stderr) == (0, "")
    assert "This run was trained before. To train it anew, delete its folder." in again.stdout
    assert again.stdout.splitlines()[-2] == f"run folder: outputs/smoke/{folder.name}"
    assert _files(tmp_path) == before


def test_cfg_prints_the_composed_config_and_trains_nothing(run, tmp_path):
    done = run("train", "experiment=smoke", "seed=7", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    composed = yaml.safe_load(done.stdout)
    assert composed["seed"] == 7
    assert composed["model"]["_target_"] == "ae_jax.models.dense.DenseAutoencoder"
    assert list(tmp_path.iterdir()) == []


def test_help_lists_groups_options_and_keys_without_importing_jax(environment, arguments, tmp_path):
    line = arguments("train", "--help")
    line[1:1] = ["-X", "importtime"]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)
    for words in (
        "dataset: array, digits, fashion_mnist, mnist",
        "model: conv, dense, dictionary, linear, resnet_mlp",
        "optimizer/schedule: constant",
    ):
        assert words in done.stdout
    for words in ("latent_size: 16", "learning_rate: 0.001", "Exit codes: 0 completed", "--cfg job"):
        assert words in done.stdout
    imported = {row.split("|")[-1].strip().split(".")[0] for row in done.stderr.splitlines() if "|" in row}
    assert "hydra" in imported
    assert imported.isdisjoint({"jax", "flax", "orbax", "wandb", "matplotlib", "sklearn"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_mistake_is_one_line_and_leaves_nothing(run, tmp_path):
    done = run("train", "model.latent_sizes=8")
    assert done.returncode == 2
    assert "did you mean 'model.latent_size'" in _one_line(done.stderr)
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["tpu", "gpu", "cuda"])
def test_platform_that_is_not_there(platform, run):
    import jax

    if platform != "tpu" and jax.default_backend() != "cpu":
        pytest.skip("this machine has it")
    done = run("train", *SMALL, f"runtime.platform={platform}")
    assert done.returncode == 2
    assert f"runtime.platform: {platform} cannot be used" in _one_line(done.stderr)


@pytest.mark.slow
def test_platform_of_the_environment_that_is_not_there(run):
    done = run("train", *SMALL, JAX_PLATFORMS="tpu")
    assert done.returncode == 2
    assert "tpu cannot be used" in _one_line(done.stderr)


@pytest.mark.slow
def test_diverged_run_has_its_exit_code_each_time(run, tmp_path):
    given = (*SMALL, "optimizer=sgd", "optimizer.learning_rate=1e30", "hydra.run.dir=run")
    for times in range(2):
        done = run("train", *given)
        assert done.returncode == 3, done.stderr
        assert "diverged" in done.stdout
        assert ("trained before" in done.stdout) == (times == 1)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "diverged"


@pytest.mark.slow
def test_debug_nans_says_which_operation_made_the_first(run, tmp_path):
    done = run("train", *SMALL, "debug=nans", "optimizer=sgd", "optimizer.learning_rate=1e30", "hydra.run.dir=run")
    assert done.returncode == 3
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["state"] == "diverged"
    assert status["diverged_epoch"] == 1
    assert "nan generated by primitive" in status["error"]
    assert "dense.py:" in status["error"]  # the place
    assert status["error"] in done.stdout
    assert [path.name for path in (tmp_path / "run" / "checkpoint").glob("[0-9]*")] == ["0"]


@pytest.fixture(scope="module")
def undisturbed(environment, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    script = Path(__file__).parents[2] / "scripts" / "train.py"
    line = [sys.executable, str(script), *LONG]
    subprocess.run(line, cwd=folder, env=environment, capture_output=True, check=True, timeout=240)
    return folder / "run"


@pytest.mark.slow
def test_multirun_leaves_a_folder_for_each_value_and_goes_on_after_a_mistake(run, tmp_path):
    done = run("train", "-m", *SMALL, "seed=0,1", "model.latent_size=8,65")
    assert done.returncode == 2
    sweep = tmp_path / "outputs" / "smoke"
    states = {path.parent.name[:-9]: json.loads(path.read_text())["state"] for path in sweep.glob("*/status.json")}
    assert states == {f"digits-dense8-mse-adam-seed{seed}": "completed" for seed in (0, 1)}
    assert json.loads((sweep / "sweep.json").read_text())["counts"] == {"completed": 2, "failed": 2}
    lines = done.stdout.splitlines()
    reason = lines.index(next(line for line in lines if line.startswith("failed: model.latent_size: 65 is larger")))
    assert lines[reason + 1 : reason + 3] == [f"  seed={seed} model.latent_size=65" for seed in (0, 1)]
    alone = run("train", *SMALL, "seed=1")
    assert alone.returncode == 0
    assert "trained before" in alone.stdout  # the same name and folder, whoever trained it


@pytest.mark.slow
def test_evaluate_agrees_with_training(run, undisturbed):
    done = run("evaluate", str(undisturbed), "--json", "measured.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "equal to summary.json" in done.stdout


@pytest.mark.slow
def test_damaged_checkpoint_is_one_line_without_the_noise_of_libraries(run, undisturbed, tmp_path):
    folder = shutil.copytree(undisturbed, tmp_path / "copy")
    for path in (folder / "checkpoint").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = run("evaluate", str(folder))
    assert done.returncode == 2
    assert "checkpoint: no checkpoint can be read" in _one_line(done.stderr)


@pytest.mark.slow
def test_secret_of_the_env_file_is_used_and_written_nowhere(run, tmp_path):
    secret = "5e" * 20  # as long as a key of W&B
    (tmp_path / ".env").write_text(f"WANDB_API_KEY={secret}\nWANDB_PROJECT=from-the-file\n")
    done = run("train", "experiment=smoke", "hydra.run.dir=run", "trainer.num_epochs=1")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "run"
    assert json.loads((folder / "config.json").read_text())["tracking"]["project"] == "from-the-file"
    holders = [name for name, content in _files(folder).items() if secret.encode() in content]
    assert holders == []
    assert secret not in done.stdout + done.stderr


@pytest.mark.slow
def test_wandb_mode_of_the_environment_is_honoured(run, tmp_path):
    done = run("train", "experiment=smoke", "hydra.run.dir=run", "trainer.num_epochs=1", WANDB_MODE="disabled")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run" / "wandb").exists()


def _on_a_terminal(line: list[str], cwd: Path, environment: dict[str, str]) -> str:
    """What a command writes to a terminal of its own."""
    controller, terminal = pty.openpty()
    with subprocess.Popen(line, cwd=cwd, env=environment, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        written = b""
        try:
            while chunk := os.read(controller, 1 << 16):
                written += chunk
        except OSError:  # how Linux says that the other side is closed
            pass
    os.close(controller)
    assert process.returncode == 0, written
    return written.decode()


@pytest.mark.slow
def test_colours_on_a_terminal_and_none_with_no_color(environment, arguments, tmp_path):
    line = arguments("train", "experiment=smoke", "tracking.mode=disabled", "hydra.run.dir=run")
    terminal = {**environment, "TERM": "xterm-256color"}
    coloured = _on_a_terminal(line, tmp_path, terminal)
    assert "\x1b[1m" in coloured  # bold
    assert "3/3" in coloured  # the bar
    plain = _on_a_terminal([*line[:-1], "hydra.run.dir=other"], tmp_path, {**terminal, "NO_COLOR": "1"})
    assert "3/3" in plain
    colours = [f"\x1b[{number}m" for number in (*range(30, 38), *range(90, 98))]
    assert not any(colour in plain for colour in colours)
    assert "\x1b[38;" not in plain


@pytest.mark.slow
def test_a_sweep_on_a_terminal_says_at_once_what_it_does_and_nothing_twice(environment, arguments, tmp_path):
    line = arguments("train", "-m", "experiment=smoke", "tracking.mode=disabled", "model.latent_size=2,4")
    written = _on_a_terminal(line, tmp_path, {**environment, "TERM": "xterm-256color", "COLUMNS": "100"})
    assert written.startswith("composing the sweep\r\nstarting JAX\r\n")
    *_, last = written.split("2 of 2 runs ended in")  # the table as it is left, and what follows
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", last)
    assert [len(re.findall(rf"^│ {number} │ {size} ", text, re.MULTILINE)) for number, size in ((1, 2), (2, 4))] == [
        1,
        1,
    ]
    assert "━━━━━━" in text  # the bars, full
    assert re.search("[▁▂▃▄▅▆▇█]{3}", text)
    assert "memory, estimated ┃" not in written.partition("0 of 2 runs ended")[0]  # no table of the plan before


@pytest.mark.slow
def test_console_command_is_the_same_program(environment, tmp_path):
    command = Path(sys.executable).with_name("ae-train")
    if not command.exists():
        pytest.skip("the package is not installed")
    done = subprocess.run(
        [str(command), "seed=x"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert _one_line(done.stderr).startswith("error: seed: input should be a valid integer")
