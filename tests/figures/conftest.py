"""Run folders made by hand: figures need nothing else."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ae_jax.results import Results, RunFolder, load
from ae_jax.runs.folder import SCHEMA

MakeRun = Callable[..., RunFolder]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run folder whose autoencoder is at `sse`, against PCA at 8, 4, 2, 1, … for 0, 1, 2, 3, … components."""

    def make(
        *,
        feature_shape: tuple[int, ...] = (8, 8),
        num_epochs: int = 5,
        num_examples: int = 4,
        corrupted: bool = False,
        sse: float = 1.5,
        match: int | None = 3,
        curve: Sequence[float] = (*(8 / 2**size for size in range(9)), 0.0),
        pca: float = 2.5,
    ) -> RunFolder:
        rng = np.random.default_rng(0)
        shape = (num_examples, *feature_shape)
        names = ("x", "corrupted", "autoencoder", "pca")
        np.savez(tmp_path / "reconstructions.npz", **{name: rng.uniform(size=shape) for name in names})
        records = [
            {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 1.1 / epoch, "validation_sse": 2 / epoch}
            for epoch in range(1, num_epochs + 1)
        ]
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        summary = {
            "schema": SCHEMA,
            "seed": 7,
            "dataset": {"name": "made-up", "counts": {"train": 100, "validation": 10, "test": 20}},
            "training": {"loss": "mse"},
            "test": {"sse": sse},
            "corrupted": {"autoencoder": {"sse": 2.0}, "pca": {"sse": 3.0}} if corrupted else None,
            "pca": {
                "num_components": 2,
                "validation": {"sse": pca},
                "components_to_match": match,
                "test_sse_by_components": list(curve),
            },
            "model": {"latent_size": 2},
        }
        (tmp_path / "summary.json").write_text(json.dumps(summary))
        return RunFolder(tmp_path)

    return make


@pytest.fixture
def runs(write_run: Callable[..., Path], tmp_path: Path) -> Callable[..., Results]:
    """Write runs, each given by its settings and what else `write_run` takes; returns what is read back."""

    def write(*given: tuple[dict[str, Any], dict[str, Any]]) -> Results:
        for number, (settings, options) in enumerate(given):
            write_run(tmp_path / str(number), settings=settings, **options)
        return load(tmp_path)

    return write
