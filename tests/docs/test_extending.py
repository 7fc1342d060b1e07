"""Every example of docs/extending.md works as it stands there: its files are written, and its commands are run."""

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from ae_jax.commands import evaluate, figures, tables, train
from ae_jax.config import check, kinds, targets
from ae_jax.errors import UserError
from ae_jax.results import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^# (\S+\.(?:py|yaml))$", re.MULTILINE)
FILES = {NAME.search(code)[1]: code for language, code in BLOCKS if language != "sh"}
COMMANDS = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines() if "python" in line]
TRAINED = [command for command in COMMANDS if "train.py" in command]
ASKED = [command for command in COMMANDS if "evaluate.py" in command]
MADE = [command for command in COMMANDS if command not in TRAINED + ASKED]
ENTRIES = {"train": train.main, "evaluate": evaluate.main, "figures": figures.main, "tables": tables.main}
SHORT = ("trainer.num_epochs=2", "trainer.max_train_examples=128", "tracking.mode=disabled")
# What stands in metrics.jsonl of what a command names.
TERMS = {"bottleneck=channel": "power", "objective=consistent": "consistency", "bottleneck=gaussian": "kl"}


@pytest.fixture
def here(sealed, tmp_path, monkeypatch, no_figures):
    """A folder with all files of the page."""
    for name, text in FILES.items():
        path = tmp_path / "here" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "here" / "mine" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "here")
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "mine")
    yield tmp_path / "here"
    for module in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[module]


@pytest.fixture
def type_in(command_line):
    """Run a command of the page, with what is added to it."""

    def run(command: str, *added: str):
        _, script, *arguments = shlex.split(command)
        return command_line(*arguments, *added, entry=ENTRIES[Path(script).stem])

    return run


def test_the_page_has_every_kind():
    groups = {Path(name).parent.relative_to("my_conf").as_posix() for name in FILES if name.endswith(".yaml")}
    assert groups == kinds.KINDS.keys() - {"trainer", "tracking", "optimizer/learning_rate"}
    assert f"export PYTHONPATH=. AE_JAX_ALLOWED_TARGETS=mine\n{TRAINED[0].split(' bottleneck')[0]}" in PAGE


@pytest.mark.parametrize("command", dict.fromkeys(TRAINED))
@pytest.mark.slow
def test_what_is_trained(command, here, type_in):
    ended = type_in(command, *SHORT)
    assert ended.code == 0, ended.err
    (path,) = here.glob("outputs/default/*/metrics.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    summary = json.loads(path.with_name("summary.json").read_text())
    named = [term for word, term in TERMS.items() if word in command.split()]
    assert len(lines) == 2
    for term in ("distortion", *named):
        assert all(line[f"train_{term}"] > 0 and line[f"validation_{term}"] > 0 for line in lines)
        assert summary["test"]["terms"][term] >= 0  # from clean inputs


def test_what_is_asked_is_in_the_summary_and_known_to_the_report(here, type_in):
    (train,) = [command for command in TRAINED if "worst" in command]
    assert type_in(train, *SHORT).code == 0
    (path,) = here.glob("outputs/default/*/summary.json")
    first = json.loads(path.read_text())["evaluations"]["worst"]
    assert first["options"] == {"num_examples": 10}
    assert first["autoencoder"]["test"]["worst_sse"] > first["pca"]["test"]["worst_sse"] > 0
    ended = type_in(ASKED[0])
    assert ended.code == 0, ended.err
    assert "sse of the worst" in ended.out
    again = json.loads(path.read_text())["evaluations"]["worst"]
    assert again["options"] == {"num_examples": 5}
    assert again["autoencoder"]["test"]["worst_sse"] > first["autoencoder"]["test"]["worst_sse"]
    (row,) = load(here / "outputs").sql("select worst_sse, pca_worst_sse from runs where split = 'test'").fetchall()
    assert row == tuple(again[method]["test"]["worst_sse"] for method in ("autoencoder", "pca"))


@pytest.mark.slow
def test_what_is_made_of_runs(here, type_in):
    assert type_in(TRAINED[0], *SHORT).code == 0
    for command in MADE:
        ended = type_in(command, "output=made")
        assert ended.code == 0, ended.err
    made = {path.name for path in (here / "made").iterdir()}
    assert {"mine-seconds-draw.pdf", "mine-seconds-draw_caption.md", "mine-parameters-build.csv"} <= made
    assert "What training takes." in (here / "made" / "mine-seconds-draw_caption.md").read_text()


@pytest.mark.slow
def test_a_value_is_swept_as_one_program(here, type_in):
    assert "`-m bottleneck.noise=0.1,0.2,0.4` trains three runs as one program" in PAGE
    swept = "bottleneck.noise=0.1,0.2,0.4"
    ended = type_in(TRAINED[0], "-m", swept, *SHORT, "hydra.launcher.dry_run=true")
    assert ended.code == 0, ended.err
    assert re.search(r"3 runs.* 1 program", ended.out)


@pytest.mark.parametrize(
    ("group", "name", "wrong", "line"),
    [
        ("bottleneck", "channel", "3", "bottleneck=mine.channel.channel: returned an int, expected a Bottleneck"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("objective", "consistent", "(distortion,)", "objective: returned a tuple, expected a Value"),
                ("corruption", "fading", "x[:, 1:]", "expected the same shape and type"),
                ("loss", "log_cosh", "{}", "loss=mine.log_cosh.log_cosh: returned a dict, expected a Loss"),
                ("optimizer", "signs", "''", "returned a str, expected a GradientTransformation"),
            )
        ),
    ],
)
def test_what_makes_something_else_is_refused_in_one_line(group, name, wrong, line, here, type_in):
    path = here / "mine" / f"{name}.py"
    path.write_text(re.sub(r"return .*\Z", f"return {wrong}\n", path.read_text().strip()))
    ended = type_in(TRAINED[0].partition(" bottleneck")[0], f"{group}={name}", *SHORT)
    assert ended.code == 2
    assert line in ended.err
    assert "training digits" not in ended.out
    assert len(ended.err.strip().splitlines()) == 1


def test_a_model_without_code_width_says_so_to_a_bottleneck_that_takes_more(here, type_in):
    path = here / "mine" / "normed.py"
    path.write_text(path.read_text().replace("        code_width: int,\n", "").replace("code_width * ", ""))
    ended = type_in("python scripts/train.py --config-dir my_conf model=normed bottleneck=gaussian", *SHORT)
    assert ended.code == 2
    assert "bottleneck=gaussian: takes 2 numbers of the encoder for each latent dimension, and the model" in ended.err
    assert "training digits" not in ended.out


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".py")])
def test_options_are_those_of_the_yaml_and_checked(name, here):
    config = next(text for text in FILES.values() if f"_target_: {name[:-3].replace('/', '.')}." in text)
    target = targets.resolve(re.search(r"_target_: (\S+)", config)[1])
    options = {match for match in re.findall(r"^(\w+): ", config, re.MULTILINE) if match != "_target_"}
    assert options == {one for one in targets.parameters(target) if one != "schedule"}


def test_a_bound_of_an_option_is_held(here):
    with pytest.raises(UserError, match=r"^bottleneck\.noise: input should be greater than 0"):
        check._check_component("bottleneck", {"_target_": "mine.channel.channel", "noise": 0.0})
