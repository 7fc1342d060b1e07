"""Measure this project beside its peers: `python scripts/benchmark.py [reference|small|pca|startup|sweep|sweep_large]`.

    reference   an epoch of 784-256-784 on 60,000 images, against PyTorch, Keras and the bare matrix products
    small       an epoch of 784-32-784 on 12,800 images, against PyTorch
    pca         the fit on 60,000 images, against scikit-learn
    startup     `train.py --help`, and `import ae_jax`
    sweep       64 small runs as one program, against a process for each and against one after the other; and 256
    sweep_large 4 runs of the reference experiment, against a process for each

Contenders are asked in turn, and a ratio is the median over the rounds, so that a busy machine hits all alike.
PyTorch and Keras come with `pip install -e '.[benchmark]'`; what is not installed is named and left out.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, median

from peers.contest import Contender, Contest, compete
from peers.images import Images, write_images
from peers.sweeps import Point, Sweeps, Timed, has_torch
from peers.table import Row, Table, as_json, show, write_json

BATCH_SIZE = 256
WIDTH, SMALL_WIDTH = 256, 32
NUM_SMALL_IMAGES = 12_800
# Rounds of whole sweeps, which take minutes.
_MOST_SWEEPS = 2

OURS = Contender("ae_jax", "ours")
TORCH = Contender("PyTorch, eager, fused Adam", "torch_eager")
KERAS = [
    Contender(f"Keras on {backend}", "keras_fit", environment={"KERAS_BACKEND": backend})
    for backend in ("jax", "torch")
]
PRODUCTS = [Contender(f"matrix products, {library}", "gemm", library) for library in ("xla", "torch", "numpy")]
SKLEARN = [Contender(f"covariance_eigh, {dtype}", "pca", dtype) for dtype in ("float64", "float32")]


def reference(folder: Path, options: argparse.Namespace) -> Table:
    """The reference experiment's epoch; only the faster Keras and the fastest matrix products are aimed at."""
    images = write_images(folder, limit=options.images)
    contest = compete(
        [OURS, TORCH, *KERAS, *PRODUCTS],
        repeats=options.repeats,
        images=images.path,
        width=WIDTH,
        batch_size=BATCH_SIZE,
    )
    targets = {TORCH.name: 1.35, _fastest(contest, KERAS): 1.35}
    rows = _epochs(contest, [OURS, TORCH, *KERAS], targets)
    floor = _fastest(contest, PRODUCTS)
    # Five products of a multiplication and an addition for every image, feature and hidden unit.
    billions = 5 * 2 * math.prod(images.shape) * WIDTH / 1e9
    for name in (contender.name for contender in PRODUCTS if contender.name in contest.measured):
        rate = f"{billions / contest.measured[name].median:.0f} GFLOP/s"
        rows.append(_row(contest, name, rate, target=1.45 if name == floor else None, inverse=True))
    return Table(f"reference: an epoch of 784-{WIDTH}-784 {_describe(images)}", rows, contest.missing, contest.broken)


def small(folder: Path, options: argparse.Namespace) -> Table:
    """A small model, where all that is not a matrix product shows."""
    images = write_images(folder, limit=min(NUM_SMALL_IMAGES, options.images or NUM_SMALL_IMAGES))
    contest = compete(
        [OURS, TORCH],
        repeats=options.repeats,
        images=images.path,
        width=SMALL_WIDTH,
        batch_size=BATCH_SIZE,
        repetitions=10,
    )
    rows = _epochs(contest, [OURS, TORCH], {TORCH.name: 1.6})
    return Table(f"small: an epoch of 784-{SMALL_WIDTH}-784 {_describe(images)}", rows, contest.missing, contest.broken)


def pca(folder: Path, options: argparse.Namespace) -> Table:
    """The fit of all components, from bytes. In float64, as here, scikit-learn computes the same."""
    images = write_images(folder, limit=options.images)
    ours = Contender(OURS.name, "pca", "ae_jax")
    contest = compete([ours, *SKLEARN], repeats=options.repeats, images=images.path)
    rows = []
    for name, measured in contest.measured.items():
        target = 1.0 if name == SKLEARN[0].name else None
        rows.append(_row(contest, name, f"first variance {measured.result:.6f}", target=target, inverse=True))
    title = f"pca: the fit on {images.shape[0]:,} images of {images.source}, from bytes to all components"
    return Table(title, rows, contest.missing, contest.broken)


