"""What all evaluations share: measures are columns of one table, and each says what it is."""

from collections import Counter
from pathlib import Path

import yaml

from ae_jax.config.check import checked_evaluations
from ae_jax.config.targets import bind

FILES = sorted((Path(__file__).parents[2] / "conf" / "evaluation").glob("*.yaml"))


def test_names_of_measures_are_unique_and_each_says_what_it_is():
    nodes = checked_evaluations({path.stem: yaml.safe_load(path.read_text()) for path in FILES})
    measures = [measure for node in nodes.values() for measure in bind(node)().measures]
    assert [name for name, number in Counter(measure.name for measure in measures).items() if number > 1] == []
    assert all(measure.name.isidentifier() and measure.short and measure.label for measure in measures)


def test_each_file_puts_its_evaluation_under_its_name():
    for path in FILES:
        assert path.read_text().startswith(f"# @package evaluations.{path.stem}\n"), path.name
