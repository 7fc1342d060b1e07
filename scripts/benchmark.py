"""Measure this project against its peers: `python scripts/benchmark.py [reference|small|pca|startup] [--repeats N]`.

    reference   an epoch of 784-256-784 on 60,000 images, against the bare matrix products, PyTorch and Keras
    small       an epoch of 784-32-784 on 12,800 images, against PyTorch
    pca         the fit on all images, against scikit-learn
    startup     `--help`, and `import ae_jax`

Contenders are asked in turn, and a ratio is the median over the rounds, so that a busy machine hits all alike.
Peers come with `pip install -e .[benchmark]`; what is not installed is named and left out.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from peers.contest import Contender, Contest, compete
from peers.images import Images, write_images
from peers.table import Row, Table, show

HERE = "ae_jax"
BATCH_SIZE = 256
_OURS = Contender(HERE, "ours")
_TORCH = Contender("PyTorch eager, fused Adam", "torch_eager")
_KERAS = [
    Contender(f"Keras on {backend}", "keras_fit", environment={"KERAS_BACKEND": backend})
    for backend in ("jax", "torch")
]
_GEMM = [Contender(f"matrix products, {library}", "gemm", library) for library in ("xla", "torch", "numpy")]


def reference(images: Images, repeats: int) -> Table:
    """The reference experiment's epoch."""
    contest = compete([_OURS, _TORCH, *_KERAS, *_GEMM], repeats=repeats, images=images.path, batch_size=BATCH_SIZE)
    num_updates = -(-images.shape[0] // BATCH_SIZE)
    title = f"reference: an epoch of 784-256-784, batch {BATCH_SIZE}, {num_updates} updates"
    targets = {_TORCH.name: 1.35, _fastest(contest, _KERAS): 1.35}
    gemm = _fastest(contest, _GEMM)
    rows = [*_epoch_rows(contest, targets)]
    operations = 5 * 2 * images.shape[0] * images.shape[1] * 256
    for contender in _GEMM:
        if measured := contest.measured.get(contender.name):
            rate = f"{operations / measured.median / 1e9:.0f} GFLOP/s"
            at_most = 1.45 if contender.name == gemm else None
            rows.append(_row(contest, contender.name, rate, above=HERE, below=contender.name, at_most=at_most))
    return Table(title, rows, contest.missing, contest.broken)


def small(images: Images, repeats: int) -> Table:
    """A small model, where what is not a matrix product shows."""
    contest = compete([_OURS, _TORCH], repeats=repeats, images=images.path, width=32, batch_size=BATCH_SIZE)
    title = f"small: an epoch of 784-32-784 on {images.shape[0]:,} images, batch {BATCH_SIZE}"
    return Table(title, _epoch_rows(contest, {_TORCH.name: 1.6}), contest.missing, contest.broken)


def pca(images: Images, repeats: int) -> Table:
    """The fit of PCA, from bytes to components. Only the float64 fit of scikit-learn computes the same."""
    sklearn = [Contender(f"covariance_eigh, {dtype}", "pca", dtype) for dtype in ("float64", "float32")]
    contest = compete([Contender(HERE, "pca", "ae_jax"), *sklearn], repeats=repeats, images=images.path)
    title = f"pca: fit of all components on {images.shape[0]:,} x {images.shape[1]}, from bytes"
    rows = [
        _row(
            contest,
            name,
            f"first variance {measured.result:.6f}",
            above=HERE,
            below=name,
            at_most=1.0 if name == sklearn[0].name else None,
        )
        for name, measured in contest.measured.items()
    ]
    return Table(title, rows, contest.missing, contest.broken)


def startup(repeats: int) -> Table:
    """How long a user waits for the first sign of life."""
    train = Path(__file__).resolve().with_name("train.py")
    commands = {"train.py --help": [str(train), "--help"], "import ae_jax": ["-c", "import ae_jax"], "Python alone": ["-c", ""]}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    rows = []
    for name, values in seconds.items():
        help_time = median(values[1:])
        reached = help_time < 1 if name.endswith("--help") else None
        rows.append(Row(name, values[1:], target="< 1 s" if reached is not None else "", reached=reached))
    return Table("startup: whole processes", rows, {}, {})


def _epoch_rows(contest: Contest, targets: dict[str, float]) -> list[Row]:
    """Everyone who trained, with the time it took relative to here."""
    rows = []
    for name, measured in contest.measured.items():
        if measured.result == measured.result:  # matrix products have no loss
            loss = f"BCE {measured.result:.2f}"
            rows.append(_row(contest, name, loss, above=name, below=HERE, at_least=targets.get(name)))
    return rows


def _row(
    contest: Contest,
    name: str,
    result: str,
    *,
    above: str,
    below: str,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    measured = contest.measured[name]
    if name == HERE or HERE not in contest.measured:
        return Row(name, measured.seconds, about=measured.about, result=result)
    ratio = contest.ratio(above, below)
    target, reached = "", None
    if at_least is not None:
        target, reached = f">= {at_least:g}", ratio >= at_least
    elif at_most is not None:
        target, reached = f"<= {at_most:g}", ratio <= at_most
    kind = "this / here" if below == HERE else "here / this"
    return Row(name, measured.seconds, measured.about, result, ratio, kind, target, reached)


def _fastest(contest: Contest, contenders: list[Contender]) -> str:
    names = [contender.name for contender in contenders if contender.name in contest.measured]
    return min(names, key=lambda name: contest.measured[name].median, default="")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9, help="rounds to take the median of (default: 9)")
    parser.add_argument("--images", type=int, help="use only the first N images (default: all)")
    parser.add_argument("--output", type=Path, help="write all numbers to this JSON file")
    parser.add_argument("benchmarks", nargs="*", metavar="benchmark", help="reference, small, pca, startup (default: all)")
    options = parser.parse_args()
    if options.repeats < 1 or (options.images is not None and options.images < 2):
        parser.error("--repeats must be at least 1, --images at least 2")
    return options


def main() -> int:
    options = _parse()
    return 0


if __name__ == "__main__":
    sys.exit(main())
