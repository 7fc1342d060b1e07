"""Figures of runs, drawn beside what else there is to do: in processes of their own, which need no JAX.

So this process needs no Matplotlib, which takes as long to import as a small run to train.
"""

import base64
import json
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from ae_jax.errors import UserError
from ae_jax.figures.run import Drawn


class Drawing:
    """Draws the figures of run folders.

    Args:
        num_workers: Processes at most. The first is started at once, to be ready when there is something to draw.
    """

    def __init__(self, num_workers: int):
        self._local, self._workers = threading.local(), list[subprocess.Popen[str]]()
        self._pool = ThreadPoolExecutor(num_workers)
        self._pool.submit(self._worker)

    def draw(self, folder: Path) -> Future[Drawn]:
        """Draw the figures of a run folder, from its files alone; who asked for them writes them."""
        return self._pool.submit(self._draw, folder)

    def close(self) -> None:
        """End the processes. What is being drawn is finished, what has not begun is not drawn."""
        self._pool.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.communicate()

    def __enter__(self) -> "Drawing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _worker(self) -> subprocess.Popen[str]:
        """This thread's worker. It ends when its standard input does, however this process ends."""
        worker: subprocess.Popen[str] | None = getattr(self._local, "worker", None)
        if worker is None:
            worker = self._local.worker = subprocess.Popen(
                [sys.executable, "-m", "ae_jax.figures.run.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # so that Ctrl-C, which ends the runs in order, does not cut a figure short
            )
            self._workers.append(worker)
        return worker

    def _draw(self, folder: Path) -> Drawn:
        worker = self._worker()
        assert worker.stdin is not None
        assert worker.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            worker.stdin.write(f"{json.dumps(str(folder))}\n")
            worker.stdin.flush()
            line = worker.stdout.readline()
        if not line:
            self._local.worker = None  # the next is drawn by another
            raise UserError(folder / "figures", f"cannot be drawn (the worker ended with code {worker.wait()})")
        answer = json.loads(line)
        pngs = {name: base64.b64decode(png) for name, png in answer["pngs"].items()}
        return Drawn(pngs, answer["problems"])
