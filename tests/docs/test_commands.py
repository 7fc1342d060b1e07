"""Every command that is written anywhere is one: its program, options, keys and values exist."""

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from ae_jax.commands import composed, evaluate, figures, report, start, tables
from ae_jax.config import compose as composition
from ae_jax.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def check(command, monkeypatch) -> str | None:
    """What is wrong with a command; None if nothing is."""
    program, *given = command.words
    if program.startswith("ae-"):
        return _check_script(program[3:], given, command.is_form, monkeypatch) if program in PROJECT["scripts"] else "?"
    if re.fullmatch(r"python\d?", program) and given[0] != "-m":
        program, *given = given
    if program.endswith(".py"):
        path = ROOT / "scripts" / Path(program).name
        return _check_script(path.stem, given, command.is_form, monkeypatch) if path.exists() else "no such script"
    return CHECKS[program](given) if program in CHECKS else "nobody knows how to check this program: add it to CHECKS"


def _check_script(name: str, given: list[str], is_form: bool, monkeypatch) -> str | None:
    try:
        if is_form:
            _check_options(name, given)
        elif name == "train":
            _compose_train(given)
        elif name == "benchmark":
            assert {f'"{word}"' for word in given} <= set(re.findall(r'"\w+"', _source(name))), "no such benchmark"
        else:
            MAKE[name](given, monkeypatch)
    except (UserError, AssertionError) as error:
        return str(error)
    except SystemExit as ended:
        return f"exit code {ended.code}" if ended.code else None
    return None


def _source(name: str) -> str:
    """The script, and the module that it calls."""
    text = (ROOT / "scripts" / f"{name}.py").read_text()
    started = re.findall(r"^from ae_jax.commands.start import (\w+)", text, re.MULTILINE)
    called = [getattr(start, one).args[0] for one in started]
    return text + "".join(Path(str(import_module(module).__file__)).read_text() for module in called)


def _check_options(name: str, given: list[str]) -> None:
    for option in re.findall(r"--[a-z-]+", " ".join(given)):
        assert f'"{option}"' in _source(name), f"no option {option}"


def _compose_train(given: list[str]) -> None:
    """Compose and check what the command composes first; of a range the first value, of an interval its beginning."""
    from hydra._internal.utils import get_args_parser

    arguments, unknown = get_args_parser().parse_known_args(given)
    assert not unknown, f"no option {unknown[0]}"
    first = [re.sub(r"=.*interval\(([^,]+),.*", r"=\1", override) for override in arguments.overrides]
    first = [re.sub(r"=([^\[{(']*?),.*", r"=\1", override) for override in first]
    composition.checked(composition.compose(first))


def _parsed(module):
    """Parse the words with the entry point of a module, and do nothing else."""

    def parse(given: list[str], monkeypatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["script", *given])
            patch.setattr(module, "guard", lambda _: 0)
            module.main()

    return parse


MAKE = {
    "figures": lambda given, _: figures.FIGURES.compose(given, config_dir=None),
    "tables": lambda given, _: tables.TABLES.compose(given, config_dir=None),
    # tests/commands checks what each paper asks for.
    "paper": lambda given, _: composed.compose("paper", given, config_dir=None),
    "report": _parsed(report),
    "evaluate": _parsed(evaluate),
}


def _check_pip(given: list[str]) -> str | None:
    extra = re.fullmatch(r"(?:\.|ae_jax)(?:\[(\w+)\])?", given[-1])
    if given[0] != "install" or extra is None:
        return "installs something else"
    return None if extra[1] is None or extra[1] in PROJECT["optional-dependencies"] else f"no extra {extra[1]}"


def _check_make(given: list[str]) -> str | None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return None if {word for word in given if "=" not in word} <= set(targets) else f"no target among {targets}"


def _check_pytest(given: list[str]) -> str | None:
    missing = [path for path in given if not path.startswith("-") and not (ROOT / path).exists()]
    return f"no {missing}" if missing else None


def _check_python_m(given: list[str]) -> str | None:
    path = ROOT / "scripts" / Path(*given[1].split(".")).with_suffix(".py")
    missing = [word for word in given[2:] if word.startswith("--") and f'"{word}"' not in path.read_text()]
    return f"no option {missing}" if missing else None


CHECKS = {
    "pip": _check_pip,
    "make": _check_make,
    "pytest": _check_pytest,
    "python": lambda given: None if given[1] == "peers.NAME" else _check_python_m(given),
    "wandb": lambda given: None if given[0] in ("sync", "sweep", "agent") else "not one of sync, sweep, agent",
    ".venv/bin/pre-commit": lambda given: None if Path(sys.executable).with_name("pre-commit").exists() else "none",
}


@pytest.mark.slow
def test_every_command_fits_its_program(commands, monkeypatch, hydra_put_back):
    assert len(commands) > 60
    problems = {command: check(command, monkeypatch) for command in commands}
    wrong = [f"{command.where}: `{command.text}`: {problem}" for command, problem in problems.items() if problem]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "python scripts/trian.py",
        "python scripts/train.py model.latent_sizes=4",
        "python scripts/train.py -m optimizer=adam,sdg model.latent_size=[4]",
        "python scripts/train.py +sweep=learning_rates",
        "python scripts/figures.py figure=heat_maps runs=outputs",
        "python scripts/report.py outputs --sqll x",
        "python scripts/report.py PATH --sqll",
        "python scripts/benchmark.py everything",
        "ae-reports outputs",
        "make tests",
        "pip install 'ae_jax[pages]'",
        "pytest tests/none",
        "wandb syn x",
        "conda install ae_jax",
    ],
)
def test_what_is_no_command_is_found(text, commands, monkeypatch, hydra_put_back):
    assert check(type(commands[0])("page", text), monkeypatch)
