"""A mistake ends in one line that names the key or file and the way out, with exit code 2; nothing is overwritten.

All of them are in one table, by kind: malformed commands, configs, data files, checkpoints, folders and sweeps.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ae_jax.commands import evaluate, figures, paper, report, tables, train
from ae_jax.experiment.data import _load_dataset

COMMANDS = {
    "train": train.main,
    "evaluate": evaluate.main,
    "report": report.main,
    "figures": figures.main,
    "tables": tables.main,
    "paper": paper.main,
}
# What a line ends in that says what to do, or what would be right.
WAY_OUT = re.compile(r"; \S|input should |must be |expected |did you mean |it is one of ")
# What a run in `run` may write before it fails.
WRITTEN = re.compile(r"run(/(status\.json|config\.json|environment\.json|run\.log|\.lock|\.hydra(/\w+\.yaml)?))?")
METRICS = "run/metrics.jsonl"
# The commands of the run in `run`, and of a tiny one.
SMOKE = ("experiment=smoke", "corruption=masking", "loss=bce", "trainer.num_epochs=4", "tracking.mode=disabled")
TINY = (
    "trainer.num_epochs=1",
    "trainer.max_train_examples=64",
    "model.hidden_sizes=[8]",
    "model.latent_size=2",
    "tracking.mode=disabled",
    "runtime.print_config=false",
)
LONG = "a" * 300
ROW_HEAD = "name,latent_size,measure,value,n,source\n"
ROWS = "1,2\n2,1\n3,5\n" * 10
VALUES = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)

Prepare = Callable[[Path], object]
Cases = dict[str, dict[str, "Case"]]


class Case(NamedTuple):
    """A command that is refused, and what its line has to say.

    Attributes:
        line: How the line begins after `error: `; HERE stands for the working folder. It ends the key or file.
        arguments: Of the command.
        command: Which one.
        prepare: Makes files in the working folder.
        given: `run`: a trained run in `run`; `runs`: four runs, written by hand, in `runs`.
        writes: What may be new or changed afterwards: `run`, a run that says `failed`; `outputs`, a sweep.
        says: What else the line has to say.
        trains: Runs of the sweep that are trained all the same.
        slow: Whether it is left to the slow tests.
    """

    line: str
    arguments: tuple[str, ...]
    command: str = "train"
    prepare: Prepare | None = None
    given: str = ""
    writes: str = ""
    says: str = ""
    trains: int = 0
    slow: bool = False


def train(line: str, *arguments: str, **options: Any) -> Case:
    """Refused before anything is written."""
    return Case(line, arguments, **options)


def fails(line: str, *arguments: str, **options: Any) -> Case:
    """Found only when the data are there or the folder is made: the run folder says `failed`, with the same line."""
    return Case(line, ("hydra.run.dir=run", "runtime.print_config=false", *arguments), writes="run", **options)


def sweep(line: str, *arguments: str, writes: str = "outputs", trains: int = 0, **options: Any) -> Case:
    """A sweep, whose plan only is asked for where nothing of it is to be trained."""
    dry = () if trains else ("hydra.launcher.dry_run=true",)
    return Case(line, ("-m", *TINY, *dry, *arguments), writes=writes, trains=trains, **options)


def config(line: str, content: str | bytes, *arguments: str, name: str = "experiment/own.yaml", says: str = "") -> Case:
    """A file of configs of the user's own."""
    given = arguments or ("experiment=own",)
    return Case(line, ("--config-dir", "own", *given), prepare=file(f"own/{name}", content), says=says)


def data(line: str, name: str, content: Any, *arguments: str, says: str = "") -> Case:
    """A data file of the user's own; the path is the working folder's."""
    prepare = content if callable(content) else file(name, content)
    arguments = ("dataset=array", f"dataset.path={name}", *TINY[:-1], *arguments)
    return fails(line, *arguments, prepare=prepare, says=says)


def measure(line: str, *arguments: str, **options: Any) -> Case:
    """Evaluate the run in `run`."""
    return Case(line, ("run", *arguments), "evaluate", given="run", **options)


def again(line: str, prepare: Prepare, *arguments: str, late: bool = False, writes: str = "") -> Case:
    """Train the run in `run` again, or further."""
    arguments = (*SMOKE, "hydra.run.dir=run", "runtime.print_config=false", *arguments)
    return Case(line, arguments, prepare=prepare, given="run", writes="run" if late else writes)


def made(line: str, command: str, *arguments: str, **options: Any) -> Case:
    """Something made of the runs in `runs`."""
    return Case(line, arguments, command, **{"given": "runs", **options})


def file(name: str, content: str | bytes) -> Prepare:
    """Write a file."""

    def write(here: Path) -> None:
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def npy(values: Any, name: str = "d.npy", **options: Any) -> Prepare:
    """Write an array."""
    return lambda here: np.save(here / name, values, **options)


def npz(**arrays: Any) -> Prepare:
    """Write arrays."""
    return lambda here: np.savez(here / "d.npz", **arrays)


def folder(name: str) -> Prepare:
    """Make a folder."""
    return lambda here: (here / name).mkdir(parents=True)


def link(name: str, to: str) -> Prepare:
    """Make a link in the place of whatever is there."""

    def make(here: Path) -> None:
        remove(name)(here)
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).symlink_to(to)

    return make


def remove(name: str) -> Prepare:
    """Delete a file or folder."""

    def delete(here: Path) -> None:
        path = here / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    return delete


def cut(name: str) -> Prepare:
    """Cut a file, or every file of a folder, in half."""

    def halve(here: Path) -> None:
        paths = [here / name, *(here / name).rglob("*")]
        for path in paths:
            if path.is_file():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return halve


def change(name: str, place: str, value: Any = ...) -> Prepare:
    """Change a value of a JSON file in `run`, or take it out."""

    def edit(here: Path) -> None:
        path = here / "run" / name
        content = json.loads(path.read_text())
        *parents, last = place.split(".")
        node = content
        for parent in parents:
            node = node[parent]
        if value is ...:
            del node[last]
        else:
            node[last] = value
        path.write_text(json.dumps(content))

    return edit


def both(*all_of: Prepare) -> Prepare:
    """One after the other."""
    return lambda here: [prepare(here) for prepare in all_of]


def each_step(act: Callable[[Path], object]) -> Prepare:
    """Do something to each checkpoint of `run`."""
    return lambda here: [act(step) for step in sorted((here / "run" / "checkpoint").iterdir())]


def emptied(step: Path) -> None:
    """Leave a folder empty."""
    shutil.rmtree(step)
    step.mkdir()


def later_schema(step: Path) -> None:
    """What a later version might write."""
    path = step / "_CHECKPOINT_METADATA"
    path.write_text(re.sub(r'"schema": ?\d+', '"schema": 99', path.read_text()))


def of_another_model(here: Path) -> None:
    """Swap the checkpoint with that of another run."""
    remove("run/checkpoint")(here)
    shutil.copytree(Path(__file__).parents[1] / "runs" / "schema1" / "checkpoint", here / "run" / "checkpoint")


def truncated_idx(here: Path) -> None:
    """Files of a published dataset, cut."""
    whole = gzip.compress(bytes(1000), mtime=0)
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"):
        file(f"data/fashion_mnist/{name}.gz", whole[:-9])(here)


PAUSED = change("status.json", "state", "interrupted")
GLOBAL = "# @package _global_\n"
PAPER = "name: own\ntitle: Own\nsweeps: {a: [SWEEP]}\nfigures: {f: [FIGURE]}\ntables: {}\n"


def of_paper(line: str, old: str, new: str, says: str = "") -> Case:
    """A paper of the user's own, with a mistake in it."""
    content = PAPER.replace(old, new).replace("SWEEP", "seed=0").replace("FIGURE", "figure=cost")
    arguments = ("--config-dir", "own", "paper=own")
    return Case(line, arguments, "paper", prepare=file("own/paper/own.yaml", content), says=says)


def slow(cases: dict[str, Case]) -> dict[str, Case]:
    """Cases that take longer than a few tenths of a second together."""
    return {name: case._replace(slow=True) for name, case in cases.items()}