def startup(folder: Path, options: argparse.Namespace) -> Table:
    """How long a user waits for the first sign of life; each time is that of a whole process."""
    commands = {
        "train.py --help": [str(Path(__file__).resolve().with_name("train.py")), "--help"],
        "import ae_jax": ["-c", "import ae_jax"],
        "Python alone": ["-c", "pass"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.repeats + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    rows = [Row(name, values[1:]) for name, values in seconds.items()]
    rows[0] = rows[0]._replace(target="< 1 s", reached=median(rows[0].seconds) < 1)
    return Table("startup", rows, {}, {})


def sweep(folder: Path, options: argparse.Namespace) -> Table:
    """A sweep of 64 small runs, of which other ways to run it are measured in samples and scaled; and one of 256.

    The compile cache is filled by the first command of each kind, which is not counted. The times of samples are of as
    many processes as the first row has rounds, times two.
    """
    rates = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2]
    seeds = list(range(8))
    epochs = options.epochs
    points = [Point(rate, seed) for rate, seed in zip(rates, seeds, strict=True)]
    model = ["model.hidden_sizes=[128]", "model.latent_size=16", f"trainer.num_epochs={epochs}"]
    sweeps = Sweeps(folder, model)
    num_runs = len(rates) * len(seeds)
    sweeps.alone(points[0])
    sweeps.together(rates, seeds)
    ours, torch, alone, basic = list[Timed](), list[Timed](), list[Timed](), list[Timed]()
    for number in range(min(options.repeats, _MOST_SWEEPS)):
        ours.append(sweeps.together(rates, seeds))
        for point in points[2 * number % 8 : 2 * number % 8 + 2]:
            alone.append(sweeps.alone(point))
            if has_torch():
                torch.append(sweeps.torch(point, epochs=epochs))
        basic.append(sweeps.together(rates, seeds, "hydra/launcher=basic"))
    large = [sweeps.together(rates, list(range(32)))]
    rows = [
        _sweep_row(f"ae_jax, {num_runs} runs", ours, ours),
        _sweep_row(f"ae_jax, a process for each of {num_runs} runs, scaled", alone, ours, scale=num_runs, least=8),
        _sweep_row(f"ae_jax, hydra/launcher=basic, {num_runs} runs", basic, ours, least=1),
        _sweep_row(f"ae_jax, {4 * num_runs} runs", large, ours, most=3.5),
    ]
    if torch:
        rows.insert(
            2,
            _sweep_row(f"PyTorch, a process for each of {num_runs} runs, scaled", torch, ours, scale=num_runs, least=6),
        )
    title = f"sweep: digits, 64-128-16-128-64, {epochs} epochs, batch 128, whole processes with all that they leave"
    return Table(title, rows, {} if torch else {"PyTorch": "torch"}, {})


def sweep_large(folder: Path, options: argparse.Namespace) -> Table:
    """A compute-bound sweep: what a group saves is the start, which here is little."""
    images = write_images(folder, limit=options.images)
    model = ["dataset=array", f"dataset.path={images.path}", "dataset.scaling=unit_interval", "model.hidden_sizes=[]"]
    sweeps = Sweeps(
        folder, [*model, f"model.latent_size={WIDTH}", "loss=bce", "trainer.batch_size=256", "trainer.num_epochs=3"]
    )
    rates, seeds = [5e-4, 1e-3], [0, 1]
    sweeps.alone(Point(rates[0], 0))
    sweeps.together(rates, seeds)
    ours, alone = list[Timed](), list[Timed]()
    for number in range(min(options.repeats, _MOST_SWEEPS)):
        ours.append(sweeps.together(rates, seeds))
        alone.append(sweeps.alone(Point(rates[number % 2], number % 2)))
    rows = [
        _sweep_row("ae_jax, 4 runs", ours, ours),
        _sweep_row("ae_jax, a process for each of 4 runs, scaled", alone, ours, scale=4),
    ]
    title = f"sweep_large: 784-{WIDTH}-784, 3 epochs, {images.shape[0]:,} images of {images.source}"
    return Table(title, rows, {}, {})


def _sweep_row(
    name: str,
    timed: Sequence[Timed],
    ours: Sequence[Timed],
    *,
    scale: int = 1,
    least: float | None = None,
    most: float | None = None,
) -> Row:
    """A way to run a sweep beside the first; its ratio must be at least, or at most, something."""
    seconds = [scale * one.seconds for one in timed]
    row = Row(name, seconds, result=f"mean test sse {fmean(one.test_sse for one in timed):.3f}")
    if timed is ours:
        return row
    ratio = median(seconds) / median(one.seconds for one in ours)
    row = row._replace(ratio=ratio, direction="this / first")
    if least is not None:
        return row._replace(target=f">= {least:g}", reached=ratio >= least)
    return row if most is None else row._replace(target=f"<= {most:g}", reached=ratio <= most)


def _epochs(contest: Contest, contenders: list[Contender], targets: dict[str, float]) -> list[Row]:
    """Everyone who trained, with the mean loss of the last epoch in nats per image."""
    names = [contender.name for contender in contenders if contender.name in contest.measured]
    return [_row(contest, name, f"BCE {contest.measured[name].result:.2f}", target=targets.get(name)) for name in names]


def _row(contest: Contest, name: str, result: str, *, target: float | None, inverse: bool = False) -> Row:
    """A contender beside this project: how many times as long it takes, or the inverse.

    A target is the least that a ratio must reach, or the most that an inverse may.
    """
    measured = contest.measured[name]
    row = Row(name, measured.seconds, measured.about, result)
    if OURS.name not in contest.measured or name == OURS.name:
        return row
    ratio = contest.ratio(OURS.name, name) if inverse else contest.ratio(name, OURS.name)
    row = row._replace(ratio=ratio, direction="here / this" if inverse else "this / here")
    if target is None:
        return row
    reached = ratio <= target if inverse else ratio >= target
    return row._replace(target=f"{'<=' if inverse else '>='} {target:g}", reached=reached)


def _fastest(contest: Contest, contenders: list[Contender]) -> str:
    names = [contender.name for contender in contenders if contender.name in contest.measured]
    return min(names, key=lambda name: contest.measured[name].median, default="")


def _describe(images: Images) -> str:
    num_images = images.shape[0]
    num_updates = -(-num_images // BATCH_SIZE)
    return f"on {num_images:,} images of {images.source}, batch {BATCH_SIZE}, {num_updates} updates"


BENCHMARKS: dict[str, Callable[[Path, argparse.Namespace], Table]] = {
    "reference": reference,
    "small": small,
    "pca": pca,
    "startup": startup,
    "sweep": sweep,
    "sweep_large": sweep_large,
}


def main() -> int:
    """Run the benchmarks asked for; fails only if a contender broke."""
    options = _parse()
    tables = {}
    for name in [options.benchmark] if options.benchmark else BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            tables[name] = BENCHMARKS[name](Path(folder), options)
        show(tables[name])
    if options.output:
        machine = {"platform": platform.platform(), "python": platform.python_version(), "num_cpus": os.cpu_count()}
        content = {"machine": machine, "repeats": options.repeats}
        content |= {name: as_json(table) for name, table in tables.items()}
        write_json(options.output, json.dumps(content, indent=2) + "\n")
    return 1 if any(table.broken for table in tables.values()) else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmark", nargs="?", choices=list(BENCHMARKS), help="default: all of them")
    parser.add_argument("--repeats", type=int, default=9, metavar="N", help="rounds after the warm-up (default: 9)")
    parser.add_argument("--images", type=int, metavar="N", help="only the first N images (default: all)")
    parser.add_argument("--epochs", type=int, default=50, metavar="N", help="of a sweep's runs (default: 50)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write every number to this JSON file")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats: got {options.repeats}, expected at least 1")
    if options.images is not None and options.images < 2:
        parser.error(f"--images: got {options.images}, expected at least 2")
    return options


if __name__ == "__main__":
    sys.exit(main())
