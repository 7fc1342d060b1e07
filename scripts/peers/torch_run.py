"""One run of a sweep in PyTorch, in a process of its own.

Plain eager code with fused Adam and the data in memory; at the end metrics and parameters are saved. No figures, no
tracking, no comparison with PCA: in its favour.
"""

import argparse
import json
from pathlib import Path


def main() -> None:
    """Train 64-128-16-128-64 on digits, and print the test error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()

    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from torch.nn import Linear, ReLU, Sequential

    torch.manual_seed(options.seed)
    rest, test = train_test_split(load_digits().data / 16, test_size=0.2, random_state=0)
    train, validation = train_test_split(rest, test_size=0.125, random_state=0)
    train, validation, test = (torch.tensor(part, dtype=torch.float32) for part in (train, validation, test))
    model = Sequential(Linear(64, 128), ReLU(), Linear(128, 16), Linear(16, 128), ReLU(), Linear(128, 64))
    optimizer = torch.optim.Adam(model.parameters(), lr=options.learning_rate, fused=True)
    history = []
    for epoch in range(options.epochs):
        total = torch.zeros(())
        for rows in torch.randperm(len(train)).split(options.batch_size):
            x = train[rows]
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.mse_loss(model(x), x)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
        with torch.no_grad():
            error = torch.nn.functional.mse_loss(model(validation), validation)
        history.append({"epoch": epoch + 1, "train_loss": float(total) / len(train), "validation_loss": float(error)})
    with torch.no_grad():
        test_sse = float(((model(test) - test) ** 2).sum(dim=1).mean())
    options.folder.mkdir(parents=True)
    torch.save(model.state_dict(), options.folder / "model.pt")
    (options.folder / "metrics.json").write_text(json.dumps({"test_sse": test_sse, "history": history}))
    print(test_sse)


if __name__ == "__main__":
    main()
