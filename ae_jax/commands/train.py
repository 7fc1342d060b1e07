"""Train one run, or the runs of a multirun: what is typed, and how it ends.

Everything heavy is imported when a command needs it, so that `--help` stays fast.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ae_jax.config.compose import checked, compose, config_folder, default_config, explain, hydra_options, run_task
from ae_jax.config.overrides import in_grammar
from ae_jax.errors import UserError
from ae_jax.jobs.guard import EXIT_COMPLETED, Parser, guard, print_mistake
from ae_jax.jobs.single import answer_if_ended, train_single
from ae_jax.terminal import console, say


def main() -> None:
    """Entry point of `ae-train` and `scripts/train.py`."""
    sys.exit(guard(_train))


def _train() -> int:
    # With this set, Hydra lets exceptions through to `guard` instead of printing them.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    arguments = _arguments(sys.argv[1:])
    if arguments.run and arguments.multirun:
        raise UserError("--run", "and --multirun exclude each other", "leave one of them out")
    if arguments.experimental_rerun is not None:
        raise UserError(
            "--experimental-rerun", "unpickles its file, which can run any code", "type the overrides again"
        )
    asks = (arguments.help, arguments.hydra_help, arguments.cfg, arguments.info, arguments.shell_completion)
    sweeps = arguments.multirun or any(one.startswith("+sweep=") for one in arguments.overrides)
    if not any(asks) and (sweeps or console().is_terminal):
        say(console(), f"composing the {'sweep' if sweeps else 'run'}")
    if not arguments.multirun and not any(asks) and not arguments.run:
        composed = compose(
            arguments.overrides,
            config_name=arguments.config_name or "config",
            config_dir=arguments.config_dir,
        )
        config = checked(composed)
        ended = answer_if_ended(config, Path(composed.hydra.run.dir)) if composed.hydra.mode is None else None
        if ended is not None:
            return ended
    codes: list[int] = []
    sweep = _run_hydra(codes, arguments)
    if sweep is not None:
        codes += sweep.report()
    return min((code for code in codes if code != EXIT_COMPLETED), default=EXIT_COMPLETED)


def _arguments(given: Sequence[str]) -> Any:
    """The command line of `train.py` with its options, in any order, and its overrides in Hydra's grammar."""
    arguments = Parser(parents=[hydra_options()], add_help=False).parse_intermixed_args(given)
    arguments.overrides = in_grammar(arguments.overrides, config_folder(), sweeps=arguments.multirun)
    return arguments


def train_sweep(overrides: Sequence[str], *, config_dir: str | None = None) -> list[Any]:
    """Train the runs of a multirun that have not ended yet, as `train.py -m` does, and say how it ended.

    Args:
        overrides: As on the command line of a multirun.
        config_dir: A folder with configs of the user's own.

    Returns:
        All runs that it asks for, also those that had ended before: see `sweep.overview.Trial`.

    Raises:
        UserError: For a mistake in the overrides. What fails in a run is in its entry.
    """
    own = ["--config-dir", config_dir] if config_dir else []
    given, sys.argv = sys.argv, [sys.argv[0], "--multirun", *own, *overrides]
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    try:
        sweep = _run_hydra([], _arguments(sys.argv[1:]))
    finally:
        sys.argv = given
    if sweep is None:  # another launcher trained the jobs one by one
        return []
    sweep.report()
    return list(sweep.runs)


def _run_hydra(codes: list[int], arguments: Any) -> Any:
    """Let Hydra run what the arguments ask for; exit codes of single runs are added to `codes`.

    Returns:
        What trained the jobs of a multirun together; None where no launcher asked for it.
    """
    sweep: Any = None

    def asked() -> Any:
        nonlocal sweep
        sweep = sweep or _new_sweep()
        return sweep

    try:
        run_task(arguments, lambda composed, folder: _run_job(composed, folder, codes), asked)
    except Exception:
        # A sweeper that has no completed run to choose from may fail for that; what matters is why each run failed.
        if sweep is None or not sweep.all_failed:
            raise
    return sweep


def _new_sweep() -> Any:
    """Made when a launcher asks for it, as it imports JAX."""
    say(console(), "starting JAX")
    from ae_jax.jobs.sweep.launch import Sweep

    return Sweep(checked, explain)


def _run_job(composed: Any, folder: Path, codes: list[int]) -> float | None:
    """Train one job of Hydra; returns what was monitored in its best epoch, which sweepers minimise.

    A mistake in the data ends this job with its line, and a multirun goes on; one in the command ends all.
    """
    try:
        return train_single(checked(composed), folder, codes, default_config)
    except UserError as error:
        codes.append(print_mistake(error))
        return None
