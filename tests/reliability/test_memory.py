"""A group for which the system has no memory: allocations really fail, and the runs end as if it had enough."""

import subprocess
import sys
from pathlib import Path

import pytest

ASKED = (
    "-m",
    "seed=0,1,2,3",
    "model.hidden_sizes=[2048]",
    "model.latent_size=1024",
    "model.overcomplete=true",
    "trainer.num_epochs=1",
    "trainer.batch_size=32",
    "trainer.max_train_examples=64",
    "tracking.mode=disabled",
)
# While more than two runs train, the process may take 500 MiB: less than four runs need, of which each has 72 MiB of
# state, and far more than all that is small.
PROGRAM = """
import resource
from ae_jax.commands.train import main
from ae_jax.jobs import train

def train_fitting(runs, program, folder, watch, whole=train.train_fitting):
    used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData:"))
    limit = 1024 * used + 500 * 2**20 if len(runs) > 2 else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    try:
        whole(runs, program, folder, watch)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

train.train_fitting = train_fitting
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no limit on memory that can be set here")
def test_a_group_for_which_there_is_no_memory_is_split(environment, assert_same, tmp_path):
    runs = {}
    for name, program in (("short", PROGRAM), ("enough", "from ae_jax.commands.train import main; main()")):
        folder = tmp_path / name
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", program, *ASKED],
            cwd=folder,
            env=environment | {"MALLOC_MMAP_THRESHOLD_": str(2**17)},  # what is freed goes back to the system
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("4 runs do not fit into memory together: split into 2 groups" in done.stdout) == (name == "short")
        runs[name] = sorted(folder.glob("outputs/default/*-seed*"))
    assert [run.name for run in runs["short"]] == [run.name for run in runs["enough"]]
    assert len(runs["short"]) == 4
    for run, other in zip(runs["short"], runs["enough"], strict=True):
        assert_same(run, other)
