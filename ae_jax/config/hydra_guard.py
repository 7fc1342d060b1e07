"""Where Hydra is made to ask first: before it acts on a config, reads a file of one, or writes to a folder."""

import functools
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ae_jax.config.files import read, reading
from ae_jax.config.hydra_node import ALLOW, check_hydra_node
from ae_jax.config.targets import added_modules, is_within
from ae_jax.errors import UserError
from ae_jax.files import is_folder
from ae_jax.links import check_links

# Packages with configs for Hydra's search path, which it imports.
_CONFIG_PACKAGES = ("hydra", "hydra_plugins", "ae_jax")
# What a sweep writes to its folder beside the folders of its runs, which are looked at one by one.
_OF_SWEEPS = ("multirun.yaml", "sweep.json", ".groups")


@functools.cache
def guard(*, loader: Any, repository: Any, result: Any, callbacks: Any, current: Any) -> None:
    """Let Hydra see only what is checked, whoever asks: for a job, a sweep, the help, or a command. Once is enough.

    Args:
        loader: Hydra's class that composes configs.
        repository: Its class that finds their files.
        result: Its class of what is read from one.
        callbacks: Its class that is told when a run or a sweep begins, which is before Hydra's first write.
        current: Its class that holds the config that `${hydra:…}` refers to.
    """
    compose, find, load = loader.load_configuration, repository.initialize_sources, repository.load_config

    @functools.wraps(compose)
    def composed(self: Any, config_name: str | None, overrides: list[str], *rest: Any, **options: Any) -> DictConfig:
        try:
            config = compose(self, config_name, overrides, *rest, **options)
        except RecursionError:
            raise UserError("defaults", "of a config lead back to itself", "take it out of its own list") from None
        check_hydra_node(config, overrides)
        return config

    @functools.wraps(find)
    def found(self: Any, config_search_path: Any) -> None:
        for one in config_search_path.get_path():
            _check_source(one.provider, one.path)
        find(self, config_search_path)
        for source in self.get_sources():
            if source.scheme() == "file":
                source.load_config = functools.partial(read_from, source)

    @functools.wraps(load)
    def loaded(self: Any, config_path: str) -> Any:
        home = next((one for one in self.get_sources() if one.is_config(config_path)), None)
        if home is None or home.scheme() != "file":
            return load(self, config_path)
        with reading(Path(home.path) / home._normalize_file_name(config_path)):
            return load(self, config_path)

    def read_from(source: Any, config_path: str) -> Any:
        config, text = read(Path(source.path) / source._normalize_file_name(config_path))
        header = source._get_header_dict(text)
        return result(config=config, path=f"file://{source.path}", provider=source.provider, header=header)

    loader.load_configuration, repository.initialize_sources, repository.load_config = composed, found, loaded
    _guard_folders(callbacks, current)


def _guard_folders(callbacks: Any, current: Any) -> None:
    """Look at the folder of a run or a sweep before Hydra's first write; arguments as `guard`."""
    begin_run, begin_sweep = callbacks.on_run_start, callbacks.on_multirun_start

    @functools.wraps(begin_run)
    def run_begun(self: Any, config: DictConfig, **options: Any) -> None:
        current.instance().set_config(config)
        check_links(Path(str(config.hydra.run.dir)))
        begin_run(self, config, **options)

    @functools.wraps(begin_sweep)
    def sweep_begun(self: Any, config: DictConfig, **options: Any) -> None:
        # The launcher `vmap` looks at each run folder before it is written to; others leave that to Hydra.
        is_ours = str(config.hydra.launcher.get("_target_")).startswith("hydra_plugins.ae_jax_launcher.")
        check_links(Path(str(config.hydra.sweep.dir)), _OF_SWEEPS if is_ours else None)
        begin_sweep(self, config, **options)

    callbacks.on_run_start, callbacks.on_multirun_start = run_begun, sweep_begun


def _check_source(provider: str, path: str) -> None:
    """Refuse to look for configs where there is no folder; or in a package, which is imported, unless it is known."""
    scheme, _, package = path.rpartition("://")
    if provider.startswith("hydra.searchpath") and scheme in ("", "file") and not is_folder(package):
        raise UserError("hydra.searchpath", f"{package} is not a folder", "name the folder that has your configs")
    package = package.replace("/", ".").strip(".")
    if scheme == "pkg" and package and not is_within(f"{package}.", (*_CONFIG_PACKAGES, *added_modules())):
        raise UserError("hydra.searchpath", f"{package!r} is not an allowed package", ALLOW)
