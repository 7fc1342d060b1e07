"""Every file in conf/dataset names a loader, and gives exactly the parameters that the loader has."""

from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from ae_jax.config.naming import CAME_LATER_OF
from ae_jax.datasets import Dataset

FILES = sorted((Path(__file__).parents[2] / "conf" / "dataset").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_config_matches_its_loader(path):
    text = path.read_text()
    assert text.startswith("# ")
    config = yaml.safe_load(text)
    target = config.pop("_target_")
    module, _, name = target.rpartition(".")
    loader = signature(getattr(import_module(module), name))
    assert set(config) == set(loader.parameters)
    assert loader.return_annotation is Dataset
    for parameter in loader.parameters.values():
        assert parameter.kind is Parameter.KEYWORD_ONLY
        # Options that came later have what was done before, which changes no hash: `check._check_component` leaves out
        # what is null, and `naming.config_hash` what is in `CAME_LATER_OF`.
        before = CAME_LATER_OF[target].get(parameter.name)
        assert parameter.default is Parameter.empty or parameter.default == config[parameter.name] == before
        TypeAdapter(parameter.annotation).validate_python(config[parameter.name], strict=True)