COMMAND = {
    # names
    "group": train("modle: ", "modle=dense", says="is not a key or group of the config; did you mean 'model'"),
    "group-of-another-script": train("figure: is a group of scripts/figures.py; run it there", "figure=cost"),
    "group-added-again": train("experiment: is chosen already; leave out the +", "+experiment=smoke"),
    "option": train("model=densse: there is no such option of model; did you mean 'dense'", "model=densse"),
    "option-far": train("model=transformer: ", "model=transformer", says="valid: "),
    "option-empty": train("model=: there is no such option of model; valid: ", "model="),
    "option-of-hydra": train("hydra/launcher=none: ", "hydra/launcher=none", says="valid: basic, vmap"),
    "debug": train("debug=nan: ", "debug=nan"),
    "key": train("model.latentsize: ", "model.latentsize=3", says="of the config; did you mean 'model.latent"),
    "key-added": train("model.latent_sizes: ", "+model.latent_sizes=3", says="did you mean 'latent_size'"),
    "key-present": train("seed: ", "+seed=1"),
    "key-removed": train("trainer.num_epochs: is missing", "~trainer.num_epochs"),
    "key-removed-value": train("seed: has another value than the one to be taken out", "~seed=5"),
    "key-of-hydra": train("hydra.job.nope: is not a key", "hydra.job.nope=1"),
    "group-removed": train("model: is missing", "~model"),
    "part-null": train("optimizer.schedule: ", "optimizer.schedule=null", says="optimizer/schedule=…"),
    # types
    "float": train(
        "optimizer.learning_rate: input should be a valid number, got 'fast'", "optimizer.learning_rate=fast"
    ),
    "int-text": train("trainer.num_epochs: input should be a valid integer, got 'many'", "trainer.num_epochs=many"),
    "int-empty": train("seed: input should be a valid integer, got ''", "seed="),
    "list": train("model.hidden_sizes: ", "model.hidden_sizes=64", says="write model.hidden_sizes=[…]"),
    "resume": train("resume: input should be 'auto', 'never' or 'must', got 'maybe'", "resume=maybe"),
    "name-empty": train("name: '' cannot name a folder", "name=''"),
    "name-null-byte": train("name: 'a\\x00b' cannot name a folder", "name='a\0b'"),
    # bounds
    "positive": train("optimizer.learning_rate: input should be greater than 0, got 0", "optimizer.learning_rate=0"),
    "beyond-float32": train(
        "optimizer.learning_rate: input should be a number of float", "optimizer.learning_rate=1e39"
    ),
    "fraction": train("corruption.rate: input should be less than or eq", "corruption=masking", "corruption.rate=1.5"),
    "seed-large": train("seed: input should be less than 4294967296", "seed=4294967296"),
    # grammar
    "not-an-override": train("seed: is not an override", "seed"),
    "unclosed": train("model.hidden_sizes=[64: is not an override", "model.hidden_sizes=[64"),
    "lines": train("notes=a b: is not an override", "notes=a\nb"),
    "interpolation": train("seed: ", "seed=${nothing}"),
    "several": train("seed: has several values; add -m", "seed=0,1"),
    # targets
    "target": train("model._target_: 'os.system' is not in an allowed module", "model._target_=os.system"),
    "target-added": train("extra._target_: 'os.system' is not in an allowed module", "+extra={_target_:os.system}"),
    "target-missing": train("model._target_: cannot find", "model._target_=ae_jax.models.dense.Dense"),
    # options
    "unknown-option": train("--nope: is no option here; list the options with --help", "--nope"),
    "option-without-value": train("--config-name: expected one argument", "--config-name"),
    "options-that-exclude": train("--run: and --multirun exclude each other", "--run", "--multirun"),
    "config-name": train("nope: is not a config here; leave out --config-name", "--config-name", "nope"),
    "config-path": train("--config-path: is no folder with configs", "--config-path", "/proc/none"),
    "config-dir": train("--config-dir: none is not a folder", "--config-dir", "none"),
    "resume-must": train(
        "resume=must: there is no run in none; leave it out to begin", "resume=must", "hydra.run.dir=none"
    ),
    "run-folder-long": train(f"{LONG}: File name too long; choose another folder", f"hydra.run.dir={LONG}"),
    "run-folder-below-a-file": train("f", "experiment=smoke", "hydra.run.dir=f/run", prepare=file("f", "content")),
    "run-folder-on-another-system": train("/proc/ae_jax", "experiment=smoke", "hydra.run.dir=/proc/ae_jax/run"),
    # of the other commands
    "evaluate-nothing": Case("RUN: is missing; list the options with --help", (), "evaluate"),
    "report-nothing": Case("PATH: is missing; list the options with --help", (), "report"),
    "report-csv": Case("--csv: goes with --sql", ("runs", "--csv"), "report"),
    "report-output": Case("--output: goes with --html", ("runs", "--output", "x"), "report"),
    "report-both": Case("--html: not allowed with argument --sql", ("runs", "--sql", "select 1", "--html"), "report"),
    "report-measure": made(
        "--measure: there is no 'nope' in these runs; valid: bce", "report", "runs", "--measure", "nope"
    ),
    "report-sql-empty": made("sql: is not one query that reads; write one", "report", "runs", "--sql", ""),
    "report-where": made("where: there is no column 'nope'", "report", "runs", "--where", "nope"),
    **{
        f"report-compare-{name}": made(line, "report", "runs", "--compare", a, b, *given)
        for name, (line, a, b, *given) in {
            "key": ("--compare: there is no column 'modle'; did you mean 'model'?", "modle=dense", "model=dense"),
            "value": ("--compare: no run has model=dens; did you mean 'dense'?", "model=dens", "model=dense"),
            "bare-word": ("--compare: there is no column 'dense'; write", "model=dense or seed=1", "PCA"),
            "grammar": ("--compare: cannot be answered", "seed in (", "PCA"),
            "empty": ("--compare: is empty; write key=value", "", "PCA"),
            "none": ("--compare: holds for none of 4 runs", "seed > 7", "PCA"),
            "pca-twice": ("--compare: both sides are PCA; give", "PCA", "pca"),
            "overlap": ("--compare: both conditions hold for the run 0 and of 1", "seed=0", "model=dense"),
            "measure": ("--measure: there is no 'nope' in these runs", "seed=0", "PCA", "--measure", "nope"),
            "split": ("--split: there is no 'tst'; did you mean 'test'?", "seed=0", "PCA", "--split", "tst"),
            "corrupted": ("measure: sse was not taken", "seed=0", "PCA", "--split", "corrupted"),
        }.items()
    },
    "report-compare-one": made("--compare: expected 2 arguments", "report", "runs", "--compare", "seed=0"),
    "report-split": made("--split: goes with --compare", "report", "runs", "--split", "test"),
    "report-where-empty": made("where: is empty; write a condition", "report", "runs", "--where", " "),
    **{
        f"{command}-{name}": made(
            line.replace("GROUP", group),
            command,
            *(one.replace("GROUP", group) for one in given),
            slow=command == "tables" and name not in ("option", "no-runs", "formats"),
        )
        for command, group in (("figures", "figure"), ("tables", "table"))
        for name, (line, *given) in {
            "option": ("--nope: is no option here", "--nope"),
            "override": ("nope: is not an override", "nope"),
            "key": ("nope: is not a key or group of the config", "nope=1", "runs=runs"),
            "key-of-training": ("model.latent_size: is not a key or group", "model.latent_size=2", "runs=runs"),
            "key-removed": ("name: cannot be taken out of the config; give it a value", "~name", "runs=runs"),
            "group-option": ("GROUP=nope: there is no such option of GROUP", "GROUP=nope", "runs=runs"),
            "part": ("GROUP.nope: is not a key", "GROUP.nope=1", "runs=runs"),
            "target": ("GROUP._target_: 'os.system' is not in", "GROUP._target_=os.system", "runs=runs"),
            "no-runs": ("runs: has no value; give runs=…",),
            "empty-list": ("runs: no folder is given", "runs=[]"),
            "empty-text": ("'': is not a folder", "runs="),
            "formats": ("formats.0: input should be", "formats=[word]", "runs=runs"),
            "no-format": ("formats: none is given; give formats=[", "formats=[]", "runs=runs"),
            "format-text": ("formats: input should be a valid list", "formats=csv", "runs=runs"),
            "name": ("name: '../x' cannot name a file", "name=../x", "runs=runs"),
            "where": ("where: there is no column 'nope'", "where=nope = 1", "runs=runs"),
            "where-grammar": ("where: cannot be answered", "where=1; select 1", "runs=runs"),
            "config-dir": ("--config-dir: none is not a folder", "--config-dir", "none", "runs=runs"),
            "output-is-a-file": ("runs/0/config.json: cannot be written", "output=runs/0/config.json", "runs=runs"),
        }.items()
    },
    "tables-key-of-another-table": made(
        "table.against: is not a key of the chosen options; it is one of table=differences",
        "tables",
        "table.against=x",
        "runs=runs",
    ),
    **{
        f"tables-{name}": made(line, "tables", "runs=runs", *given, prepare=prepare, slow=is_slow)
        for name, is_slow, line, prepare, given in (
            ("against", False, "against: there is no column 'modle'; did you", None, ("table.against=modle=dense",)),
            ("against-all", True, "against: holds for all runs", None, ("table.against=model = 'dense'",)),
            ("against-none", True, "against: no run has seed=7", None, ("table.against=seed=7",)),
            ("against-empty", True, "against: is empty; write", None, ("table.against=",)),
            ("against-grammar", True, "against: cannot be answered", None, ("table.against=model in (",)),
        )
        for given in [("table=differences", *given)]
    },
    **{
        f"tables-external-{name}": made(
            line,
            "tables",
            "runs=runs",
            "table.external=r.csv",
            prepare=file("r.csv", text) if text else None,
            slow=slow,
        )
        for name, slow, line, text in (
            ("none", False, "external: 'r.csv' does not exist; name a CSV file", ""),
            ("column", False, "r.csv: lacks the column value, n, source; its", "name,latent_size,measure\nA,1,sse\n"),
            ("number", True, "r.csv, line 2: value is 'low'; expected a number", f"{ROW_HEAD}A,1,sse,low,3,x\n"),
            ("measure", True, "r.csv, line 2: there is no measure 'see'; did", f"{ROW_HEAD}A,1,see,1,3,x\n"),
            ("nothing", True, "r.csv: has no row for this table (sse, expl", f"{ROW_HEAD}A,1,bce,1,3,x\n"),
            ("binary", True, "r.csv: is no text in UTF-8", b"\xff\xfe\x00"),
        )
    },
    "key-of-none": train("optimizer.momentun: ", "optimizer.momentun=1", says="; valid: optimizer.b1, optimizer.b2, "),
    "figures-venue": made("venue: input should be 'neurips'", "figures", "venue=nope", "runs=runs"),
    "figures-font": made("font: there is no 'Nofont'", "figures", "font=Nofont", "runs=runs"),
    "paper-option": Case("--nope: is no option here", ("--nope",), "paper"),
    "paper-key": Case("nope: is not a key or group of the config", ("nope=1",), "paper"),
    "paper-group-option": Case(
        "paper=nope: there is no such option of paper; valid: ae_vs_pca", ("paper=nope",), "paper"
    ),
    "paper-config-dir": Case("--config-dir: none is not a folder", ("--config-dir", "none"), "paper"),
    **slow(
        {
            "option-several": train("optimizer: has several values; add -m", "optimizer=adam,sgd"),
            "key-of-another-option": train("dataset.path: is not a key of the chosen options; it is", "dataset.path=x"),
            "group-null": train("model", "model=null"),
            "bool-of-hydra": train("hydra.job.chdir: cannot be set (Value 'maybe' is", "hydra.job.chdir=maybe"),
            "tags": train("tags: input should be a valid list, got 'abc'", "tags=abc"),
            "size-huge": train(
                "model.hidden_sizes.0: input should be less than 2147483648", f"model.hidden_sizes=[{10**12}]"
            ),
            "nothing": train("'': is not an override", ""),
            "no-key": train("command: Could not override ''", "=1"),
            "mandatory": train("seed: has no value", "seed=???"),
            "run-folder-empty": train("hydra.run.dir: is empty; name a folder", "hydra.run.dir=''"),
            "report-option": Case("--nope: is no option here", ("runs", "--nope"), "report"),
            "report-column": made("sql: there is no column 'nope'", "report", "runs", "--sql", "select nope from runs"),
            "option-nested": train("optimizer/schedule=cosine: ", "optimizer/schedule=cosine", says="warmup_cosine"),
            "experiment": train("experiment=smoky: ", "experiment=smoky", says="did you mean 'smoke'"),
            "key-runtime": train(
                "runtime.plattform: ", "runtime.plattform=cpu", says="did you mean 'runtime.platform'"
            ),
            "float-nan": train("optimizer.learning_rate: ", "optimizer.learning_rate=nan"),
            "seed-null": train("seed: input should be a valid integer", "seed=null"),
            "list-item": train("model.hidden_sizes.1: ", "model.hidden_sizes=[64,wide]"),
            "bool": train("optimizer.nesterov: ", "optimizer=momentum", "optimizer.nesterov=maybe"),
            "notes": train("notes: input should be a valid string", "notes=[a]"),
            "name-folder": train("name: 'a/b' cannot name a folder", "name=a/b"),
            "interval": train("optimizer.b1: input should be less than 1", "optimizer.b1=1"),
            "nested": train(
                "optimizer.schedule.warmup_fraction: input should be less than or equal to 1",
                "optimizer/schedule=warmup_cosine",
                "optimizer.schedule.warmup_fraction=2",
            ),
            "size": train(
                "model.latent_size: input should be greater than or equal to 1, got 0", "model.latent_size=0"
            ),
            "batch": train("trainer.batch_size: input should be greater than or equal to 1", "trainer.batch_size=0"),
            "seed-negative": train("seed: input should be greater than or equal to 0", "seed=-1"),
            "split-seed": train(
                "dataset.split_seed: input should be greater than or equal to 0", "dataset.split_seed=-1"
            ),
            "environment": train("notes: ", "notes=${oc.env:AE_JAX_NOT_SET}", says="AE_JAX_NOT_SET"),
            "target-imported": train(
                "model._target_: ",
                "model._target_=ae_jax.errors.get_close_matches",
                says="is defined in difflib, outside",
            ),
            "option-choice": train("--cfg: invalid choice: 'nope'", "--cfg", "nope"),
            "search-path": train("hydra.searchpath: none is not a folder", "hydra.searchpath=[file://none]"),
            "run-folder-null": train("hydra.run.dir: cannot be set", "hydra.run.dir=null"),
            "evaluate-option": Case("--nope: is no option here", ("run", "--nope"), "evaluate"),
            "evaluate-option-without-value": Case("--json: expected one argument", ("run", "--json"), "evaluate"),
            "report-sql-writes": made(
                "sql: is not one query that reads", "report", "runs", "--sql", "copy runs to 'x.csv'"
            ),
            "paper-override": Case("nope: is not an override", ("nope",), "paper"),
            "group-added": train("modle: ", "+modle=dense"),
            "group-value": train("model.a: is not a key", "model={a:1}"),
            "option-null": train("trainer=null: there is no such option of trainer; valid: default", "trainer=null"),
            "key-top": train("sede: ", "sede=3", says="did you mean 'seed'"),
            "key-trainer": train(
                "trainer.num_epoch: ", "trainer.num_epoch=3", says="did you mean 'trainer.num_epochs'"
            ),
            "key-added-top": train("foo: is not a key of this config", "+foo=1"),
            "key-forced": train("nope: is not a key of this config; did you mean 'notes'", "++nope=1"),
            "key-added-runtime": train(
                "runtime.debugnans: ", "+runtime.debugnans=true", says="did you mean 'debug_nans'"
            ),
            "key-removed-unknown": train("nope: is not a key or group of the config", "~nope"),
            "group-replaced": train("runtime.platform: is missing", "runtime=null"),
            "package": train("model@x: is not a key or group of the config", "model@x=dense"),
            "float-bool": train("optimizer.learning_rate: ", "optimizer.learning_rate=true"),
            "float-inf": train("optimizer.learning_rate: ", "optimizer.learning_rate=inf"),
            "float-null": train("optimizer.learning_rate: ", "optimizer.learning_rate=null"),
            "int-float": train("model.latent_size: input should be a valid integer, got 1.5", "model.latent_size=1.5"),
            "int-exponent": train(
                "model.latent_size: input should be a valid integer, got 1000.0", "model.latent_size=1e3"
            ),
            "int-quoted": train("seed: input should be a valid integer, got '1'", "seed='1'"),
            "int-list": train("model.latent_size: input should be a valid integer, got [1]", "model.latent_size=[1]"),
            "int-dict": train(
                "model.latent_size: input should be a valid integer, got {'a': 1}", "model.latent_size={a:1}"
            ),
            "seed-float": train("seed: input should be a valid integer", "seed=1.5"),
            "literal": train("model.activation: ", "model.activation=rely", says="did you mean 'relu'"),
            "precision": train("trainer.precision: ", "trainer.precision=float16"),
            "mode": train("tracking.mode: ", "tracking.mode=on"),
            "platform": train("runtime.platform: ", "runtime.platform=quantum"),
            "tags-item": train("tags.0: input should be a valid string, got 1", "tags=[1]"),
            "name-hidden": train("name: '..x' cannot name a folder", "name=..x"),
            "name-lines": train("name: 'a\\nb' cannot name a folder", "name='a\nb'"),
            "name-separator": train("name: 'a\\u2028b' cannot name a folder", "name='a\u2028b'"),
            "name-number": train("name: input should be a valid string, got 5", "name=5"),
            "negative": train(
                "optimizer.learning_rate: input should be greater than 0", "optimizer.learning_rate=-0.1"
            ),
            "beyond-float64": train(
                "optimizer.learning_rate: input should be a finite number", "optimizer.learning_rate=1e400"
            ),
            "scale": train(
                "corruption.scale: input should be greater than", "corruption=gaussian", "corruption.scale=-1"
            ),
            "delta": train("loss.delta: input should be greater than 0", "loss=huber", "loss.delta=0"),
            "sizes": train(
                "model.hidden_sizes.1: input should be greater than or equal to 1, got 0", "model.hidden_sizes=[64,0]"
            ),
            "epochs-huge": train(
                "trainer.num_epochs: input should be less than 2147483648", f"trainer.num_epochs={10**20}"
            ),
            "patience": train("trainer.patience: input should be greater than or equal to 1", "trainer.patience=0"),
            "split-fraction": train("dataset.test_fraction: input should be less than 1", "dataset.test_fraction=1"),
            "letters": train("seéd=1: is not an override", "seéd=1"),
            "digits-of-another-script": train("seed=٣: is not an override", "seed=٣"),
            "several-range": train("seed: has several values; add -m", "seed=range(3)"),
            "target-nested": train(
                "optimizer.schedule._target_: 'os.system' is not", "optimizer.schedule._target_=os.system"
            ),
            "target-list": train(
                "model.hidden_sizes.0._target_: 'builtins.eval'", "model.hidden_sizes=[{_target_:builtins.eval}]"
            ),
            "target-number": train("model._target_: 3 is not in an allowed module", "model._target_=3"),
            "config-name-of-another": train("runs: has no value", "--config-name=figures"),
            "config-dir-file": train("--config-dir: f is not a folder", "--config-dir", "f", prepare=file("f", "")),
            "report-table": made("sql: there is no table 'nope'", "report", "runs", "--sql", "select * from nope"),
            "report-sql-two": made("sql: is not one query that reads", "report", "runs", "--sql", "select 1; select 2"),
            "report-sql-grammar": made("sql: cannot be answered", "report", "runs", "--sql", "selec"),
            "report-where-none": made("where: holds for none of 4 runs", "report", "runs", "--where", "seed = 99"),
            "figures-need": made("runs: have no corruption", "figures", "figure=noise", "runs=runs"),
            "tables-measures": made(
                "measures: there is no 'nope' in these runs", "tables", "table.measures=[nope]", "runs=runs"
            ),
            "paper-part": Case("paper.nope: is not a key", ("paper.nope=1",), "paper"),
            "paper-name": Case("paper.name: '../x' cannot name a folder", ("paper.name=../x",), "paper"),
            "paper-venue": Case("venue: input should be 'neurips'", ("venue=nope",), "paper"),
            "paper-font": Case(
                "paper.figures.error_by_latent_size: font: there is no 'Nofont'", ("font=Nofont",), "paper"
            ),
            "paper-no-format": Case(
                "paper.figures.error_by_latent_size: formats: none is given", ("formats=[]",), "paper"
            ),
            "paper-output": Case(
                "f/ae_vs_pca: cannot be written", ("output=f",), "paper", prepare=file("f", "content")
            ),
        }
    ),
}

