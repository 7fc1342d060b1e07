"""Paths and conditions are typed as they are, in any folder; what Hydra's grammar has a meaning for keeps it."""

import itertools
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString

from ae_jax.commands.train import _arguments
from ae_jax.config import compose as composition
from ae_jax.config.overrides import in_grammar, quoted

NAMES = [
    *("a b", "Dropbox (Personal)", "ü", "日本", "it's", 'a"b', "a,b", "a=b", "a$b", "[x]", "{x}", "a[1]", "50%", "#1"),
    *(
        "a;b",
        "a&b",
        "~a",
        "!a",
        "2024",
        "1.5",
        "true",
        "a:b",
        "^",
        "`a`",
        "-a",
        " a",
        "a\\",
        "a\\'",
        "choice(a)",
        "<a>",
    ),
]


def meant(override: str, *, sweeps: bool = False) -> object:
    """The value of an override as Hydra understands what is made of it."""
    (parsed,) = OverridesParser.create().parse_overrides(
        in_grammar([override], composition.config_folder(), sweeps=sweeps)
    )
    assert not parsed.is_sweep_override()
    value = parsed.value()
    return value.text if isinstance(value, QuotedString) else value


@pytest.mark.parametrize("key", ["hydra.run.dir", "hydra.sweep.dir", "output", "where", "dataset.path", "runs"])
def test_a_path_needs_no_quotes(key):
    for name in NAMES:
        if key in ("dataset.path", "runs"):
            Path(name).touch()
        for sweeps in (False, True):
            assert str(meant(f"{key}={name}", sweeps=sweeps)) == name
            if key != "dataset.path" or "," not in name:
                assert str(meant(f"{key}=/x/{name}/y", sweeps=sweeps)) == f"/x/{name}/y"


def test_any_key_may_name_a_file_that_is_there():
    Path("a (1)").mkdir()
    assert meant("dataset.root=a (1)") == "a (1)"
    Path("${x}").touch()
    assert meant("dataset.file=${x}") == r"\${x}"  # no reference


@pytest.mark.parametrize(
    "override",
    [
        *(
            "dataset.path=null",
            "runs=[a,b]",
            "runs='a b'",
            'where="seed = 1"',
            "dataset.path=a\\,b",
            "seed=1",
            "output=",
        ),
        *(
            "optimizer.learning_rate=1e-3",
            "model.hidden_sizes=[64,32]",
            "~model",
            "notes=a b",
            "seed",
        ),
    ],
)
def test_what_the_grammar_has_a_meaning_for_keeps_it(override):
    assert in_grammar([override], composition.config_folder()) == [override]


@pytest.mark.parametrize("override", ["dataset.path=a.csv,b.csv", "dataset.path=glob(*)", "dataset.path='a b',c"])
def test_a_sweep_over_files(override):
    assert in_grammar([override], composition.config_folder(), sweeps=True) == [override]


@pytest.mark.parametrize("text", ["", "\\", '\\"', '"', "a\\\\", 'a\\"b\\', "${x}", "a\nb", "\t", "'"])
def test_quoted_is_the_text(text):
    assert meant(f"notes={quoted(text)}") == text


@pytest.mark.parametrize("name", ["Dropbox (Personal)", "ü, 'x' = [1]", 'a"$b', "a${b}", "a?b#c"])
def test_configs_in_a_folder_of_any_name(name, command_line):
    folder = Path(name)
    (folder / "experiment").mkdir(parents=True)
    (folder / "experiment" / "own.yaml").write_text("# @package _global_\nnotes: mine\n")
    assert composition.compose(["experiment=own"], config_dir=name).notes == "mine"
    ended = command_line("--config-dir", name, "experiment=own", "--cfg", "job")
    assert "notes: mine" in ended.out, ended.err


FLAGS = (["-m"], ["--config-dir", "own"], ["seed=0"], ["trainer.num_epochs=2"])


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_options_and_overrides_may_stand_in_any_order(order):
    arguments = _arguments([word for number in order for word in FLAGS[number]])
    assert (arguments.multirun, arguments.config_dir) == (True, "own")
    assert sorted(arguments.overrides) == ["seed=0", "trainer.num_epochs=2"]
