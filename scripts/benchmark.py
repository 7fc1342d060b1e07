"""Measure this project beside its peers: `python scripts/benchmark.py [reference|small|pca|startup|sweep|…]`.

    reference   an epoch of 784-256-784 on 60,000 images, against PyTorch, Keras and the bare matrix products
    small       an epoch of 784-32-784 on 12,800 images, against PyTorch
    models      epochs of a convolutional and a variational autoencoder, a top-k dictionary and FSQ, against PyTorch
    dictionaries an epoch of 64 sparse dictionaries 784-1,024 as one program, against one after the other, with memory
    pca         the fit on 60,000 images, against scikit-learn
    startup     `train.py --help`, and `import ae_jax`
    sweep       64 small runs as one program, against a process for each, PyTorch, and one after the other; and 256
    sweep_large 4 runs of the reference experiment, against a process for each
    reliability training that can be killed, against the same in plain files: the reference experiment, and 64 runs
    accelerator epochs of one run and of groups of 16 and 64, and a sweep, on a GPU or TPU, against PyTorch on it

Contenders are asked in turn, and a ratio is the median over the rounds, so that a busy machine hits all alike.
Sweeps take minutes, and have two rounds at most; reliability takes up to a minute a round and contender, and has five.
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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from peers.accelerator import accelerator
from peers.contest import Contender, Contest, compete
from peers.images import Images, write_images
from peers.models import NUM_DICTIONARIES, dictionaries, models
from peers.rows import beside
from peers.sweeps import DIGITS_MODEL, RATES, Commands, Point, Way, digits_ways, take_turns
from peers.table import Row, Table, as_json, show, write_json

BATCH_SIZE = 256
WIDTH, SMALL_WIDTH = 256, 32
NUM_SMALL_IMAGES = 12_800
# Rounds of whole sweeps, which take minutes each.
MOST_SWEEPS = 2
MOST_LONG_ROUNDS = 5

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
    """Runs of a small model: 64 as one program, beside other ways to train the same; and 256.

    Times are of whole processes from start to exit, with all that a run leaves; PyTorch leaves metrics and parameters
    only. Before the first round, a throw-away command of each kind fills the compile cache (for `hydra/launcher=basic`
    a single run, as all have the same programs). Where each run has a process of its own, a round takes four of them,
    and multiplies; the result is the mean test error of these four in every row.
    """
    epochs, seeds, basic = options.epochs, range(options.seeds), "hydra/launcher=basic"
    rates = RATES[-options.rates :]
    commands = Commands(folder, [*DIGITS_MODEL, f"trainer.num_epochs={epochs}"])
    ways, sample = digits_ways(commands, rates, seeds, epochs=epochs)
    num_runs = len(rates) * len(seeds)
    ways += [
        Way(
            f"{OURS.name}, {basic}",
            [partial(commands.together, rates, seeds, basic)],
            warm_up=partial(commands.together, rates[:1], seeds[:1], basic),
        ),
        Way(f"{OURS.name}, {4 * num_runs} runs", [partial(commands.together, rates, range(4 * len(seeds)))]),
    ]
    first, alone, torch, one_by_one, large = (way.name for way in ways)
    contest = take_turns(ways, sample, repeats=min(options.repeats, MOST_SWEEPS))
    rows = beside(contest, first, "test sse", least={alone: 8, torch: 6, one_by_one: 1}, most={large: 3.5})
    title = f"sweep: {num_runs} runs of 64-128-16-128-64 on digits, {epochs} epochs, batch 128, whole processes"
    return Table(title, rows, contest.missing, contest.broken)


def sweep_large(folder: Path, options: argparse.Namespace) -> Table:
    """Four runs of the reference experiment, where training takes most of the time, so that a group saves little.

    Apart from `sweep`, as it needs Fashion-MNIST and compares fewer ways. A round takes two of the four processes.
    """
    data_dir = os.environ.get("AE_JAX_DATA_DIR")
    if not data_dir or not (Path(data_dir).expanduser() / "fashion_mnist").is_dir():
        return Table("sweep_large: left out (AE_JAX_DATA_DIR names no folder with fashion_mnist/)", [], {}, {})
    limit = [] if options.images is None else [f"trainer.max_train_examples={options.images}"]
    commands = Commands(folder, ["experiment=dense_784_256", "trainer.num_epochs=3", *limit])
    rates, sample = [5e-4, 1e-3], [Point(5e-4, 0), Point(1e-3, 1)]
    ways = [
        Way(f"{OURS.name}, 4 runs", [partial(commands.together, rates, range(2))]),
        Way(f"{OURS.name}, a process for each run", [partial(commands.alone, point) for point in sample], 2),
    ]
    contest = take_turns(ways, sample, repeats=min(options.repeats, MOST_SWEEPS))
    title = f"sweep_large: 4 runs of 784-{WIDTH}-784 on fashion_mnist, 3 epochs, batch {BATCH_SIZE}, whole processes"
    return Table(title, beside(contest, ways[0].name, "test sse"), contest.missing, contest.broken)


def reliability(folder: Path, options: argparse.Namespace) -> Table:
    """What it costs that nothing is lost: locks, flushing to disk, renaming, checkpoints every ten seconds, digests.

    That is measured against the same records in plain files, and so are the epochs alone. A W&B server that does not
    answer is measured against W&B without a server.
    """
    images = write_images(folder, limit=options.images)
    contests = (
        ("reference", {"plain": "plain files", "epochs": "epochs alone", "full": "nothing lost"}, 1.03),
        ("reference", {"offline": "W&B offline", "hangs": "W&B, its server hangs"}, 1.02),
        ("group", {"plain": "plain files", "epochs": "epochs alone", "full": "nothing lost"}, 1.05),
    )
    rows, missing, broken = [], dict[str, str](), dict[str, str]()
    for case, ways, most in contests:
        what = {"reference": "reference experiment", "group": "64 runs on digits"}[case]
        contenders = [Contender(f"{what}, {name}", "protected", f"{way} {case}") for way, name in ways.items()]
        contest = compete(contenders, repeats=min(options.repeats, MOST_LONG_ROUNDS), images=images.path)
        missing |= contest.missing
        broken |= contest.broken
        rows += beside(contest, contenders[0].name, "loss", most={contenders[-1].name: most})
    return Table(f"reliability: what it costs that nothing is lost, {_describe(images)}", rows, missing, broken)


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
    "models": models,
    "dictionaries": dictionaries,
    "pca": pca,
    "startup": startup,
    "sweep": sweep,
    "sweep_large": sweep_large,
    "reliability": reliability,
    "accelerator": accelerator,
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
    parser.add_argument(
        "--repeats", type=int, default=9, metavar="N", help="rounds after the warm-up (default: 9; of sweeps 2)"
    )
    parser.add_argument("--images", type=int, metavar="N", help="only the first N images (default: all)")
    parser.add_argument("--epochs", type=int, default=50, metavar="N", help="of a sweep's runs (default: 50)")
    parser.add_argument("--seeds", type=int, default=8, metavar="N", help="of a sweep (default: 8)")
    parser.add_argument("--rates", type=int, default=8, metavar="N", help="of a sweep (default: 8, which is all)")
    parser.add_argument(
        "--dictionaries", type=int, default=NUM_DICTIONARIES, metavar="N", help="of that name (default: 64)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write every number to this JSON file")
    options = parser.parse_args()
    for name in ("repeats", "epochs", "seeds", "rates", "dictionaries"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: got {getattr(options, name)}, expected at least 1")
    if options.images is not None and options.images < 2:
        parser.error(f"--images: got {options.images}, expected at least 2")
    return options


if __name__ == "__main__":
    sys.exit(main())