CONFIG = {
    "broken": config("HERE/own/experiment/own.yaml: cannot be read", "seed: [1"),
    "tab": config("HERE/own/experiment/own.yaml: cannot be read", "seed:\n\t- 1", says="'\\t'"),
    "binary": config("HERE/own/experiment/own.yaml: holds a null character", b"\x00\x01\x02"),
    "latin-1": config("HERE/own/experiment/own.yaml: is not in UTF-8 (line 2); save", f"{GLOBAL}notes: ü".encode("l1")),
    "utf-16-unmarked": config("HERE/own/experiment/own.yaml: holds a null", f"{GLOBAL}seed: 1".encode("utf-16-le")),
    "empty": config("HERE/own/experiment/own.yaml: is empty", b""),
    "list": config("HERE/own/experiment/own.yaml: holds a list, and no keys and values", f"{GLOBAL}- a\n- b"),
    "without-package": config("experiment: is the name of a group", "seed: 1", says="# @package _global_"),
    "key": config("sede: is not a key of this config; did you mean 'seed'", f"{GLOBAL}sede: 1"),
    "reference": config("seed: Interpolation key 'nope' not found", f"{GLOBAL}seed: '${{nope}}'"),
    "defaults-unknown": config("experiment=nope: there is no such option of experiment", "defaults: [nope]"),
    "defaults-itself": config("defaults: of a config lead back to itself", f"{GLOBAL}defaults: [own]"),
    "empty-folder": config("experiment=own: there is no such option", "", name="experiment/.hidden"),
    "paper-key": of_paper("paper: has 'titel'; it may have title", "title", "titel"),
    "paper-sweep-key": of_paper("paper.sweeps.a: sed: is not a key", "SWEEP", "sed=0"),
    **slow(
        {
            "defaults-option": config(
                "model=nope: there is no such option of model; valid: ",
                f"{GLOBAL}defaults: [override /model: nope]",
            ),
            "key-twice": config(
                "HERE/own/experiment/own.yaml: cannot be read", f"{GLOBAL}seed: 1\nseed: 2", says="duplicate key"
            ),
            "comment": config("HERE/own/experiment/own.yaml: is empty; write KEY: VALUE", f"\ufeff{GLOBAL}"),
            "list-without-package": config("HERE/own/experiment/own.yaml: holds a list", "[1, 2]"),
            "not-utf-8": config("HERE/own/experiment/own.yaml: is not in UTF-8 (line 1)", b"notes: \xff\xfe"),
            "is-a-folder": config("experiment=own: there is no such option", "", name="experiment/own.yaml/file"),
            "config-name": config("resume: is missing", "name: x", "--config-name=own", name="own.yaml"),
            "paper-figure": of_paper("paper.figures.f: figure=nope: there is no such option", "FIGURE", "figure=nope"),
            "two-documents": config("HERE/own/experiment/own.yaml: cannot be read", f"{GLOBAL}seed: 1\n---\nseed: 2"),
            "tag": config("HERE/own/experiment/own.yaml: cannot be read", f"{GLOBAL}seed: !!python/object:os.system 1"),
            "number": config("HERE/own/experiment/own.yaml: cannot be read", "42"),
            "text": config("experiment: is the name of a group", "just text", says="# @package _global_"),
            "other-package": config("nope: is not a key of this config", "# @package nope\nseed: 3"),
            "dotted-key": config("model.latent_size: is not a key of this config", f"{GLOBAL}model.latent_size: 2"),
            "type": config(
                "model.latent_size: input should be a valid integer", f"{GLOBAL}model: {{latent_size: many}}"
            ),
            "part-null": config("model: got None, expected an option of the group model", f"{GLOBAL}model: null"),
            "defaults-group": config(
                "nope: is not a key or group of the config", f"{GLOBAL}defaults: [override /nope: x]"
            ),
            "defaults-number": config("HERE/own/experiment/own.yaml: cannot be read", "defaults: 5"),
            "ending": config("experiment=own: there is no such option", f"{GLOBAL}seed: 1", name="experiment/own.yml"),
            "paper-empty": of_paper("HERE/own/paper/own.yaml: is empty", PAPER, ""),
            "paper-list": of_paper("HERE/own/paper/own.yaml: holds a list", PAPER, "[1]"),
            "paper-title": of_paper("paper.title: input should be a valid string, got None", "title: Own", ""),
            "paper-broken": of_paper("HERE/own/paper/own.yaml: cannot be read", PAPER, "a: [1"),
            "paper-figure-key": of_paper("paper.figures.f: 'output=x' is for the paper to say", "FIGURE", "output=x"),
            "paper-figure-name": of_paper("paper.figures: 'a/b' cannot name a file", "{f:", "{a/b:"),
            "paper-sweep-bound": of_paper(
                "paper.sweeps.a: model.latent_size: input should", "SWEEP", "'model.latent_size=1,0'"
            ),
            "paper-sweep-folder": of_paper(
                "paper.sweeps.a: 'hydra.sweep.dir=x' is for the paper", "SWEEP", "hydra.sweep.dir=x"
            ),
        }
    ),
}

