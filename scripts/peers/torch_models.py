"""The networks of `models.CASES` in PyTorch: plain eager code, with fused Adam and all images in memory.

`--library` is the name of one. Each has as many parameters as the same here.
"""

from collections.abc import Callable
from typing import Any

from peers.protocol import Prepared, Task, serve
from peers.torch_eager import trained_epochs

# A model, and the loss of a batch, summed over its examples.
Made = tuple[Any, Callable[[Any], Any]]


def conv() -> Made:
    """Strided convolutions to 32 and 64 channels, 32 numbers, and transposed convolutions back."""
    from torch import nn

    model = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7 * 7 * 64, 32),
        nn.Linear(32, 7 * 7 * 64),
        nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        nn.Flatten(),
    )
    return model, lambda x: nn.functional.binary_cross_entropy_with_logits(model(x), x, reduction="sum")


def vae() -> Made:
    """A variational autoencoder with one hidden layer, cross-entropy and the divergence in closed form."""
    import torch
    from torch import nn

    encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 80))
    decoder = nn.Sequential(nn.Linear(40, 400), nn.ReLU(), nn.Linear(400, 784))

    def loss(x: torch.Tensor) -> torch.Tensor:
        mean, log_variance = encoder(x).chunk(2, dim=1)
        latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        kl = 0.5 * torch.sum(mean.pow(2) + log_variance.exp() - 1 - log_variance)
        return nn.functional.binary_cross_entropy_with_logits(decoder(latent), x, reduction="sum") + kl

    return nn.ModuleList([encoder, decoder]), loss


def top_k() -> Made:
    """A dictionary of 4,096 directions of unit length, of which an example is a sum of 32."""
    import torch
    from torch import nn

    encoder, directions = nn.Linear(784, 4096), nn.Parameter(nn.functional.normalize(torch.randn(4096, 784), dim=1))
    bias = nn.Parameter(torch.zeros(784))
    with torch.no_grad():
        encoder.weight.copy_(directions)

    def loss(x: torch.Tensor) -> torch.Tensor:
        values, places = encoder(x - bias).topk(32)
        latent = x.new_zeros(len(x), 4096).scatter(1, places, values)
        return 0.5 * torch.sum((latent @ nn.functional.normalize(directions, dim=1) + bias - x).pow(2))

    model = nn.ParameterList([*encoder.parameters(), directions, bias])
    return model, loss


def fsq() -> Made:
    """One hidden layer each way, and 16 dimensions that are rounded to 5 levels, with gradients as if they were not."""
    import torch
    from torch import nn

    encoder = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 16))
    decoder = nn.Sequential(nn.Linear(16, 256), nn.ReLU(), nn.Linear(256, 784))
    # PyTorch's own initialisation is so small that at first all codes are rounded to 0.
    for hidden, last in ((encoder[0], encoder[2]), (decoder[0], decoder[2])):
        nn.init.kaiming_normal_(hidden.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(last.weight, nonlinearity="linear")

    def loss(x: torch.Tensor) -> torch.Tensor:
        bounded = (1 + 1e-3) * 2 * torch.tanh(encoder(x))
        latent = (bounded + (bounded.round() - bounded).detach()) / 2
        return nn.functional.binary_cross_entropy_with_logits(decoder(latent), x, reduction="sum")

    return nn.ModuleList([encoder, decoder]), loss


MODELS: dict[str, Callable[[], Made]] = {"conv": conv, "vae": vae, "top_k": top_k, "fsq": fsq}


def prepare(task: Task) -> Prepared:
    """Build the network that `--library` names."""
    return trained_epochs(task, MODELS[task.library])


if __name__ == "__main__":
    serve(prepare)
