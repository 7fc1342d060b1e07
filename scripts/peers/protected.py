"""Training as this project does it, with all that saves it from being lost, and with less of that.

`--library` is a way and a case. The case is `reference` or `group`: 784-256-784 on the images, or 64 runs on digits.

    epochs   nothing but the epochs
    plain    the same records in plain files: no lock, no flush to disk, no renaming, no checkpoints
    full     as this project does it
    offline  and with a W&B run that is not sent
    hangs    and with one that is sent to a server which never answers
"""

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import jax

from ae_jax.config.compose import checked, compose
from ae_jax.experiment.build import build_alike
from ae_jax.experiment.devices import configure_jax
from ae_jax.jobs.open_run import OpenRun
from ae_jax.jobs.train import prepare as compiled
from ae_jax.jobs.train_fitting import train_epochs
from ae_jax.jobs.work import GroupTask, Request, Watch
from ae_jax.runs.environment import environment
from ae_jax.tracking import uploads, wandb_run
from ae_jax.training.fit import fit
from peers.protocol import Prepared, Task, serve

RATES = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2]
# So that a round takes ten seconds or more, and a checkpoint is due; and of tracked runs so many that sending begins.
REFERENCE_EPOCHS, TRACKED_EPOCHS, GROUP_EPOCHS = 24, 80, 100


def prepare(task: Task) -> Prepared:
    """Compile the program; each repetition trains it from the first epoch to the last."""
    way, case = task.library.split()
    mode = {"offline": "offline", "hangs": "online"}.get(way, "disabled")
    configs = [checked(compose([f"tracking.mode={mode}", *given])) for given in _overrides(case, mode, task)]
    configure_jax(configs[0], num_runs=len(configs))
    folder = task.images.parent
    requests = tuple(Request(config, folder) for config in configs)
    built, program = compiled(GroupTask(requests, folder))

    def epochs() -> float:
        for report in fit(program, program.init_state(), num_epochs=built.options.num_epochs):
            metrics = report.metrics
        return float(metrics.validation_loss[0])

    def plain() -> float:
        runs = [Path(tempfile.mkdtemp(dir=folder)) for _ in configs]
        for run, config in zip(runs, configs, strict=True):
            for name, content in (("config", config), ("status", {}), ("environment", environment())):
                (run / f"{name}.json").write_text(json.dumps(content, indent=2))
        for report in fit(program, program.init_state(), num_epochs=built.options.num_epochs):
            for at, run in enumerate(runs):
                record = jax.tree.map(lambda values, at=at: float(values[at]), report.metrics._asdict())
                with (run / "metrics.jsonl").open("a") as file:
                    file.write(json.dumps(record) + "\n")
        for run in runs:
            (run / "status.json").write_text(json.dumps({}))
        return float(report.metrics.validation_loss[0])

    def full() -> float:
        wandb_run.uploads = uploads.Uploads()  # one that has not been closed: sending begins as late as in a process
        sweep = Path(tempfile.mkdtemp(dir=folder))
        opened = [OpenRun(request._replace(folder=sweep / str(at)), Watch()) for at, request in enumerate(requests)]
        for run in opened:
            run.take()
            run.open(lambda config: build_alike(built, config))
        state, _ = train_epochs(opened, program, sweep / ".groups", Watch())
        for run in opened:
            run.fail(KeyboardInterrupt())  # closes its files
        wandb_run.uploads.close()
        return float(jax.device_get(state.best.validation_loss)[0])

    if way == "hangs":
        _server_that_hangs()
    return Prepared({"epochs": epochs, "plain": plain}.get(way, full), f"jax {jax.__version__}")


def _server_that_hangs() -> None:
    """Have W&B send to a server that takes every connection and answers none; the end does not wait for it."""
    server = socket.create_server(("127.0.0.1", 0), backlog=1024)
    os.environ |= {"WANDB_BASE_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "WANDB_API_KEY": 40 * "a"}
    server.detach()  # open until the process ends
    uploads.INTERRUPTED_SECONDS = 0.0


def _overrides(case: str, mode: str, task: Task) -> list[list[str]]:
    if case == "reference":
        data: list[Any] = ["dataset=array", f"dataset.path='{task.images}'", "dataset.scaling=unit_interval"]
        num_epochs = REFERENCE_EPOCHS if mode == "disabled" else TRACKED_EPOCHS
        return [["experiment=dense_784_256", *data, f"trainer.num_epochs={num_epochs}"]]
    model = ["model.hidden_sizes=[128]", "trainer.batch_size=128", f"trainer.num_epochs={GROUP_EPOCHS}"]
    return [[*model, f"seed={seed}", f"optimizer.learning_rate={rate}"] for seed in range(8) for rate in RATES]


if __name__ == "__main__":
    serve(prepare)
