"""Ways to run a sweep, measured in turn; and one run in PyTorch, on the same splits as here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ae_jax.datasets.digits import digits

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def sweeps(monkeypatch):
    """The module, which the benchmark imports as a neighbour of its own."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from peers import sweeps

    return sweeps


@pytest.fixture
def calls() -> list[str]:
    """What was run, in this order."""
    return []


@pytest.fixture
def command(sweeps, calls):
    """A command that takes no time and claims some."""

    def make(name: str, *test_sse: float, seconds: float = 1.0, error: Exception | None = None):
        def run():
            calls.append(name)
            if error is not None:
                raise error
            return sweeps.Timed(
                seconds, {sweeps.Point(0.1, seed): sse for seed, sse in enumerate(test_sse)}, f"by {name[0]}"
            )

        return run

    return make


def test_samples_alternate_after_a_warm_up_of_each_way(sweeps, command, calls):
    ways = [
        sweeps.Way("all", [command("a", 1.0)]),
        sweeps.Way("alone", [command("b1", 1.0), command("b2", 1.0)], 2, warm_up=command("w", 1.0)),
        sweeps.Way("other", [command("c1", 1.0), command("c2", 1.0)], 2),
    ]
    sweeps.take_turns(ways, [sweeps.Point(0.1, 0)], repeats=2)
    assert calls == ["a", "w", "c1", *["a", "b1", "c1", "b2", "c2"] * 2]


def test_a_sample_is_scaled_and_the_result_is_of_the_runs_that_all_trained(sweeps, command):
    ways = [
        sweeps.Way("all", [command("a", 2.0, 4.0, 60.0, seconds=8)]),
        sweeps.Way("alone", [command("b", 2.0, 4.0, seconds=3), command("b", 2.0, 4.0, seconds=5)], 10),
    ]
    contest = sweeps.take_turns(ways, [sweeps.Point(0.1, 0), sweeps.Point(0.1, 1)], repeats=1)
    assert contest.measured["all"][:3] == ([8], 3.0, "by a")
    assert contest.measured["alone"][:3] == ([80], 3.0, "by b")
    assert contest.ratio("alone", "all") == 10


def test_what_fails_or_is_not_installed_is_not_run_again(sweeps, command, calls):
    ways = [
        sweeps.Way("all", [command("a", 1.0)]),
        sweeps.Way("broken", [command("b", error=sweeps.FailedError("out of order"))]),
        sweeps.Way("missing", [command("c", error=sweeps.MissingError("torch"))]),
    ]
    contest = sweeps.take_turns(ways, [sweeps.Point(0.1, 0)], repeats=2)
    assert (set(contest.measured), contest.missing, contest.broken) == (
        {"all"},
        {"missing": "torch"},
        {"broken": "out of order"},
    )
    assert calls == ["a", "b", "c", "a", "a"]


@pytest.mark.slow
def test_a_command_that_fails_says_why(sweeps, tmp_path, monkeypatch):
    commands = sweeps.Commands(tmp_path, ["model.latent_size=65"])
    with pytest.raises(sweeps.FailedError, match=r"model\.latent_size: 65 is larger"):
        commands.alone(sweeps.Point(1e-3, 0))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "torch.py").write_text("raise RuntimeError('out of order')")
    with pytest.raises(sweeps.FailedError, match="RuntimeError: out of order"):
        sweeps.Commands(tmp_path, []).torch(sweeps.Point(1e-3, 0), epochs=1)


@pytest.mark.slow
def test_pytorch_saves_a_model_that_has_the_error_it_reports(tmp_path):
    torch = pytest.importorskip("torch")
    arguments = ["--seed=1", "--learning-rate=0.002", "--epochs=2"]
    subprocess.run(
        [sys.executable, "-m", "peers.torch_run", *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        check=True,
        capture_output=True,
    )
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    parameters = torch.load(tmp_path / "run" / "model.pt")
    data = digits(validation_fraction=0.1, test_fraction=0.2, split_seed=0)
    x = {name: torch.from_numpy(getattr(data, name)).to(torch.float32) / 16 for name in ("validation", "test")}

    def reconstruct(x):
        for index in (0, 2, 3, 5):
            x = x @ parameters[f"{index}.weight"].T + parameters[f"{index}.bias"]
            x = x.clamp(min=0) if index in (0, 3) else x
        return x

    assert [tuple(parameters[f"{index}.weight"].shape[::-1]) for index in (0, 2, 3, 5)] == [
        (64, 128),
        (128, 16),
        (16, 128),
        (128, 64),
    ]
    error = {name: float((reconstruct(part) - part).square().sum(dim=1).mean()) for name, part in x.items()}
    assert metrics["test_sse"] == pytest.approx(error["test"], rel=1e-4)
    assert len(metrics["epochs"]) == 2
    assert metrics["epochs"][-1]["validation_loss"] == pytest.approx(error["validation"] / 64, rel=1e-4)