SWEEP = {
    "grammar": sweep("seed=0,,1: is not an override", "seed=0,,1", writes=""),
    "preset-without-plus": sweep("sweep: is a group that the default", "sweep=seeds", says="write +sweep=…", writes=""),
    "folder-is-a-file": sweep(
        "f: File exists; choose another", "hydra.sweep.dir=f", prepare=file("f", "content"), writes=""
    ),
    "max-runs": sweep("hydra.launcher.max_runs: must be at least 1, got 0", "hydra.launcher.max_runs=0", writes=""),
    "sweeper-batch": sweep(
        "hydra.sweeper.max_batch_size: must be at least 1", "hydra.sweeper.max_batch_size=0", writes=""
    ),
    "key-of-one-option": sweep(
        "corruption.rate: is not a key of the chosen options; it is one of corruption=impulse and corruption=mask",
        "corruption=masking,gaussian",
        "corruption.rate=0.1,0.2",
        says="; sweep over each corruption by itself, with its own keys, and give both commands one name=…",
    ),
    "type-late": sweep("seed: input should be a valid integer, got 'x'", "seed=0,x"),
    "latent-late": sweep("model.latent_size: 65 is larger than the 64 features", "model.latent_size=2,65"),
    **slow(
        {
            "retry": sweep(
                "hydra.launcher.retry_failed: cannot be set", "hydra.launcher.retry_failed=maybe", writes=""
            ),
            "no-run": sweep("command: asks for no run; give each key", "seed=range(0)"),
            "launcher": sweep("hydra/launcher=none: there is no such option", "hydra/launcher=none", writes=""),
            "key": sweep("nope: is not a key or group of the config", "seed=0,1", "nope=1,2"),
            "key-added": sweep("nope: is not a key of this config; did you mean 'notes'", "seed=0,1", "+nope=1,2"),
            "option-late": sweep("model=densse: there is no such option of model", "model=dense,densse"),
            "no-option": sweep("command: asks for no run; give each key", "model=glob(zzz*)"),
            "interval": sweep("BasicSweeper: needs every value; list them", "seed=interval(0,1)", writes=""),
            "preset": sweep("sweep=nope: there is no such option of sweep", "+sweep=nope", writes=""),
            "subfolder-elsewhere": sweep(
                "hydra.sweep.subdir: HERE/outputs/x is not", "hydra.sweep.subdir=../x", "seed=0,1"
            ),
            "subfolder-shared": sweep(
                "HERE/outputs/default/same: is asked for by two runs (which differ in seed)",
                "hydra.sweep.subdir=same",
                "seed=0,1",
            ),
            "subfolder-reference": sweep(
                "hydra.sweep.subdir: Interpolation key 'nope'", "hydra.sweep.subdir=${nope}", "seed=0,1"
            ),
            "folder-empty": sweep("hydra.sweep.dir: is empty; name a folder", "hydra.sweep.dir=''", writes=""),
            "max-gib": sweep("hydra.launcher: max_gib must be positive", "hydra.launcher.max_gib=-1", writes=""),
            "launcher-key": sweep("hydra.launcher.nope: is not a key", "hydra.launcher.nope=1", writes=""),
            "sweeper": sweep("hydra/sweeper=nope: there is no such option", "hydra/sweeper=nope", writes=""),
            "sweeper-params": sweep("hydra.sweeper.params: ", "hydra.sweeper.params={nope:'1,2'}", writes=""),
            "search-trials": sweep(
                "hydra.sweeper.n_trials: must be at least 1",
                "hydra/sweeper=optuna",
                "hydra.sweeper.n_trials=0",
                writes="",
            ),
            "resume": sweep("resume: input should be 'auto', 'never' or 'must'", "resume=maybe"),
            "resume-late": sweep("resume: input should be 'auto', 'never' or 'must'", "resume=auto,maybe"),
            "resume-must": sweep("resume=must: there is no run in HERE/outputs/", "resume=must"),
            "dataset-late": sweep("dataset.path: not given", "dataset=digits,array"),
            "loss-late": sweep(
                "loss: its outputs lie in [0, 1]",
                "loss=mse,bce",
                "dataset=array",
                "dataset.path=d.npy",
                prepare=npy(VALUES),
            ),
            "bound-among-good": sweep(
                "seed: input should be greater than or equal to 0, got -1", "seed=0,-1", trains=1
            ),
            "latent-among-good": sweep("model.latent_size: 65 is larger than", "model.latent_size=2,65", trains=1),
            "dataset-among-good": sweep("dataset.path: not given", "dataset=array,digits", trains=1),
        }
    ),
}

