"""The benchmark on accelerators: where there is none, and what it measures with a CPU in the place of one."""

import argparse
import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def accelerator(monkeypatch):
    """The module, which the benchmark imports as a neighbour of its own."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from peers import accelerator

    return accelerator


@pytest.mark.parametrize(
    ("found", "code"), [(["cpu", "cpu", "jax 1"], 0), ([], 1)], ids=["a CPU only", "JAX cannot start"]
)
def test_without_an_accelerator_there_is_one_line(found, code, accelerator, monkeypatch, tmp_path, capsys):
    looked = SimpleNamespace(returncode=code, stdout=f"a warning\n{json.dumps(found)}\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: looked)
    table = accelerator.accelerator(tmp_path, argparse.Namespace())
    assert (table.rows, table.missing, table.broken) == ([], {}, {})
    assert table.title == "accelerator: left out (JAX finds no GPU and no TPU here)"


def test_a_card_that_is_found_computes_for_every_contender(accelerator, monkeypatch):
    found = json.dumps(["gpu", "NVIDIA H200", "jax 1, jaxlib 1, cuda 2"])
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0, stdout=found))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    device = accelerator.find()
    assert device[:3] == ("gpu", "NVIDIA H200", "jax 1, jaxlib 1, cuda 2")
    # Several processes hold the card at once, and none may take most of its memory.
    wanted = {"JAX_PLATFORMS": "", "CUDA_VISIBLE_DEVICES": "3", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    assert device.environment == wanted


@pytest.mark.slow
def test_epochs_groups_and_sweeps_are_measured_on_the_device_that_is_found(accelerator, monkeypatch, tmp_path):
    """A CPU in place of a card, and PyTorch as if it were not installed."""
    from peers.contest import ON_CPU

    monkeypatch.setattr(accelerator, "find", lambda: accelerator.Device("cpu", "a CPU", "jax 1", ON_CPU))
    monkeypatch.setattr(accelerator, "GROUPS", (2, 3))
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('none', name='torch')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SCRIPTS), str(tmp_path)]))
    options = argparse.Namespace(images=512, repeats=1, epochs=1, rates=2, seeds=1)
    table = accelerator.accelerator(tmp_path, options)
    assert table.broken == {}
    assert set(table.missing.values()) == {"torch"}
    assert table.title.startswith("accelerator: a CPU (jax 1), epochs of 784-256-784 on 512 images of noise")
    one, two, three, together, alone = table.rows
    assert [row.name for row in (two, three)] == ["ae_jax, of a group of 2", "ae_jax, of a group of 3"]
    assert one.result == two.result == three.result  # of the first run
    assert [row.direction for row in (two, three, alone)] == ["this / first"] * 3
    assert together.result == alone.result
