"""Run folders of made-up numbers, written by what writes those of runs that were trained: there is one definition."""

import copy
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest

PRECISION = {"precision": "float32", "matmul_precision": "float32", "monitor": "objective"}
CONFIG: dict[str, Any] = {
    "name": "made",
    "resume": "auto",
    "seed": 0,
    "tags": [],
    "notes": "",
    "runtime": {"platform": None, "debug_nans": False, "profile": False},
    "dataset": {"_target_": "ae_jax.datasets.digits.digits", "split_seed": 0},
    "model": {"_target_": "ae_jax.models.dense.DenseAutoencoder", "hidden_sizes": [8], "latent_size": 2},
    "corruption": {"_target_": "ae_jax.corruptions.none.none"},
    "loss": {"_target_": "ae_jax.losses.mse.mse", "link": "identity"},
    "optimizer": {
        "_target_": "ae_jax.optimizers.adam.adam",
        "learning_rate": 1e-3,
        "schedule": {"_target_": "ae_jax.optimizers.schedules.constant"},
    },
    "trainer": {"_target_": "ae_jax.training.options.TrainerOptions", "num_epochs": 3, **PRECISION},
    "tracking": {"mode": "disabled"},
}


@pytest.fixture(scope="session")
def write_run() -> Callable[..., Path]:
    """Write a run folder as training does, of made-up numbers; nothing is trained.

    PCA's test sse is 8, 4, 2, 1, … for 0, 1, 2, 3, … components of `dataset` with `num_features` features; errors on
    train and validation are 0.9 and 1.1 of it. So are the autoencoder's of `sse`, unless `validation_sse` is given.
    """

    def write(folder: Path, **options: Any) -> Path:
        with patch("os.fsync"):  # a test that is cut off begins anew
            return _write_run(folder, **options)

    return write


def _write_run(
    folder: Path,
    *,
    settings: dict[str, Any] | None = None,
    sse: float = 1.5,
    validation_sse: float | None = None,
    corrupted_sse: float | None = None,
    dataset: str = "digits",
    feature_shape: Sequence[int] = (3, 3),
    unit_interval: bool = True,
    state: str = "completed",
    error: str | None = None,
    num_epochs: int = 3,
    num_examples: int = 6,
    terms: dict[str, float] | None = None,
    rate_bits: float | None = None,
) -> Path:
    """See `write_run`. `settings` are dotted keys; a component is named by its `_target_`.

    `terms` are those of the objective on test; on train and validation they are 0.9 and 1.1 of it. None: an older run.
    `rate_bits` is that of a latent on every split; PCA has none.
    """
    from ae_jax.runs.recorder import Recorder

    config = _config_with(settings or {})
    (folder / "status.json").unlink(missing_ok=True)  # of another run that a test has written there
    recorder = Recorder(folder, config)
    for epoch in range(1, num_epochs + 1):
        losses = {
            "train_loss": 1 / epoch,
            "validation_loss": 1.1 / epoch,
            "validation_sse": 1.1 * sse * (1 + 1 / epoch),
        }
        ours = {
            f"{split}_{name}": factor * term * (1 + 1 / epoch)
            for split, factor in (("train", 0.9), ("validation", 1.1))
            for name, term in (terms or {}).items()
        }
        recorder.metrics({"epoch": epoch, "step": 10 * epoch, **losses, **ours, "seconds": 0.5})
    recorder.write_metrics()
    if state == "completed":
        validation = 1.1 * sse if validation_sse is None else validation_sse
        errors = {"train": 0.9 * sse, "validation": validation, "test": sse, "corrupted": corrupted_sse}
        made = Made(config, dataset, tuple(feature_shape), unit_interval, num_examples)
        _write_results(folder, made, errors, terms, rate_bits)
    recorder.status(
        state, error=error, git_commit="0" * 40, git_changed=False, started="2026-01-01T00:00:00.000+00:00", ended=None
    )
    recorder.close()
    (folder / ".lock").unlink()  # no process of this machine has trained in it
    return folder


