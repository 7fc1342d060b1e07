"""The only file that imports Hydra: it composes, checks, and hands plain dictionaries on; it lets Hydra run a task.

Everything heavy is imported when it is needed, so that `--help` stays fast.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ae_jax.config.overrides import in_grammar
from ae_jax.errors import UserError
from ae_jax.files import is_folder


def config_folder() -> Path:
    """`conf/`: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parent / "conf"


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
        UserError: See `check.validate`.
    """
    from ae_jax.config.check import validate

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
    from ae_jax.config.mistakes import explain_composition

    return explain_composition(error, config_folder(), config_name, overrides)


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


def hydra_options() -> ArgumentParser:
    """A parser of Hydra's own options and of overrides."""
    from hydra._internal.utils import get_args_parser

    return get_args_parser()


def run_task(arguments: Any, task: Callable[[DictConfig, Path], float | None], sweep: Callable[[], Any]) -> None:
    """Let Hydra run what the arguments ask for.

    Args:
        arguments: Parsed by `hydra_options`, with overrides in Hydra's grammar.
        task: Is called for a job with its composed config and its folder, as far as no launcher trains jobs together;
            returns what sweepers minimise.
        sweep: Gives what trains the jobs of a multirun together, see `Sweep` in hydra_plugins/ae_jax_launcher.

    Raises:
        UserError: If an override or option does not fit.
    """
    import hydra.version
    from hydra._internal import utils
    from hydra.core.hydra_config import HydraConfig

    from hydra_plugins.ae_jax_search import sweeper as search

    def job(composed: DictConfig) -> float | None:
        return task(composed, Path(HydraConfig.get().runtime.output_dir))

    _prepare_hydra()
    search.register()
    # The launcher `vmap` finds it and trains the jobs together; any other launcher calls the task for each job.
    job.sweep = sweep  # type: ignore[attr-defined]
    try:
        # As `hydra.main` does with the arguments that it reads itself, which have to be in its order.
        hydra.version.setbase("1.3")
        parser = utils.get_args_parser()
        utils._run_hydra(arguments, parser, job, config_path=str(config_folder()), config_name="config")
    except Exception as error:
        raise explain(error, overrides=arguments.overrides) from error


def default_config() -> dict[str, Any]:
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

    from ae_jax.config.hydra_guard import guard

    guard(
        loader=ConfigLoaderImpl,
        repository=ConfigRepository,
        result=ConfigResult,
        callbacks=Callbacks,
        current=HydraConfig,
    )

    def name(*, _root_: DictConfig) -> str:
        from ae_jax.config.naming import run_name

        return run_name(checked(_root_))

    def folder(*, _root_: DictConfig) -> str:
        return f"outputs/{_root_.name}/{name(_root_=_root_)}"

    OmegaConf.register_new_resolver("ae_jax.run_name", name, replace=True)
    OmegaConf.register_new_resolver("ae_jax.run_folder", folder, replace=True)
