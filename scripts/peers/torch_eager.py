"""The reference experiment in PyTorch: the fastest plain eager code, with fused Adam and all images in memory."""

from collections.abc import Callable
from typing import Any

import numpy as np

from peers.protocol import Prepared, Task, serve


def prepare(task: Task) -> Prepared:
    """Build the reference model; `--library` is the device."""
    import torch

    def made() -> tuple[Any, Callable[[Any], Any]]:
        layers = torch.nn.Linear(784, task.width), torch.nn.ReLU(), torch.nn.Linear(task.width, 784)
        model = torch.nn.Sequential(*layers)
        loss = torch.nn.functional.binary_cross_entropy_with_logits
        return model, lambda x: loss(model(x), x, reduction="sum")

    return trained_epochs(task, made, device=task.library or "cpu")


def trained_epochs(
    task: Task, make: Callable[[], tuple[Any, Callable[[Any], Any]]], *, device: str = "cpu"
) -> Prepared:
    """Epochs of a model; the images are scaled once and stay float32, which is faster than scaling each batch.

    Args:
        task: What to work on.
        make: Makes the model, and a function from a batch to its loss, summed over examples.
        device: Where it computes.
    """
    import torch

    torch.manual_seed(0)
    images = torch.from_numpy(np.load(task.images)).to(device, torch.float32) / 255
    model, loss_of = make()
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def epoch() -> float:
        total = torch.zeros((), device=device)
        for rows in torch.randperm(len(images), device=device).split(task.batch_size):
            x = images[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(x)
            (loss / len(rows)).backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / len(images)

    return Prepared(epoch, f"torch {torch.__version__}")


if __name__ == "__main__":
    serve(prepare)
