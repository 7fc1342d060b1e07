"""One run of a sweep in PyTorch, in a process of its own: `python -m peers.torch_run --seed 0 --learning-rate 1e-3`.

Plain eager code with fused Adam and the data in memory; at the end metrics and parameters are saved. No figures, no
tracking, no comparison with PCA, no checkpoint of the best epoch: in its favour.
"""

import argparse
import json
import sys
from pathlib import Path

MISSING = "not installed: "
"""How the last line of a process begins that lacks a package."""


def main() -> None:
    """Train 64-128-16-128-64 on the splits of conf/dataset/digits.yaml, and leave the folder `run`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        sys.exit(f"{MISSING}torch")
    import numpy as np
    from sklearn.datasets import load_digits
    from torch.nn import Linear, ReLU, Sequential
    from torch.nn.functional import mse_loss

    torch.manual_seed(options.seed)
    pixels = torch.from_numpy(load_digits().data).to(options.device, torch.float32) / 16
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(pixels)))
    test, validation, train = pixels[order].split([359, 180, 1258])
    model = Sequential(Linear(64, 128), ReLU(), Linear(128, 16), Linear(16, 128), ReLU(), Linear(128, 64)).to(
        options.device
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate, fused=True)
    epochs = []
    for epoch in range(options.epochs):
        total = torch.zeros((), device=options.device)
        for rows in torch.randperm(len(train), device=options.device).split(options.batch_size):
            x = train[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = mse_loss(model(x), x)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        with torch.inference_mode():
            validation_loss = float(mse_loss(model(validation), validation))
        epochs.append({"epoch": epoch + 1, "train_loss": float(total) / len(train), "validation_loss": validation_loss})
    with torch.inference_mode():
        test_sse = float((model(test) - test).square().sum(dim=1).mean())
    folder = Path("run")
    folder.mkdir()
    torch.save(model.state_dict(), folder / "model.pt")
    metrics = {**vars(options), "test_sse": test_sse, "epochs": epochs, "torch": torch.__version__}
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(f"test sse {test_sse:.5f}")


if __name__ == "__main__":
    main()