DATA = {
    "latent-large": fails("model.latent_size: 65 is larger than the 64 features of the data", "model.latent_size=65"),
    "path-null": fails("dataset.path: not given", "dataset=array"),
    "path-missing": data("dataset.path: no file HERE/none.npy", "none.npy", folder("x")),
    "values-nan": data("HERE/d.csv: 1 values are missing, NaN", "d.csv", f"a,b\n{ROWS}1,\n"),
    "values-truncated": data("HERE/d.npy: is truncated or damaged", "d.npy", both(npy(VALUES), cut("d.npy"))),
    "csv-header": data("dataset.header: not given, and the first line of HERE/d.csv", "d.csv", ROWS),
    "csv-split": data(
        "dataset.label_column: 'split' says which split",
        "d.csv",
        "a,b,split\n" + "1,2,train\n2,1,test\n" * 10,
        "dataset.label_column=split",
    ),
    "idx-missing": fails(
        "HERE/data/mnist/train-images-idx3-ubyte.gz: is missing", "dataset=mnist", prepare=folder("data/mnist")
    ),
    "online": fails("tracking.mode: W&B cannot start online", "tracking.mode=online"),
    **slow(
        {
            "splits": fails(
                "dataset.validation_fraction: ", "dataset.validation_fraction=0.6", "dataset.test_fraction=0.6"
            ),
            "sigmoid-loss": data(
                "loss: its outputs lie in [0, 1], the data of d do",
                "d.npy",
                npy(VALUES),
                "loss=bce",
                "dataset.scaling=unit_interval",
                says="dataset.scaling=unit_interval_clipped",
            ),
            "latent-large-linear": fails("model.latent_size: 65 is larger", "model=linear", "model.latent_size=65"),
            "salt-on-a-table": data(
                "corruption: is for data in [0, 1]", "d.npy", npy(VALUES), "corruption=salt_and_pepper"
            ),
            "sigmoid-link": data("loss: its outputs lie in [0, 1]", "d.npy", npy(VALUES), "loss.link=sigmoid"),
            "path-folder": data("dataset.path: HERE/d.csv is a folder", "d.csv", folder("d.csv")),
            "path-suffix": data("dataset.path: HERE/notes.txt ends in '.txt'", "notes.txt", "a,b\n1,2\n"),
            "path-long": data(f"dataset.path: no file HERE/{LONG}.csv", f"{LONG}.csv", folder("x")),
            "values-text": data("HERE/d.csv, column 'colour': is not numeric", "d.csv", "a,colour\n" + "1,red\n" * 20),
            "values-pickled": data(
                "HERE/d.npy: holds pickled Python objects", "d.npy", npy(np.array([{"a": 1}] * 30), allow_pickle=True)
            ),
            "key-not-npz": data("dataset.key: 'x' names a part of", "d.npy", npy(VALUES), "dataset.key=x"),
            "idx-truncated": fails(
                "HERE/data/fashion_mnist/train-images-idx3-ubyte.gz: is truncated",
                "dataset=fashion_mnist",
                prepare=truncated_idx,
            ),
            "model-larger-than-memory": fails("model: has parameters of ", "model.hidden_sizes=[2000000000]"),
            "path-empty": data("dataset.path: HERE is a folder", "", folder("x")),
            "path-lines": data("dataset.path: no file HERE/a b.csv", "'a\nb.csv'", folder("x")),
            "path-null-byte": data("dataset.path: no file HERE/a\\x00b.csv", "'a\0b.csv'", folder("x")),
            "path-below-a-file": data("dataset.path: no file HERE/f/d.csv", "f/d.csv", file("f", "")),
            "path-pipe": data(
                "dataset.path: HERE/d.csv is not a file", "d.csv", lambda here: os.mkfifo(here / "d.csv")
            ),
            "path-broken-link": data("dataset.path: HERE/d.npy is not a file", "d.npy", link("d.npy", "nope")),
            "path-link-to-itself": data("dataset.path: HERE/d.npy is not a file", "d.npy", link("d.npy", "d.npy")),
            "csv-empty": data("dataset.path: HERE/d.csv is empty", "d.csv", ""),
            "csv-blank": data("HERE/d.csv, column 'column0': has no values", "d.csv", "\n\n\n"),
            "csv-header-only": data("HERE/d.csv, column 'a': has no values", "d.csv", "a,b\n"),
            "csv-one-column": data("model.latent_size: 2 is larger than the 1 features", "d.csv", "a\n" + "1\n2\n" * 9),
            "csv-one-row": data("dataset.validation_fraction: 0.1 of 1 examples leaves", "d.csv", "a,b\n1,2\n"),
            "csv-ragged": data("HERE/d.csv: line 32 has 3 fields, the first", "d.csv", f"a,b\n{ROWS}1,2,3\n"),
            "csv-ragged-short": data("HERE/d.csv: line 32 has 1 field, the first has", "d.csv", f"a,b\n{ROWS}1\n"),
            "csv-not-utf-8": data(
                "HERE/d.csv: is not UTF-8 (byte 0xff in line 1)", "d.csv", b"a,b\xff\n" + b"1,2\n" * 20
            ),
            "csv-binary": data("HERE/d.csv: is in UTF-16, expected UTF-8", "d.csv", b"\xff\xfe\x00" * 40),
            "csv-infinite": data("HERE/d.csv, column 'b': is not numeric", "d.csv", f"a,b\n1,inf\n{ROWS}"),
            "csv-beyond-float32": data("HERE/d.csv: 1 values are missing, NaN, inf", "d.csv", f"a,b\n1,1e39\n{ROWS}"),
            "csv-date": data(
                "HERE/d.csv, column 'b': is not numeric but DATE", "d.csv", "a,b\n" + "1,2020-01-01\n" * 20
            ),
            "csv-column": data(
                "dataset.columns: HERE/d.csv has no column 'c'", "d.csv", f"a,b\n{ROWS}", "dataset.columns=[c]"
            ),
            "csv-no-column": data("dataset.columns: leaves no column", "d.csv", f"a,b\n{ROWS}", "dataset.columns=[]"),
            "csv-column-twice": data(
                "dataset.columns: names a column twice", "d.csv", f"a,b\n{ROWS}", "dataset.columns=[a,a]"
            ),
            "csv-labels": data(
                "dataset.label_column: HERE/d.csv has no", "d.csv", f"a,b\n{ROWS}", "dataset.label_column=c"
            ),
            "npy-empty": data("dataset.path: HERE/d.npy is empty", "d.npy", ""),
            "npy-one-byte": data("HERE/d.npy: is damaged", "d.npy", b"x"),
            "npy-text": data("HERE/d.npy: is damaged", "d.npy", "a,b\n1,2\n"),
            "npy-header-huge": data("HERE/d.npy: is damaged", "d.npy", b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 65535),
            "npy-no-examples": data("dataset.path: HERE/d.npy holds no values", "d.npy", npy(np.zeros((0, 3)))),
            "npy-no-features": data("dataset.path: HERE/d.npy holds no values", "d.npy", npy(np.zeros((60, 0, 3)))),
            "npy-0d": data("dataset.path: HERE/d.npy has shape ()", "d.npy", npy(3.0)),
            "npy-1d": data("dataset.path: HERE/d.npy has shape (5,)", "d.npy", npy(np.arange(5.0))),
            "npy-3d": data(
                "model.latent_size: 7 is larger than the 6",
                "d.npy",
                npy(VALUES.reshape(60, 2, 3)),
                "model.latent_size=7",
            ),
            "npy-complex": data("HERE/d.npy: holds values of type complex128", "d.npy", npy(VALUES.astype(complex))),
            "npy-text-values": data("HERE/d.npy: holds values of type <U1", "d.npy", npy(np.array([["a", "b"]] * 30))),
            "npy-dates": data("HERE/d.npy: holds values of type datetime64", "d.npy", npy(np.zeros((30, 2), "M8[s]"))),
            "npy-records": data(
                "HERE/d.npy: holds values of type [('a'", "d.npy", npy(np.zeros(30, [("a", "f4"), ("b", "f4")]))
            ),
            "npy-few": data("dataset.validation_fraction: 0.1 of 2 examples leaves", "d.npy", npy(VALUES[:2])),
            "npy-nan": data("HERE/d.npy: 90 values are missing, NaN", "d.npy", npy(np.full((30, 3), np.nan))),
            "npy-beyond-float32": data("HERE/d.npy: 360 values are", "d.npy", npy(VALUES.astype(float) * 1e300)),
            "npy-constant": data(
                "dataset.path: all training examples of HERE/d.npy are the same", "d.npy", npy(np.ones((60, 3)))
            ),
            "npy-blurred": data(
                "dataset.scaling: column 0 varies so little", "d.npy", npy(1e6 + VALUES), "dataset.scaling=standardize"
            ),
            "npy-columns": data("dataset.columns: is for tables", "d.npy", npy(VALUES), "dataset.columns=[a]"),
            "npy-labels": data(
                "dataset.label_column: 'y' names a part", "d.npy", npy(VALUES), "dataset.label_column=y"
            ),
            "npy-no-test": data(
                "dataset.test_fraction: 0.001 of 60 examples", "d.npy", npy(VALUES), "dataset.test_fraction=0.001"
            ),
            "npz-several": data("dataset.key: not given, but HERE/d.npz holds 2", "d.npz", npz(a=VALUES, b=VALUES)),
            "npz-key": data("dataset.key: HERE/d.npz holds no array 'b'", "d.npz", npz(a=VALUES), "dataset.key=b"),
            "npz-no-array": data("dataset.key: not given, but HERE/d.npz holds 0", "d.npz", npz()),
            "npz-text": data("HERE/d.npz: is damaged or not a .npz file", "d.npz", "text"),
            "npz-complex": data("HERE/d.npz, array 'a': holds values of", "d.npz", npz(a=VALUES.astype(complex))),
            "npz-labels-few": data(
                "dataset.label_column: labels have shape (5,)",
                "d.npz",
                npz(a=VALUES, y=np.zeros(5)),
                "dataset.label_column=y",
            ),
            "npz-labels-fractions": data(
                "dataset.label_column: holds fractions",
                "d.npz",
                npz(a=VALUES, y=np.full(60, 0.5)),
                "dataset.label_column=y",
            ),
            "parquet-text": data("HERE/d.parquet: is damaged or not a .parquet file", "d.parquet", "a,b\n1,2\n" * 9),
        }
    ),
}

