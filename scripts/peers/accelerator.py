"""Training on a GPU or TPU: epochs of one run and of groups, and whole sweeps, beside PyTorch on the same device.

Products are float32 in all of them, as is the default here and in PyTorch.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from peers.contest import Contender, compete
from peers.images import write_images
from peers.rows import beside
from peers.sweeps import DIGITS_MODEL, RATES, Commands, digits_ways, take_turns
from peers.table import Table

GROUPS = (16, 64)
WIDTH, BATCH_SIZE = 256, 256
# PyTorch takes part where it has an own name for the device.
_TORCH_DEVICES = {"gpu": "cuda", "cpu": "cpu"}
_LOOK = """
import json, jax, jaxlib
device = jax.devices()[0]
versions = f"jax {jax.__version__}, jaxlib {jaxlib.__version__}, {' '.join(device.client.platform_version.split())}"
print(json.dumps([device.platform, device.device_kind, versions]))
"""


class Device(NamedTuple):
    """An accelerator.

    Attributes:
        platform: What JAX calls its kind: gpu, tpu.
        name: What it calls itself.
        versions: Of JAX and of what is below it.
        environment: With which a process computes on it, and no process takes all of its memory.
    """

    platform: str
    name: str
    versions: str
    environment: Mapping[str, str]


def find() -> Device | None:
    """The first accelerator that JAX finds, in a process of its own, as whoever looks takes its memory; None: none."""
    looked = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True)
    if looked.returncode:
        return None
    platform, name, versions = json.loads(looked.stdout.splitlines()[-1])
    if platform == "cpu":
        return None
    environment = {
        "JAX_PLATFORMS": os.environ.get("JAX_PLATFORMS", ""),  # none: the best there is
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    return Device(platform, name, versions, environment)


def accelerator(folder: Path, options: argparse.Namespace) -> Table:
    """An epoch of 784-256-784, alone and in groups, and a sweep of runs on digits as whole processes.

    The ratio of a group is its time by that of one run; of the ways to run a sweep, their time by that of the first.
    """
    device = find()
    if device is None:
        return Table("accelerator: left out (JAX finds no GPU and no TPU here)", [], {}, {})
    torch = _TORCH_DEVICES.get(device.platform)
    images = write_images(folder, limit=options.images)
    contenders = [
        Contender("ae_jax, an epoch of one run", "ours", "1", device.environment),
        *(Contender(f"ae_jax, of a group of {size}", "ours", str(size), device.environment) for size in GROUPS),
    ]
    if torch:
        name = "PyTorch, eager, fused Adam, an epoch of one run"
        contenders.insert(1, Contender(name, "torch_eager", torch, device.environment))
    epochs = compete(contenders, repeats=options.repeats, images=images.path, width=WIDTH, batch_size=BATCH_SIZE)
    rows = beside(epochs, contenders[0].name, "BCE")

    given = [*DIGITS_MODEL, f"trainer.num_epochs={options.epochs}"]
    commands = Commands(folder, given, device.environment, torch_device=torch or "")
    rates, seeds = RATES[-options.rates :], range(options.seeds)
    ways, sample = digits_ways(commands, rates, seeds, epochs=options.epochs)
    ways = ways if torch else ways[:-1]
    sweeps = take_turns(ways, sample, repeats=min(options.repeats, 2))
    rows += beside(sweeps, ways[0].name, "test sse")
    title = (
        f"accelerator: {device.name} ({device.versions}), epochs of 784-{WIDTH}-784 on {images.shape[0]:,} images of "
        f"{images.source}, batch {BATCH_SIZE}; sweeps of 64-128-16-128-64 on digits, {options.epochs} epochs"
    )
    return Table(title, rows, epochs.missing | sweeps.missing, epochs.broken | sweeps.broken)
