"""The reference experiment in PyTorch: the fastest plain eager code, with fused Adam and all images in memory.

`--library` is the device.
"""

import numpy as np

from peers.protocol import Prepared, Task, serve


def prepare(task: Task) -> Prepared:
    """Build the model; the images are scaled once and stay float32, which is faster than scaling each batch."""
    import torch

    torch.manual_seed(0)
    device = task.library or "cpu"
    images = torch.from_numpy(np.load(task.images)).to(device, torch.float32) / 255
    num_images, num_features = images.shape
    model = torch.nn.Sequential(
        torch.nn.Linear(num_features, task.width), torch.nn.ReLU(), torch.nn.Linear(task.width, num_features)
    )
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def epoch() -> float:
        total = torch.zeros((), device=device)
        for rows in torch.randperm(num_images, device=device).split(task.batch_size):
            x = images[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), x, reduction="sum")
            (loss / len(rows)).backward()
            optimizer.step()
            total += loss.detach()
        return float(total) / num_images

    return Prepared(epoch, f"torch {torch.__version__}")


if __name__ == "__main__":
    serve(prepare)