CHECKPOINT = {
    "gone": measure("run/checkpoint: holds no checkpoint", prepare=remove("run/checkpoint")),
    "damaged": measure("run/checkpoint: no checkpoint can be read", prepare=cut("run/checkpoint")),
    "empty": measure("run/checkpoint: holds no", prepare=both(remove("run/checkpoint"), folder("run/checkpoint"))),
    "empty-steps": measure("run/checkpoint: no checkpoint can be read", prepare=each_step(emptied)),
    "later-schema": measure("HERE/run/checkpoint/", prepare=each_step(later_schema), says="has checkpoint schema 99"),
    **slow(
        {
            "a-file": measure(
                "run/checkpoint: holds no", prepare=both(remove("run/checkpoint"), file("run/checkpoint", "x"))
            ),
            "no-numbers": measure(
                "run/checkpoint: holds no checkpoint", prepare=each_step(lambda step: step.rename(f"{step}-best"))
            ),
            "file-steps": measure(
                "run/checkpoint: no checkpoint can be read",
                prepare=each_step(lambda step: (shutil.rmtree(step), step.write_text("x"))),
            ),
            "of-another-model": measure("run/checkpoint: no checkpoint can be read", prepare=of_another_model),
            "continue-damaged": again(
                "HERE/run/checkpoint: no checkpoint", both(PAUSED, cut("run/checkpoint")), late=True
            ),
            "continue-empty": again("HERE/run/checkpoint: no checkpoint", both(PAUSED, each_step(emptied)), late=True),
            "continue-of-another-model": again(
                "HERE/run/checkpoint: no checkpoint", both(PAUSED, of_another_model), late=True
            ),
            "continue-later-schema": again("HERE/run/checkpoint/", both(PAUSED, each_step(later_schema)), late=True),
        }
    ),
}

