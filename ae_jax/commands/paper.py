"""`scripts/paper.py`: train what a paper needs and is not there yet, then make its figures and tables.

The runs are those that the paper's sweeps ask for; figures and tables are made anew from their folders each time.
`provenance.json` says from what: runs, config hashes, commits, versions, the SHA-256 of each file, and how the runs
were made, as `table=appendix` has it.
"""

import platform
import unicodedata
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ae_jax.commands import composed
from ae_jax.commands.figures import FIGURES, LOOK
from ae_jax.commands.made import Made, say_what_is_not_counted
from ae_jax.commands.tables import TABLES
from ae_jax.commands.train import train_sweep
from ae_jax.config import compose as composition
from ae_jax.config.check import check_parts
from ae_jax.config.files import check_name
from ae_jax.config.hydra_node import PATHS
from ae_jax.config.overrides import quoted
from ae_jax.config.types import check_type
from ae_jax.errors import UserError, describe
from ae_jax.figures.style import paper_style
from ae_jax.files import check_file_name, make_folder, write_json
from ae_jax.jobs.guard import EXIT_COMPLETED, EXIT_DIVERGED, EXIT_INTERRUPTED, EXIT_MISTAKE, print_mistake
from ae_jax.links import check_links
from ae_jax.report.terminal import print_report
from ae_jax.results import Results, load
from ae_jax.results.provenance import provenance
from ae_jax.runs.environment import code_version, package_versions
from ae_jax.terminal import console, count, say, short_path

_SCHEMA = 1
_LISTS = dict[str, list[str]]
_PARTS: dict[str, Any] = {"title": str, "sweeps": _LISTS, "figures": _LISTS, "tables": _LISTS}
_PACKAGES = ("ae_jax", "duckdb", "flax", "jax", "matplotlib", "numpy", "optax", "scipy")


class Paper(NamedTuple):
    """A paper as its yaml has it, checked.

    Attributes:
        name: Name of its runs' folder and of its own.
        title: Shown when it is made.
        sweeps: Overrides of each sweep.
        figures: The checked config of each figure, by the name of its files.
        tables: The checked config of each table, by the name of its files.
        folder: Where figures and tables go.
    """

    name: str
    title: str
    sweeps: dict[str, list[str]]
    figures: dict[str, dict[str, Any]]
    tables: dict[str, dict[str, Any]]
    folder: Path


def main() -> None:
    """Entry point of `scripts/paper.py`."""
    about = "Train the runs of a paper that are not there yet, and make its figures and tables."
    composed.run("paper", group="paper", about=about, act=make)


def make(asked: dict[str, Any], config_dir: str | None) -> int:
    """Make a paper.

    Args:
        asked: The composed config.
        config_dir: A folder with configs of the user's own.

    Returns:
        The exit code: that of a mistake or bug if a run failed, or a figure or table cannot be made of the runs; the
        others are made all the same. Runs that diverged are results, and shown as such.

    Raises:
        UserError: For a mistake in the paper, its sweeps, its figures or its tables, before anything is trained; or
            if a file cannot be written.
    """
    if (output := console()).is_terminal:
        say(output, "checking the paper: its sweeps, figures and tables")
    paper = checked(asked, config_dir)
    check_links(paper.folder)
    make_folder(paper.folder)
    try:
        return _make(paper, config_dir)
    except (KeyboardInterrupt, SystemExit) as end:
        say(console(errors=True), f"{paper.title}: interrupted; {_AGAIN}")
        if isinstance(end, SystemExit):
            raise
        return EXIT_INTERRUPTED
    except UserError as error:
        print_mistake(error)
        say(console(), f"{paper.title} is not complete: mend what is said above; {_AGAIN}")
        return EXIT_MISTAKE


def _make(paper: Paper, config_dir: str | None) -> int:
    trained = {sweep: _train(paper, overrides, config_dir) for sweep, overrides in paper.sweeps.items()}
    runs = [run for sweep in trained.values() for run in sweep]
    folders = [run.folder for run in runs if run.folder is not None and run.folder.is_dir()]
    if runs and not folders:
        return EXIT_MISTAKE  # each run has said why it cannot be trained
    results = load(folders)
    results.require(what="a paper", one_dataset=False)
    say_what_is_not_counted(results)
    made, failed = {}, list[UserError]()
    for kind, maker, configs in (("figures", FIGURES, paper.figures), ("tables", TABLES, paper.tables)):
        made[kind] = dict[str, list[Path]]()
        for name, config in configs.items():
            try:
                made[kind][name] = maker.make(config, results, paper.folder / kind, name)
            except Exception as error:  # of any figure or table, so that the others are made
                alone = "" if isinstance(error, UserError) else f"look closer with python scripts/{kind}.py"
                failed.append(UserError(f"paper.{kind}.{name}", describe(error), alone))
    write_json(paper.folder / "provenance.json", _provenance(paper, trained, results, made))
    print_report(results, measure="sse")
    for mistake in failed:
        print_mistake(mistake)
    codes = [run.exit_code for run in runs if run.exit_code not in _NO_FAILURE] + [EXIT_MISTAKE] * len(failed)
    parts = f"{count(len(made['figures']), 'figure')}, {count(len(made['tables']), 'table')}, provenance.json"
    done = f"{parts} in {short_path(paper.folder)}"
    if codes:
        missing = [count(len(codes) - len(failed), "run") + " failed"] if len(codes) > len(failed) else []
        missing += [f"{len(failed)} of the figures and tables cannot be made"] if failed else []
        last = f"{paper.title} is not complete: {', '.join(missing)} (mend what is said above; {_AGAIN}); {done}"
    else:
        page = f"python scripts/report.py outputs/{paper.name} --html"
        last = f"{paper.title}: {done}; a page of all runs: {page}"
    say(console(), last)
    return EXIT_MISTAKE if failed else min(codes, default=EXIT_COMPLETED)


