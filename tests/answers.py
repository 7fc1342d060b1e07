"""Answers of evaluations, of made-up numbers, for runs that `tests.made` writes: figures need them."""

import json
from pathlib import Path

import numpy as np

NODES = {
    "anomaly": {"_target_": "ae_jax.evaluations.anomaly.anomaly"},
    "classification": {
        "_target_": "ae_jax.evaluations.classification.classification", "num_neighbors": 5, "penalties": [1.0],
    },
}  # fmt: skip


def write_answers(folder: Path, *, accuracy: float, auroc: float) -> None:
    """Add what the classification and the detection of anomalies answer.

    The linear probe is half as accurate as neighbours are; pixels are at 0.95 and 0.9, PCA at 0.7 and an AUROC of 0.8.
    """
    from ae_jax.config.targets import bind  # JAX: a process that draws figures has none
    from ae_jax.evaluation.asked import as_summary, write_answer_arrays
    from ae_jax.evaluation.base import Found

    area = {"autoencoder": auroc, "pca": 0.8}
    shares = {"autoencoder": (accuracy, accuracy / 2), "pca": (0.7, 0.6), "pixels": (0.95, 0.9)}
    found = {
        "classification": Found(
            {
                name: {split: {"knn_accuracy": knn, "linear_accuracy": linear} for split in ("validation", "test")}
                for name, (knn, linear) in shares.items()
            }
        ),
        "anomaly": Found(
            {name: {"test": {"auroc": one, "average_precision": one, "kept_sse": 1.0}} for name, one in area.items()},
            arrays={f"{name}_roc": _curve(one) for name, one in area.items()},
        ),
    }
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    answers = summary.setdefault("evaluations", {})
    for name, one in found.items():
        answers[name] = as_summary(NODES[name], bind(NODES[name])(), one)
        write_answer_arrays(folder, name, one)
    path.write_text(json.dumps(summary))


def _curve(area: float) -> np.ndarray:
    """Of two normal distributions it would be a little rounder: ``y = x^((1 - a) / a)``, with that area a."""
    rates = np.linspace(0, 1, 101)
    return np.stack([rates, rates ** ((1 - area) / area)]).astype(np.float32)
