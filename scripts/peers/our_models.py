"""A network of `models.CASES` or the dictionary, as this project trains it; `--library` names it, and how many runs."""

import numpy as np

from peers.models import CASES, DICTIONARY
from peers.ours import compiled_epochs
from peers.protocol import Prepared, Task, serve


def prepare(task: Task) -> Prepared:
    """Compose the case's config, and compile it for all images."""
    square = task.images.with_name("square.npy")
    np.save(square, np.load(task.images).reshape(-1, 28, 28))
    name, _, num_runs = task.library.partition(" ")
    overrides = [*({**CASES, "dictionary": DICTIONARY}[name].overrides), "optimizer=adam"]
    return compiled_epochs(task._replace(images=square), overrides, num_runs=int(num_runs or 1))


if __name__ == "__main__":
    serve(prepare)