def _config_with(settings: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    for key, value in settings.items():
        *parents, last = key.split(".")
        node = config
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return config


class Made(NamedTuple):
    """What a run of made-up numbers is of."""

    config: dict[str, Any]
    name: str
    feature_shape: tuple[int, ...]
    unit_interval: bool
    num_examples: int

    def dataset(self, num_test: int) -> Any:
        """Its data: noise, in three classes."""
        from ae_jax.datasets import Dataset

        rng, num_features = np.random.default_rng(self.config["seed"]), int(np.prod(self.feature_shape))
        sizes = {"train": 100, "validation": 10, "test": num_test}
        return Dataset(
            **{split: rng.uniform(size=(size, num_features)).astype(np.float32) for split, size in sizes.items()},
            labels={split: np.arange(size) % 3 for split, size in sizes.items()},
            name=self.name,
            scale=1.0,
            offset=0.0,
            feature_shape=self.feature_shape,
            unit_interval=self.unit_interval,
            feature_names=None,
            provenance={"sha256": {self.name: "0"}, "split_sha256": "1"},
        )


def _write_results(
    folder: Path,
    made: Made,
    errors: dict[str, float | None],
    terms: dict[str, float] | None,
    rate_bits: float | None,
) -> None:
    """What a run leaves when it has completed, by what writes it after training; the costs are made up."""
    from ae_jax.evaluation import summary as written
    from ae_jax.files import write_json

    dataset, config = made.dataset(20), made.config
    compared = _compared(made, dataset.num_features, errors, terms or {})
    state = _state(config["trainer"]["num_epochs"], errors["validation"] / dataset.num_features)
    program = written.Group(
        init=None, epoch=None, runs=None, num_runs=1, data=None, placement=None, checked=False, compile_seconds=1.0,
        program_bytes=10**6,
    )  # fmt: skip
    parts = compared.summary
    took = written.Seconds(3.0, [0.5] * config["trainer"]["num_epochs"])
    times = written.describe_times(folder, dataset, program, took, 0.1) | parts.pop("latency")
    memory = {"host_peak_bytes": 10**8, "device_peak_bytes": None, "program_bytes": 10**6}
    summary = written.describe_run(folder, config, dataset, state) | parts | {"time": times, "memory": memory}
    if terms is None:
        for split in ("train", "validation", "test"):
            summary[split].pop("terms")
    if rate_bits is not None:
        for split in ("train", "validation", "test"):
            summary[split]["rate_bits"] = rate_bits
    write_json(folder / "summary.json", summary)
    written.write_arrays(made.dataset(made.num_examples), _method(made), _pca(dataset.num_features), folder, compared)
    _write_activity(folder, config)
    _write_answers(folder, errors["test"], compared.curve[compared.limits.num_components])
    _write_generated(folder, made)


def _write_activity(folder: Path, config: dict[str, Any]) -> None:
    """What `evaluation=sparsity` leaves of an autoencoder, of whose latents a tenth is dead, and of PCA."""
    from ae_jax.runs.recorder import write_npz

    rng = np.random.default_rng(config["seed"])
    shares = np.where(rng.uniform(size=60) < 0.1, 0, np.clip(10 ** rng.normal(-2, 0.6, size=60), 0.001, 1))
    (folder / "evaluations").mkdir(exist_ok=True)
    arrays = {"autoencoder": shares, "pca": np.geomspace(0.9, 0.01, 20)}
    write_npz(folder / "evaluations" / "sparsity.npz", arrays)


def _write_answers(folder: Path, sse: float, pca_sse: float) -> None:
    """Arrays of evaluations, which figures of them are drawn from."""
    from ae_jax.runs.recorder import write_npz

    levels = np.linspace(0, 0.7, 8)
    curves = {"masking_sse_autoencoder": sse * (1 + 2 * levels**2), "masking_sse_pca": pca_sse * (1 + 4 * levels)}
    (folder / "evaluations").mkdir(exist_ok=True)
    write_npz(folder / "evaluations" / "robustness.npz", {"masking_levels": levels, **curves})


def _write_generated(folder: Path, made: Made) -> None:
    """Arrays of samples and walks, which are noise."""
    from ae_jax.runs.recorder import write_npz

    rng, size = np.random.default_rng(made.config["seed"]), made.config["model"]["latent_size"]
    shapes = {"samples": (10,), "nearest": (10,), "interpolations": (2, 5), "traversals": (size, 5)}
    arrays = {
        f"{name}_{method}": rng.uniform(size=(*shape, *made.feature_shape))
        for name, shape in shapes.items()
        for method in ("autoencoder", "pca")
    }
    arrays |= {name: rng.uniform(size=(10, *made.feature_shape)) for name in ("samples_real", "interpolations_inputs")}
    places = {f"dimensions_{method}": np.arange(size) for method in ("autoencoder", "pca")}
    write_npz(folder / "evaluations" / "generation.npz", arrays, **places)


@functools.cache
def _pca(num_features: int) -> Any:
    """PCA of uncorrelated features; one object for all runs, as training has it."""
    from ae_jax.baselines.pca import PCA

    variances = np.zeros(num_features)
    return PCA(variances, np.eye(num_features), variances + 1.0, 100)


def _state(num_epochs: int, validation_loss: float) -> Any:
    """The last state of a run that was best at its end."""
    from ae_jax.training import Best, Status, TrainState

    best = Best(None, None, monitored=validation_loss, validation_loss=validation_loss, epoch=num_epochs)
    return TrainState(
        params=None, carried=None, opt_state=None, epoch=num_epochs, best=best, reference_loss=validation_loss,
        stale_epochs=0, status=int(Status.RUNNING),
    )  # fmt: skip


def _method(made: Made) -> Any:
    """An autoencoder whose latents and reconstructions are noise."""
    from ae_jax.evaluation.method import AUTOENCODER, Method

    rng, size = np.random.default_rng(made.config["seed"]), made.config["model"]["latent_size"]

    def encode(x: np.ndarray) -> np.ndarray:
        return rng.normal(size=(len(x), size))

    def reconstruct(x: np.ndarray) -> np.ndarray:
        return rng.uniform(size=x.shape)

    return Method(AUTOENCODER, size, encode=encode, decode=reconstruct, reconstruct=reconstruct, cost=lambda _: {})


def _compared(made: Made, num_features: int, errors: dict[str, float | None], terms: dict[str, float]) -> Any:
    """A comparison of these errors; the same examples are hard for both methods."""
    from ae_jax.evaluation.competitor import Competitor
    from ae_jax.evaluation.cost import COSTS
    from ae_jax.evaluation.measure import Comparison, Measured
    from ae_jax.evaluation.measures import Sums, measures

    latent_size, splits = made.config["model"]["latent_size"], ("train", "validation", "test")
    hardness = np.random.default_rng(0).lognormal(sigma=0.5, size=20)

    def measured(sse: float) -> Measured:
        sums = Sums(num_examples=1, squared_error=sse, squared_deviation=8.0, cross_entropy=10 + sse)
        taken = measures(sums, num_features=num_features, unit_interval=made.unit_interval)
        return Measured(taken, sse * hardness / hardness.mean())

    curve = (*(8 / 2**size for size in range(num_features)), 0.0)
    components = min(latent_size, num_features)
    theirs = {
        split: measured(factor * curve[components]) for split, factor in zip(splits, (0.9, 1.1, 1.0), strict=True)
    }
    seen = errors["corrupted"]
    costs = {name: 1e-5 if "example" in name else 1e-4 for name in COSTS}
    return Comparison(
        latent_size=latent_size,
        limits=Competitor(components),
        rates={method: {split: {} for split in splits} for method in ("autoencoder", "pca")},
        measured={"autoencoder": {split: measured(errors[split]) for split in splits}, "pca": theirs},
        corrupted={} if seen is None else {"autoencoder": measured(seen), "pca": measured(seen + 1)},
        terms={
            split: {name: factor * term for name, term in terms.items()}
            for split, factor in zip(splits, (0.9, 1.1, 1.0), strict=True)
        },
        costs={
            "autoencoder": {name: 2 * seconds for name, seconds in costs.items()}
            | {"num_parameters": 20 * latent_size + 100, "flops_per_example": 40.0 * latent_size + 200},
            "pca": costs
            | {"num_parameters": (components + 1) * num_features, "flops_per_example": 4.0 * components * num_features},
        },
        curve=curve,
        angles=None,
    )