FOLDER = {
    # of the run that is evaluated
    "config-damaged": measure("run/config.json: cannot be read", prepare=cut("run/config.json")),
    "config-gone": measure("run/config.json: is missing", prepare=remove("run/config.json")),
    "config-target": measure(
        "model._target_: 'os.system' is not in an allowed", prepare=change("config.json", "model._target_", "os.system")
    ),
    "status-list": measure("run/status.json: does not hold a JSON object", prepare=file("run/status.json", "[]")),
    "status-state": measure("run/status.json: does not hold a", prepare=change("status.json", "state", "done")),
    "status-hash": measure("run/config.json: is not the config of", prepare=change("status.json", "config_hash")),
    "status-link-out": measure("run/status.json: cannot be read", prepare=link("run/status.json", "/etc/hostname")),
    "status-broken-link": measure("run/status.json: is missing", prepare=link("run/status.json", "nope")),
    "summary-damaged": measure("run/summary.json: cannot be read", prepare=cut("run/summary.json")),
    "summary-gone": measure("run/summary.json: is missing", prepare=remove("run/summary.json")),
    "summary-part": measure("run/summary.json: cannot be understood", prepare=change("summary.json", "test")),
    "summary-type": measure("run/summary.json: cannot be understood", prepare=change("summary.json", "train", 5)),
    "no-folder": measure("run: is not a folder", prepare=remove("run")),
    "empty-folder": measure("run/", prepare=both(remove("run"), folder("run")), says="is missing"),
    "broken-link": measure("run: is not a folder", prepare=link("run", "nope")),
    "name-long": Case(f"{LONG}: is not a folder", (LONG,), "evaluate"),
    "name-null-byte": Case("a\\x00b: is not a folder", ("a\0b",), "evaluate"),
    "other-features": measure(
        "dataset: has 6 features, the run was train", "dataset=array", "dataset.path=d.npy", prepare=npy(VALUES)
    ),
    "other-option": measure(
        "dataset=digit: there is no such option of dataset; did you mean 'digits'", "dataset=digit"
    ),
    "other-nothing": measure("'': cannot be changed after training", ""),
    "json-below-nothing": measure("none/x.json: cannot be written", "--json", "none/x.json")._replace(slow=True),
    "json-is-a-folder": measure("run: cannot be written", "--json", "run")._replace(slow=True),
    # of the run that is trained again
    "again-status-state": again("run/status.json: does not hold a", change("status.json", "state", "done")),
    "again-status-hash": again("run/status.json: is not that of config.json", change("status.json", "config_hash")),
    "again-summary-damaged": again("run/summary.json: cannot be read", cut("run/summary.json")),
    "again-summary-type": again("run/summary.json: cannot be understood", change("summary.json", "training", [])),
    "again-other-config": again("run: holds a run of another config (differs in seed)", folder("x"), "seed=3"),
    "again-never": again("resume=never: run holds a run already (completed)", folder("x"), "resume=never"),
    **slow(
        {
            "status-damaged": measure("run/status.json: cannot be read", prepare=cut("run/status.json")),
            "summary-schema": measure("run/summary.json: has schema 9", prepare=change("summary.json", "schema", 9)),
            "other-model": measure("model.latent_size=2: cannot be changed after training", "model.latent_size=2"),
            "again-broken-link": again("run: File exists", link("run", "nope")),
            "config-tampered": measure(
                "run/config.json: is not the config of this run", prepare=change("config.json", "seed", 7)
            ),
            "status-binary": measure("run/status.json: cannot be read", prepare=file("run/status.json", b"\xff\x00")),
            "summary-list": measure(
                "run/summary.json: does not hold a JSON object", prepare=file("run/summary.json", "[]")
            ),
            "a-file": measure("run: is not a folder", prepare=both(remove("run"), file("run", "content"))),
            "name-lines": Case("a b: is not a folder", ("a\nb",), "evaluate"),
            "again-status-damaged": again("run/status.json: cannot be read", cut("run/status.json")),
            "again-config-gone": again(
                "run/config.json: is missing",
                both(change("status.json", "config_hash", "0"), remove("run/config.json")),
            ),
            "config-type": measure("seed: input should be a valid integer", prepare=change("config.json", "seed", "x")),
            "config-key": measure("nope: is not a key of this config", prepare=change("config.json", "nope", 1)),
            "config-part-null": measure(
                "model: got None, expected an option", prepare=change("config.json", "model", None)
            ),
            "config-empty": measure("name: is missing", prepare=file("run/config.json", "{}")),
            "status-no-state": measure(
                "run/status.json: does not hold a state", prepare=change("status.json", "state")
            ),
            "status-folder": measure(
                "run/status.json: cannot be read", prepare=both(remove("run/status.json"), folder("run/status.json"))
            ),
            "summary-counts": measure(
                "run/summary.json: cannot be", prepare=change("summary.json", "dataset.counts", None)
            ),
            "other-key": measure("dataset.nope: is not a key", "dataset.nope=1"),
            "other-bound": measure("dataset.split_seed: input should be greater", "dataset.split_seed=-1"),
            "other-without-path": measure("dataset.path: not given", "dataset=array"),
            "again-status-list": again("run/status.json: does not hold a JSON object", file("run/status.json", "[]")),
            "again-status-link": again("run/status.json: is missing", link("run/status.json", "nope")),
            "again-summary-gone": again("run/summary.json: is missing", remove("run/summary.json")),
            "again-paused-never": again("resume=never: run holds a run already (interr", PAUSED, "resume=never"),
            "again-a-file": again("run: File exists", both(remove("run"), file("run", "content"))),
            "again-link-out": again(
                "run/x: is a link that leads out of run, to /tmp", both(PAUSED, link("run/x", "/tmp"))
            ),
            "again-metrics": again(
                "HERE/run/metrics.jsonl: cannot be read in line 2",
                both(PAUSED, file("run/metrics.jsonl", '{"epoch": 1}\nbroken\n{"epoch": 3}\n')),
                late=True,
            ),
        }
    ),
    # of runs from which something is made
    **{
        f"{command}-{name}": made(line, command, given + path, prepare=prepare, slow=command != "report")
        for command, given in (("report", ""), ("figures", "runs="), ("tables", "runs="))
        for name, line, path, prepare in (
            ("none", "none: does not exist", "none", None),
            ("empty", "empty: holds no run folder", "empty", folder("empty")),
            ("a-file", "f: is not a folder", "f", file("f", "")),
            ("broken-link", "link: is not a folder", "link", link("link", "nope")),
            ("long", f"{LONG}: does not exist", LONG, None),
            ("lines", "a b: does not exist", "a\nb", None),
        )
    },
    "report-nowhere": made("'': is not a folder", "report", ""),
    "report-page-below-a-file": made(
        "f: cannot be written", "report", "runs", "--html", "--output", "f/x.html", prepare=file("f", "")
    ),
    "report-page-is-a-folder": made("runs: cannot be written", "report", "runs", "--html", "--output", "runs"),
    "figures-all-damaged": made(
        "runs: none has completed (damaged)",
        "figures",
        "runs=runs",
        prepare=lambda here: [path.write_text("[]") for path in here.glob("runs/*/status.json")],
    ),
    "tables-no-summary": made(
        "runs: none has completed (damaged)",
        "tables",
        "runs=runs",
        prepare=lambda here: [path.unlink() for path in here.glob("runs/*/summary.json")],
    ),
}

