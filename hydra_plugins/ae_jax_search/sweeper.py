"""The class that Hydra finds; what it does is in `_search.py`, which imports Optuna."""

from typing import Any

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
