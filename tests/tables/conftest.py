"""Results made by hand, and tables of them with the options that the yaml files give."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ae_jax.results import Results, load
from ae_jax.tables import Table

CONF = Path(__file__).resolve().parents[2] / "conf" / "table"


@pytest.fixture
def make_results(tmp_path: Path, write_run: Callable[..., Path]) -> Callable[..., Results]:
    """Results of runs that are each given as the keyword arguments of `write_run`."""

    def make(*runs: dict[str, Any]) -> Results:
        for number, run in enumerate(runs):
            write_run(tmp_path / "runs" / f"run{number:03d}", **run)
        return load(tmp_path / "runs")

    return make


@pytest.fixture(scope="session")
def build_table() -> Callable[..., Table]:
    """Build a table by its name, with the options that its yaml has, some changed."""

    def build(name: str, results: Results, **changed: Any) -> Table:
        given = yaml.safe_load((CONF / f"{name}.yaml").read_text())
        module, _, function = given.pop("_target_").rpartition(".")
        return getattr(importlib.import_module(module), function)(results, **given | changed)

    return build


@pytest.fixture(scope="session")
def seeds() -> Callable[..., list[dict[str, Any]]]:
    """The runs of one configuration: a seed for each of the test errors."""

    def make(*errors: float, settings: dict[str, Any] | None = None, **given: Any) -> list[dict[str, Any]]:
        asked = [{**(settings or {}), "seed": seed} for seed in range(len(errors))]
        return [{"settings": one, "sse": error, **given} for one, error in zip(asked, errors, strict=True)]

    return make
