"""The command line: the only file that imports Hydra. It composes, checks, and hands plain dictionaries on.

Everything heavy is imported when a command needs it, so that `--help` stays fast.
"""

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ae_jax.errors import UserError
from ae_jax.experiments.guard import EXIT_COMPLETED, Parser, guard, print_mistake
from ae_jax.experiments.overrides import in_grammar
from ae_jax.experiments.single import answer_if_ended, train_single
from ae_jax.files import is_folder
from ae_jax.terminal import console, say


def config_folder() -> Path:
    """`conf/`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parent / "conf"


def main() -> None:
    """Entry point of `ae-train` and `scripts/train.py`."""
    sys.exit(guard(_train))


def compose(
    overrides: Sequence[str],
    *,
    config_name: str = "config",
    config_dir: str | None = None,
    typed: Sequence[str] = (),
) -> DictConfig:
    """Compose a config as Hydra would for one run, with its own node `hydra`.

    Args:
        overrides: As on the command line.
        config_name: The config at the top.
        config_dir: A folder with configs of the user's own.
        typed: The overrides of the sweep of which this is a run.

    Raises:
        UserError: If an override or option does not fit.
    """
    import hydra

    _prepare_hydra()
    if config_dir and not is_folder(config_dir):
        raise UserError("--config-dir", f"{config_dir} is not a folder", "name the folder that has your configs")
    try:
        with hydra.initialize_config_dir(str(config_folder()), version_base="1.3"):
            if config_dir:
                _search_in(Path(config_dir).resolve())
            given = in_grammar(overrides, config_folder())
            return hydra.compose(config_name, overrides=given, return_hydra_config=True)
    except Exception as error:
        raise explain(error, config_name, typed) from error


def _search_in(folder: Path) -> None:
    """Let Hydra find configs in a folder of the user's, whatever its name is, as it does with `--config-dir`."""
    from hydra.core.config_search_path import SearchPathQuery
    from hydra.core.global_hydra import GlobalHydra

    loader: Any = GlobalHydra.instance().config_loader()
    path = loader.get_search_path()
    path.prepend("command-line", f"file://{folder}", SearchPathQuery(provider="schema"))
    loader.repository.initialize_sources(path)


def checked(composed: DictConfig) -> dict[str, Any]:
    """The checked config of a composed one: a plain dictionary without Hydra's own node.

    Raises:
        UserError: See `config.validate`.
    """
    from ae_jax.experiments.config import validate

    return validate(plain(composed))


def plain(composed: DictConfig) -> dict[str, Any]:
    """A composed config as a dictionary, without Hydra's own node.

    Raises:
        UserError: If a value is missing, or refers to what does not exist.
    """
    from omegaconf.errors import OmegaConfBaseException

    try:
        return {str(name): _plain(composed[name]) for name in composed if name != "hydra"}
    except OmegaConfBaseException as error:
        raise explain(error) from error


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True, throw_on_missing=True) if OmegaConf.is_config(node) else node


def explain(error: BaseException, config_name: str = "config", overrides: Sequence[str] = ()) -> BaseException:
    """The user's mistake behind an exception of Hydra or OmegaConf; any other exception as it is."""
    from ae_jax.experiments.explain import explain_composition

    return explain_composition(error, config_folder(), config_name, overrides)


def _train() -> int:
    # With this set, Hydra lets exceptions through to `guard` instead of printing them.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    _prepare_hydra()
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
    _run_hydra(codes, arguments)
    if _sweep.cache_info().currsize:
        codes += _sweep().report()
    return min((code for code in codes if code != EXIT_COMPLETED), default=EXIT_COMPLETED)


def _arguments(given: Sequence[str]) -> Any:
    """The command line of `train.py` with its options, in any order, and its overrides in Hydra's grammar."""
    from hydra._internal.utils import get_args_parser

    arguments = Parser(parents=[get_args_parser()], add_help=False).parse_intermixed_args(given)
    arguments.overrides = in_grammar(arguments.overrides, config_folder(), sweeps=arguments.multirun)
    return arguments


