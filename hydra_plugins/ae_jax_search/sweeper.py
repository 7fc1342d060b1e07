"""The class that Hydra finds; what it does is in `_search.py`, which imports Optuna."""

import warnings
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SearchSweeper(Sweeper):
    """See `_search.Search`. Takes the options of hydra-optuna-sweeper."""

    def __init__(self, **options: Any) -> None:
        from hydra_plugins.ae_jax_search._search import Search

        self._search = Search(**options)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `sweep`."""
        self._search.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> None:
        """Search; the arguments are the overrides of the command line."""
        self._search.sweep(arguments)


def register() -> None:
    """Let `hydra/sweeper=optuna`, where hydra-optuna-sweeper is installed, mean this, with defaults that fit groups.

    `n_jobs` trials are drawn and trained together; their sampler keeps them apart. A diverged one is a failed trial.
    """
    Plugins.instance()  # registers that sweeper's own defaults, which these replace
    try:
        from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf
    except ImportError:
        return

    # Of what is used on purpose, and of a library about another.
    for message in (".*constant_liar.*", "Deprecated API features detected"):
        warnings.filterwarnings("ignore", message=message)

    @dataclass
    class Options(OptunaSweeperConf):
        _target_: str = "hydra_plugins.ae_jax_search.sweeper.SearchSweeper"
        defaults: list[Any] = field(default_factory=lambda: [{"sampler": "batch_tpe"}])
        study_name: str | None = "${name}"
        n_trials: int = 32
        n_jobs: int = 8
        max_failure_rate: float = 1.0

    ConfigStore.instance().store(group="hydra/sweeper", name="optuna", node=Options, provider="ae_jax")