_LATENT = "model.latent_size=4"
# Parts that are right by themselves, and do not go together.
TOGETHER = {
    "monitor": fails(
        "trainer.monitor: 'klx' is no term of this objective; did you mean 'kl'?",
        "bottleneck=gaussian",
        "trainer.monitor=klx",
    ),
    "no-density": fails(
        "objective=iwae: weighs latents by their density, and the bottleneck has none; choose bottleneck=gaussian",
        "objective=iwae",
    ),
    "activation": fails(
        "model.latent_activation: is for a code that is the latent; this bottleneck takes 2 numbers",
        "bottleneck=gaussian",
        "model.latent_activation=relu",
    ),
    "top-k": fails(
        "bottleneck.num_active: 5 is more than the 4 latent", "bottleneck=top_k", "bottleneck.num_active=5", _LATENT
    ),
    "width": train("bottleneck.width: is not a key", "bottleneck=gaussian", "+bottleneck.width=3"),
    **slow(
        {
            "vq": fails("bottleneck.num_tokens: 3 parts do not", "bottleneck=vq", "bottleneck.num_tokens=3", _LATENT),
            "sweep": sweep("objective=iwae: weighs", "objective=rate_distortion,iwae", trains=1),
            "sweep-plan": sweep("objective=iwae: weighs", "bottleneck=none,gaussian", "objective=iwae"),
        }
    ),
}

CASES: Cases = {
    "command": COMMAND,
    "together": TOGETHER,
    "config": CONFIG,
    "sweep": SWEEP,
    "data": DATA,
    "checkpoint": CHECKPOINT,
    "folder": FOLDER,
}


@pytest.fixture
def put(write_run, monkeypatch, request) -> Callable[[Case], None]:
    """Put what a case needs into the working folder."""

    def prepared(case: Case) -> None:
        here = Path.cwd()
        monkeypatch.setenv("AE_JAX_DATA_DIR", str(here / "data"))
        if case.given == "run":
            smoke = request.getfixturevalue("smoke")
            shutil.copytree(smoke, here / "run", ignore=shutil.ignore_patterns("figures", "wandb"))
        if case.given == "runs":
            for number in range(4):
                settings = {"model.latent_size": 1 + number // 2, "seed": number % 2}
                write_run(here / "runs" / str(number), settings=settings, sse=2.0 + number)
        if case.prepare is not None:
            case.prepare(here)

    return prepared


# Left to the slow tests because others here say nearly the same.
LIKE_OTHERS = {
    *(
        f"command-report-compare-{name}"
        for name in ("corrupted", "empty", "measure", "none", "overlap", "split", "value")
    ),
    *(f"command-figures-{name}" for name in ("config-dir", "empty-text", "font", "format-text", "key-removed", "name")),
    *(f"command-figures-{name}" for name in ("no-format", "no-runs", "override", "part", "venue", "where-grammar")),
    *(
        f"command-{name}"
        for name in ("tables-external-column", "tables-formats", "tables-no-runs", "paper-group-option")
    ),
    *(f"command-{name}" for name in ("float", "fraction", "int-empty", "key-of-none", "key-removed-value", "several")),
    *(f"command-run-folder-{name}" for name in ("long", "on-another-system")),
    *(f"folder-{name}" for name in ("again-status-state", "again-summary-type", "other-nothing", "status-state")),
    *(f"data-{name}" for name in ("path-null", "values-truncated", "latent-large")),
    *(f"config-{name}" for name in ("utf-16-unmarked", "tab", "latin-1", "binary")),
    "checkpoint-gone",
    "checkpoint-damaged",
    "data-online",
    "sweep-latent-late",
    "sweep-type-late",
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=(name := f"{kind}-{which}"), marks=[pytest.mark.slow] if case.slow or name in LIKE_OTHERS else []
        )
        for kind, cases in CASES.items()
        for which, case in cases.items()
    ],
)
def test_a_mistake_ends_in_one_line_and_overwrites_nothing(case, put, command_line, tree, no_figures):
    if "--html" in case.arguments:
        pytest.importorskip("plotly", reason="the extra `page` is not installed")
    _load_dataset.cache_clear()
    put(case)
    here, before = Path.cwd(), tree(Path.cwd())
    ended = command_line(*case.arguments, entry=COMMANDS[case.command])
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("error: " + case.line.replace("HERE", str(here)))
    assert case.says in line
    assert WAY_OUT.search(line), line
    assert "Traceback" not in ended.out
    after = tree(here)
    touched = {path for path in before.keys() | after.keys() if after.get(path, "gone") != before.get(path, "none")}
    if case.writes == "run":
        touched = {path for path in touched if not WRITTEN.fullmatch(path) and (path != METRICS or path in before)}
        status = json.loads(Path("run/status.json").read_text())
        assert (f"error: {status['error']}", status["state"]) == (line, "failed")
    elif case.writes == "outputs":
        touched = {path for path in touched if path.partition("/")[0] != "outputs" or path in before}
        states = [json.loads(path.read_text())["state"] for path in here.glob("outputs/*/*/status.json")]
        assert states.count("completed") == case.trains
    assert touched == set()


def test_a_sweep_tells_its_mistakes_before_the_first_run_trains(command_line, monkeypatch):
    def not_yet(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ae_jax.jobs.sweep.launch.train_group", not_yet)
    ended = command_line("-m", *TINY, "model.latent_size=2,65", "seed=0,-1")
    lines = ended.err.splitlines()
    assert [line.partition(": ")[2].partition(": ")[0] for line in lines] == ["seed", "model.latent_size", ""]
    assert (lines[-1], ended.code) == ("interrupted", 130)


def test_every_kind_of_mistake_and_every_command_is_in_the_table():
    assert {f"{kind}-{name}" for kind, cases in CASES.items() for name in cases} >= LIKE_OTHERS
    cases = [case for of_kind in CASES.values() for case in of_kind.values()]
    assert len(cases) >= 80
    assert {case.command for case in cases} == COMMANDS.keys()
    assert all(len(of_kind) >= 8 for of_kind in CASES.values())
    assert len({(case.command, case.arguments, case.line) for case in cases}) > 0.9 * len(cases)


def test_the_line_of_a_removed_option_does_not_propose_itself(command_line):
    # corruption.rate is a key of corruption=masking, but not of the default corruption=none.
    ended = command_line("corruption.rate=0.2")
    assert ended.err.startswith("error: corruption.rate: ")
    assert "did you mean 'corruption.rate'" not in ended.err


@pytest.mark.slow
def test_wrong_checksum(tmp_path, data_dir, command_line, monkeypatch):
    _load_dataset.cache_clear()
    copied = shutil.copytree(data_dir / "fashion_mnist", tmp_path / "data" / "fashion_mnist")
    (path,) = copied.glob("t10k-labels-idx1-ubyte*")
    read = gzip.decompress if path.suffix == ".gz" else bytes
    labels = bytearray(read(path.read_bytes()))
    labels[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(labels)) if path.suffix == ".gz" else bytes(labels))
    monkeypatch.setenv("AE_JAX_DATA_DIR", str(tmp_path / "data"))
    quick = ("trainer.num_epochs=1", "trainer.max_train_examples=32", "tracking.mode=disabled")
    ended = command_line("dataset=fashion_mnist", *quick, "hydra.run.dir=run", "runtime.print_config=false")
    assert ended.err.startswith(f"error: {path}: checksum mismatch")
    assert ended.code == 2


def test_a_bug_keeps_its_traceback():
    from ae_jax.jobs.guard import guard

    def broken() -> int:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        guard(broken)


def test_interruption_has_its_exit_code(capsys):
    from ae_jax.jobs.guard import guard

    def interrupted() -> int:
        raise KeyboardInterrupt

    assert guard(interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"