_AGAIN = "the same command goes on from here"
_NO_FAILURE = (EXIT_COMPLETED, EXIT_DIVERGED)


def checked(asked: dict[str, Any], config_dir: str | None) -> Paper:
    """A paper from its composed config, with all its sweeps, figures and tables composed and checked.

    Raises:
        UserError: For an unknown key or option, or a wrong type. The message names the sweep, figure or table.
    """
    top = check_parts(asked, plain={**LOOK, "output": str}, components=[], others=["paper"])
    node = asked["paper"]
    if not isinstance(node, dict) or not node.keys() <= {"name", *_PARTS}:
        wrong = sorted(set(node) - {"name", *_PARTS}) if isinstance(node, dict) else [node]
        raise UserError("paper", f"has {wrong[0]!r}", f"it may have {', '.join(_PARTS)}")
    parts = {key: check_type(f"paper.{key}", node.get(key), hint) for key, hint in _PARTS.items()}
    name = check_type("paper.name", node.get("name"), str)
    check_name("paper.name", name)
    for kind in ("figures", "tables"):
        _check_names(f"paper.{kind}", list(parts[kind]))
    for kind, noun in (("sweeps", "override"), ("figures", "option"), ("tables", "option")):
        for one, given in parts[kind].items():
            if not given:
                raise UserError(f"paper.{kind}.{one}", "is empty", f"give it an {noun}, or leave it out")
    for sweep, given in parts["sweeps"].items():
        _check_sweep(f"paper.sweeps.{sweep}", given, config_dir)
    look = [f"{key}={_text(top[key])}" for key in LOOK]
    return Paper(
        name,
        parts["title"],
        parts["sweeps"],
        {
            one: _composed(FIGURES, f"paper.figures.{one}", [*look, *given], config_dir)
            for one, given in parts["figures"].items()
        },
        {
            one: _composed(TABLES, f"paper.tables.{one}", [f"venue={top['venue']}", *given], config_dir)
            for one, given in parts["tables"].items()
        },
        Path(top["output"]) / name,
    )


def _check_names(key: str, names: list[str]) -> None:
    """Refuse names that cannot name files, or would name the same ones where case or accents are not told apart."""
    known: dict[str, str] = {}
    for name in names:
        check_file_name(key, name)
        for file in (name, f"{name}_caption"):
            before = known.setdefault(unicodedata.normalize("NFKC", file).casefold(), name)
            if before != name:
                problem = f"has {before!r} and {name!r}, which are one file on some systems"
                raise UserError(key, problem, "give them names that differ in more")


def _composed(kind: Made, key: str, overrides: list[str], config_dir: str | None) -> dict[str, Any]:
    """The checked config of one figure or table; its runs, name and folder are the paper's."""
    _refuse(key, overrides, ("runs", "name", "output"))
    try:
        config = kind.compose([*overrides, "runs=[]"], config_dir=config_dir)
        if kind is FIGURES:
            with paper_style(config["venue"], width=config["width"], font=config["font"]):
                return config
        return config
    except UserError as error:
        raise UserError(key, str(error)) from error


def _check_sweep(key: str, overrides: list[str], config_dir: str | None) -> None:
    """Compose the sweep with each of its values once, so that a mistake is found before the first run trains."""
    _refuse(key, overrides, ("name", *PATHS))
    try:
        composition.check_sweep(overrides, config_dir=config_dir)
    except UserError as error:
        raise UserError(key, str(error)) from error


def _refuse(key: str, overrides: list[str], names: tuple[str, ...]) -> None:
    for override in overrides:
        if override.partition("=")[0].lstrip("+") in names:
            raise UserError(key, f"{override!r} is for the paper to say", "leave it out")


def _train(paper: Paper, overrides: list[str], config_dir: str | None) -> list[Any]:
    # Whoever asks for a paper asks for all its runs, also those that failed before.
    given = (f"name={quoted(paper.name)}", "runtime.print_config=false", "hydra.launcher.retry_failed=true")
    return train_sweep([*given, *overrides], config_dir=config_dir)


def _provenance(
    paper: Paper, trained: dict[str, list[Any]], results: Results, made: dict[str, dict[str, list[Path]]]
) -> dict[str, Any]:
    """What everything was made from. Without a time, so that the same runs give the same file."""
    status = {run.folder.path.resolve(): run.status for run in results.runs}
    sweeps = {
        name: {"overrides": paper.sweeps[name], "runs": [_describe(run, status.get(run.folder, {})) for run in runs]}
        for name, runs in trained.items()
    }
    configs = {"figures": paper.figures, "tables": paper.tables}
    parts = {
        kind: {
            name: {"config": configs[kind][name], "sha256": {path.name: _digest(path) for path in paths}}
            for name, paths in of_kind.items()
        }
        for kind, of_kind in made.items()
    }
    versions = {"python": platform.python_version(), **package_versions(_PACKAGES)}
    about = {"schema": _SCHEMA, "paper": paper.name, "title": paper.title, **code_version(), "versions": versions}
    return {**about, "sweeps": sweeps, **parts, "appendix": provenance(results)}


def _describe(run: Any, status: dict[str, Any]) -> dict[str, Any]:
    return {
        "folder": str(short_path(run.folder)) if run.folder else None,
        "overrides": run.overrides,
        "state": run.state,
        "config_hash": status.get("config_hash"),
        "git_commit": status.get("git_commit"),
    }


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _text(value: Any) -> str:
    """A value in Hydra's grammar."""
    if value is None:
        return "null"
    return f"[{','.join(value)}]" if isinstance(value, list) else quoted(value)