def train_sweep(overrides: Sequence[str], *, config_dir: str | None = None) -> list[Any]:
    """Train the runs of a multirun that have not ended yet, as `train.py -m` does, and say how it ended.

    Args:
        overrides: As on the command line of a multirun.
        config_dir: A folder with configs of the user's own.

    Returns:
        All runs that it asks for, also those that had ended before: see `sweep.overview.Run`.

    Raises:
        UserError: For a mistake in the overrides. What fails in a run is in its entry.
    """
    own = ["--config-dir", config_dir] if config_dir else []
    given, sys.argv = sys.argv, [sys.argv[0], "--multirun", *own, *overrides]
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    _prepare_hydra()
    try:
        _run_hydra([], _arguments(sys.argv[1:]))
    finally:
        sys.argv = given
    _sweep().report()
    return _sweep().runs


def check_sweep(overrides: Sequence[str], *, config_dir: str | None = None) -> None:
    """Compose and check the config of a multirun with each of its values once; nothing is trained.

    Raises:
        UserError: For a mistake in an override, in any of its values, or in what they compose to.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    try:
        parsed = OverridesParser.create().parse_overrides(in_grammar(overrides, config_folder(), sweeps=True))
    except Exception as error:
        raise explain(error) from error
    choices = [
        [f"{one.get_key_element()}={value}" for value in one.sweep_string_iterator()]
        if one.is_sweep_override()
        else [str(one.input_line)]
        for one in parsed
    ]
    first = [given[0] for given in choices]
    others = [[*first[:at], value, *first[at + 1 :]] for at, given in enumerate(choices) for value in given[1:]]
    for one in (first, *others):
        checked(compose(one, config_dir=config_dir, typed=overrides))


def _run_hydra(codes: list[int], arguments: Any) -> None:
    """Let Hydra run what the arguments ask for; exit codes of single runs are added to `codes`."""
    import hydra.version
    from hydra._internal import utils

    from hydra_plugins.ae_jax_search import sweeper as search

    def task(composed: DictConfig) -> float | None:
        return _run_job(composed, codes)

    search.register()
    # The launcher `vmap` finds it and trains the jobs together; any other launcher calls the task for each job.
    task.sweep = _sweep  # type: ignore[attr-defined]
    _sweep.cache_clear()
    try:
        # As `hydra.main` does with the arguments that it reads itself, which have to be in its order.
        hydra.version.setbase("1.3")
        parser = utils.get_args_parser()
        utils._run_hydra(arguments, parser, task, config_path=str(config_folder()), config_name="config")
    except Exception as error:
        # A sweeper that has no completed run to choose from may fail for that; what matters is why each run failed.
        if not (_sweep.cache_info().currsize and _sweep().all_failed):
            raise explain(error, overrides=arguments.overrides) from error


@functools.cache
def _sweep() -> Any:
    """What trains the jobs of a multirun together; made when a launcher asks for it, as it imports JAX."""
    say(console(), "starting JAX")
    from ae_jax.experiments.sweep.launch import Sweep

    return Sweep(checked, explain)


def _run_job(composed: DictConfig, codes: list[int]) -> float | None:
    """Train one job of Hydra; returns the best validation loss, which sweepers minimise.

    A mistake in the data ends this job with its line, and a multirun goes on; one in the command ends all.
    """
    from hydra.core.hydra_config import HydraConfig

    try:
        return train_single(checked(composed), Path(HydraConfig.get().runtime.output_dir), codes, _default)
    except UserError as error:
        codes.append(print_mistake(error))
        return None


def _default() -> dict[str, Any]:
    """The checked config that nobody has changed; while Hydra runs a job."""
    import hydra

    return checked(hydra.compose("config"))


def _prepare_hydra() -> None:
    """Let Hydra act on nothing that `hydra_node` has not checked, and resolve the names of runs."""
    from hydra._internal.callbacks import Callbacks
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.config_repository import ConfigRepository
    from hydra.core.hydra_config import HydraConfig
    from hydra.plugins.config_source import ConfigResult

    from ae_jax.experiments.hydra_guard import guard

    guard(
        loader=ConfigLoaderImpl,
        repository=ConfigRepository,
        result=ConfigResult,
        callbacks=Callbacks,
        current=HydraConfig,
    )

    def name(*, _root_: DictConfig) -> str:
        from ae_jax.experiments.naming import run_name

        return run_name(checked(_root_))

    def folder(*, _root_: DictConfig) -> str:
        return f"outputs/{_root_.name}/{name(_root_=_root_)}"

    OmegaConf.register_new_resolver("ae_jax.run_name", name, replace=True)
    OmegaConf.register_new_resolver("ae_jax.run_folder", folder, replace=True)
