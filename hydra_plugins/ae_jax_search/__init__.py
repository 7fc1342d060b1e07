"""Hydra's sweeper `optuna`, made to be continued. Hydra imports this at every start: it imports nothing heavy."""

from hydra_plugins.ae_jax_search.sweeper import SearchSweeper

__all__ = ["SearchSweeper"]
