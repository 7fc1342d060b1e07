"""A folder of configs from a stranger runs nothing and writes nowhere else, by whatever way Hydra would let it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ae_jax.commands import paper
from ae_jax.config import compose as composition
from ae_jax.errors import UserError

OPEN = "{_target_: builtins.open, file: CANARY, mode: w}"
OPTUNA = "defaults: [{override /hydra/sweeper: optuna}]\n"

# What a file says -> the key that the message names.
ATTACKS = {
    "callback": (f"hydra: {{callbacks: {{x: {OPEN}}}}}", "hydra.callbacks.x._target_"),
    "part-of-a-callback": (
        "hydra: {callbacks: {x: {_target_: hydra.experimental.callback.Callback, y: OPEN}}}".replace("OPEN", OPEN),
        "hydra.callbacks.x._target_",
    ),
    "callback-by-reference": (f"evil: {OPEN}\nhydra: {{callbacks: {{x: '${{evil}}'}}}}", "hydra.callbacks.x"),
    "callbacks-by-reference": (f"evil: {{x: {OPEN}}}\nhydra: {{callbacks: '${{evil}}'}}", "hydra.callbacks"),
    "target-by-reference": (
        "evil: builtins.open\nhydra: {callbacks: {x: {_target_: '${evil}', file: CANARY, mode: w}}}",
        "hydra.callbacks.x._target_",
    ),
    "launcher": ("hydra: {launcher: {_target_: builtins.exit}}", "hydra.launcher._target_"),
    "sweeper": ("hydra: {sweeper: {_target_: builtins.exit}}", "hydra.sweeper._target_"),
    "part-of-the-sweeper": (f"{OPTUNA}hydra: {{sweeper: {{storage: {OPEN}}}}}", "hydra.sweeper.storage._target_"),
    "search-space": (
        f"{OPTUNA}hydra: {{sweeper: {{custom_search_space: os.system}}}}",
        "hydra.sweeper.custom_search_space",
    ),
    "sampler": (
        f"{OPTUNA}hydra: {{sweeper: {{sampler: {{_target_: optuna.samplers._base.os.system}}}}}}",
        "hydra.sweeper.sampler._target_",
    ),
    "log-factory": (
        "hydra: {job_logging: {formatters: {x: {(): builtins.open, file: CANARY, mode: w}}}}",
        "hydra.job_logging.formatters.x.class",
    ),
    "log-formatter": (
        "hydra: {hydra_logging: {formatters: {x: {class: os.system}}}}",
        "hydra.hydra_logging.formatters.x.class",
    ),
    "log-handler": (
        "hydra: {job_logging: {handlers: {x: {class: logging.handlers.SocketHandler, host: h, port: 1}}}}",
        "hydra.job_logging.handlers.x.class",
    ),
    "log-handler-factory": (
        "hydra: {job_logging: {handlers: {x: {(): logging.StreamHandler}}}}",
        "hydra.job_logging.handlers.x.class",
    ),
    "log-file": (
        "hydra: {job_logging: {handlers: {x: {class: logging.FileHandler, filename: CANARY}}}}",
        "hydra.job_logging.handlers.x.filename",
    ),
    "log-file-above": (
        "hydra: {job_logging: {handlers: {x: {class: logging.FileHandler, "
        "filename: '${hydra.runtime.output_dir}/../x.log'}}}}",
        "hydra.job_logging.handlers.x.filename",
    ),
    "log-stream": (
        "hydra: {hydra_logging: {handlers: {x: {class: logging.StreamHandler, stream: ext://antigravity.fly}}}}",
        "hydra.hydra_logging.handlers.x.stream",
    ),
    "log-address": ("hydra: {job_logging: {root: {level: ext://os.name}}}", "hydra.job_logging.root"),
    "log-version": ("hydra: {job_logging: {version: ext://antigravity}}", "hydra.job_logging.version"),
    "log-root-logger": (
        "hydra: {job_logging: {loggers: {root: {level: ext://antigravity}}}}",
        "hydra.job_logging.loggers.root",
    ),
    "log-by-reference": ("evil: {}\nhydra: {job_logging: {handlers: '${evil}'}}", "hydra.job_logging.handlers"),
    "log-filter": ("hydra: {job_logging: {filters: {x: {(): os.getcwd}}}}", "hydra.job_logging.filters"),
    "log-property": (
        "hydra: {job_logging: {handlers: {x: {class: logging.StreamHandler, .: {a: 1}}}}}",
        "hydra.job_logging.handlers.x..",
    ),
    "environment": (
        "hydra: {job: {env_set: {AE_JAX_ALLOWED_TARGETS: os}}}",
        "hydra.job.env_set.AE_JAX_ALLOWED_TARGETS",
    ),
    "environment-by-reference": ("evil: {A: b}\nhydra: {job: {env_set: '${evil}'}}", "hydra.job.env_set"),
    "run-folder": ("hydra: {run: {dir: CANARY}}", "hydra.run.dir"),
    "run-folder-above": ("hydra: {run: {dir: a/../../x}}", "hydra.run.dir"),
    "sweep-folder": ("hydra: {sweep: {dir: CANARY}}", "hydra.sweep.dir"),
    "sweep-subfolder": ("hydra: {sweep: {subdir: ../../x}}", "hydra.sweep.subdir"),
    "output-folder": ("hydra: {output_subdir: ../../x}", "hydra.output_subdir"),
    "storage": (f"{OPTUNA}hydra: {{sweeper: {{storage: 'redis://evil'}}}}", "hydra.sweeper.storage"),
    "storage-elsewhere": (f"{OPTUNA}hydra: {{sweeper: {{storage: 'sqlite:////tmp/x.db'}}}}", "hydra.sweeper.storage"),
    "swept-folder": ("hydra: {sweeper: {params: {hydra.run.dir: 'a,b'}}}", "hydra.sweeper.params.hydra.run.dir"),
    "swept-override": (
        "hydra: {sweeper: {params: {'hydra.run.dir=x y': '1'}}}",
        "hydra.sweeper.params.hydra.run.dir=x y",
    ),
    "typed-folder": ("hydra: {run: {dir: CANARY}, overrides: {hydra: ['hydra.run.dir=x']}}", "hydra.overrides"),
    "name": ("name: ../../x", "name"),
    "name-by-reference": ("evil: ../../x\nname: ${evil}", "name"),
    "job-name": ("hydra: {job: {name: ../../x}}", "hydra.job.name"),
}


@pytest.fixture
def theirs(tmp_path: Path) -> Callable[[str], str]:
    """A folder of configs with `experiment/theirs.yaml`; `CANARY` in it is a path that must not come to be."""

    def write(content: str) -> str:
        folder = tmp_path / "theirs"
        (folder / "experiment").mkdir(parents=True)
        content = content.replace("CANARY", str(tmp_path / "canary"))
        (folder / "experiment" / "theirs.yaml").write_text(f"# @package _global_\n{content}\n")
        return f"--config-dir={folder}"

    return write


FIRST = ("callback", "callback-by-reference", "launcher", "sampler", "log-version", "environment", "run-folder", "name")


@pytest.mark.parametrize(("content", "key"), [ATTACKS[name] for name in FIRST], ids=FIRST)
def test_what_a_config_of_a_stranger_says_is_refused_by_its_key(content, key, theirs):
    folder = theirs(content).partition("=")[2]
    with pytest.raises(UserError) as refused:
        composition.compose(["experiment=theirs"], config_dir=folder)
    assert refused.value.subject == key


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["run", "sweep"])
@pytest.mark.parametrize(("content", "key"), ATTACKS.values(), ids=ATTACKS)
def test_a_config_of_a_stranger_runs_and_writes_nothing(mode, content, key, theirs, command_line, tmp_path):
    sweep = ["-m", "seed=0,1"] if mode == "sweep" else []
    arguments = [theirs(content), *sweep, "experiment=theirs"]
    before = set(tmp_path.rglob("*"))
    ended = command_line(*arguments)
    assert ended.code == 2, ended
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert lines[-1].startswith(f"error: {key}: "), ended.err
    assert "Traceback" not in ended.err
    assert set(tmp_path.rglob("*")) - before == set()


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--help", "--hydra-help", "--cfg=job", "--info=config"])
def test_neither_does_the_help(option, theirs, command_line, tmp_path):
    ended = command_line(theirs(ATTACKS["log-factory"][0]), "experiment=theirs", option)
    assert (ended.code, (tmp_path / "canary").exists()) == (2, False)


@pytest.mark.slow
def test_a_job_of_a_sweep_is_checked_by_itself(theirs, command_line, tmp_path):
    ended = command_line(theirs(ATTACKS["environment"][0]), "-m", "experiment=smoke,theirs", "trainer.num_epochs=1")
    assert ended.code == 2
    assert "hydra.job.env_set.AE_JAX_ALLOWED_TARGETS: cannot be set by a config" in ended.err


@pytest.mark.parametrize("command", ["figures", "tables", "paper"])
def test_other_commands_write_where_they_are_told_on_the_command_line(command, tmp_path):
    group = command.removesuffix("s")
    (tmp_path / group).mkdir()
    (tmp_path / group / "theirs.yaml").write_text("# @package _global_\noutput: /somewhere\n")
    composed = composition.compose([f"{group}=theirs"], config_name=command, config_dir=str(tmp_path))
    assert composed.output.startswith("outputs/")


@pytest.mark.parametrize("override", ["hydra.run.dir=/x", "+hydra.sweep.dir=/x", "hydra.sweeper.storage=redis://x"])
def test_a_paper_does_not_say_where_its_runs_go(override):
    with pytest.raises(UserError, match=r"^paper: .* is for the paper to say"):
        paper._check_sweep("paper", [override], None)


def test_a_rerun_is_refused_as_it_unpickles(command_line, tmp_path):
    (tmp_path / "config.pickle").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    ended = command_line(f"--experimental-rerun={tmp_path / 'config.pickle'}")
    assert ended.code == 2
    assert ended.err.startswith("error: --experimental-rerun: ")


def test_a_search_path_imports_no_package(tmp_path, command_line, monkeypatch):
    (tmp_path / "evil_package").mkdir()
    (tmp_path / "evil_package" / "__init__.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    config = "defaults: [config, _self_]\nhydra: {searchpath: ['pkg://evil_package']}"
    (tmp_path / "theirs.yaml").write_text(config)
    ended = command_line(f"--config-dir={tmp_path}", "--config-name=theirs", "--run")
    assert (ended.code, (tmp_path / "canary").exists()) == (2, False)
    assert "error: hydra.searchpath: 'evil_package' is not an allowed package" in ended.err


BOMB = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BOMB.encode(), "stands for more than 100000 values"),
        (b"a: &a [*a]", "has an anchor that contains itself"),
        (b"a: &b 1\nb: *b\nc: " + b"[" * 10_000 + b"]" * 10_000, "is nested too deeply"),
        (b"a: " + b"[" * 10_000 + b"]" * 10_000, ""),
        (b"a: &b\xff 1\nb: *b", "is not in UTF-8 (line 2)"),
        (b"a: \xff", ""),
        (b"a: [1", ""),
        (b"a: !!python/object/apply:os.system ['touch canary']", ""),
        (b"x: 0\n" * 300_000, "is larger than 1048576 bytes"),
        (b"[1, 2]", ""),
        (b"defaults: 5", ""),
        (b"defaults: [{a: {b: c}}]", ""),
        (b"seed: ${", ""),
    ],
)
def test_a_file_that_is_no_config_ends_in_one_line(content, problem, theirs, command_line, tmp_path):
    argument = theirs("")
    (tmp_path / "theirs" / "experiment" / "theirs.yaml").write_bytes(b"# @package _global_\n" + content)
    ended = command_line(argument, "experiment=theirs")
    assert ended.code == 2
    assert problem in ended.err
    assert ended.err.count("error: ") == len(ended.err.strip().splitlines()) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_as_editors_write_it_is_read(encoding, end, theirs, tmp_path):
    folder = theirs("").partition("=")[2]
    text = f'# @package _global_{end}{end}seed: 3{end}notes: "ü"{end}'
    (tmp_path / "theirs" / "experiment" / "theirs.yaml").write_bytes(text.encode(encoding))
    composed = composition.compose(["experiment=theirs"], config_dir=folder)
    assert (composed.seed, composed.notes) == (3, "ü")


@pytest.mark.slow
def test_what_comes_with_hydra_goes_on_working(command_line, tmp_path):
    options = ("hydra/job_logging=default", "hydra/hydra_logging=default", "--cfg=job")
    assert command_line(*options).code == 0
    for override in ("hydra/sweeper=optuna", "hydra/launcher=basic", "hydra/sweeper=basic", "hydra/job_logging=none"):
        composition.compose([override])
    composition.compose(
        ["hydra/sweeper=optuna", "hydra/sweeper/sampler=random", "hydra.sweeper.storage=sqlite:////tmp/study.db"]
    )
    composition.compose([f"hydra.run.dir={tmp_path}", "hydra.sweep.dir=/x", "output_is=1"][:2])


OWN = """
from hydra.experimental.callback import Callback

class Own(Callback):
    def on_run_start(self, config, **_):
        print("own callback")
"""


@pytest.mark.slow
def test_the_user_allows_callbacks_of_their_own(theirs, command_line, tmp_path, monkeypatch):
    (tmp_path / "my_callbacks.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    argument = theirs("hydra: {callbacks: {x: {_target_: my_callbacks.Own}}, run: {dir: 'runs/${name}/${seed}'}}")
    tiny = ("experiment=theirs", "trainer.num_epochs=1", "trainer.max_train_examples=64", "tracking.mode=disabled")
    refused = command_line(argument, *tiny)
    assert refused.code == 2
    assert "name your own modules in the environment variable AE_JAX_ALLOWED_TARGETS" in refused.err
    assert "my_callbacks" not in sys.modules
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "my_callbacks")
    assert "own callback" in command_line(argument, *tiny).out
    sys.modules.pop("my_callbacks")
