"""Every file in conf/dataset names a loader, and gives exactly the parameters that the loader has."""

from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from ae_jax.datasets import Dataset

FILES = sorted((Path(__file__).parents[2] / "conf" / "dataset").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_config_matches_its_loader(path):
    text = path.read_text()
    assert text.startswith("# ")
    config = yaml.safe_load(text)
    module, _, name = config.pop("_target_").rpartition(".")
    loader = signature(getattr(import_module(module), name))
    assert set(config) == set(loader.parameters)
    assert loader.return_annotation is Dataset
    for parameter in loader.parameters.values():
        assert parameter.kind is Parameter.KEYWORD_ONLY
        # Options that came later default to what the yaml has, which changes no hash.
        assert parameter.default in (Parameter.empty, config[parameter.name])
        TypeAdapter(parameter.annotation).validate_python(config[parameter.name], strict=True)
