"""A reader types every command, in the order of the pages, in one folder; what README shows is what they print."""

import csv
import os
import re
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()

# What is not typed, and why.
NOT_RUN = {
    "make setup": "it made the environment of these tests",
    "make test": "it runs these tests",
    "make test-gpu": "it needs a GPU",
    "make test-slow": "it runs this one",
    "make lint": "it is a step of .ci/run of its own",
    "make lock": "it asks a registry for newer versions",
    ".venv/bin/pre-commit": "it writes into the repository's .git",
    "pip install": "tests/program/test_wheel.py installs the package; the extras are those of pyproject.toml",
    "pytest": "it fuzzes for hours",
    "python scripts/benchmark.py": "it measures for minutes; tests/scripts has its parts",
    "python scripts/paper.py paper=ae_vs_pca": "the same as `make run`",
    "ae-paper": "the same as `python scripts/paper.py`",
    "python -m peers.torch_run": "tests/scripts/test_sweeps.py runs it, where PyTorch is",
    "train.py": "a mention: it trains nothing that is named",
    "scripts/train.py": "a mention: it trains nothing that is named",
    "wandb": "it needs an account; tests/program/test_tracking_server.py sends to a server of its own",
}
# What is added to commands that would take long, by words in them. The first that fits counts.
SHORTER = {
    "hydra/sweeper=optuna": ["hydra.sweeper.n_trials=4", "hydra.sweeper.n_jobs=2", "trainer.num_epochs=1"],
    "dataset=fashion_mnist": ["trainer.num_epochs=1", "trainer.max_train_examples=2000"],
    "experiment=dense_784_256": ["trainer.num_epochs=1", "trainer.max_train_examples=2000"],
    "experiment=conv_ae": ["trainer.num_epochs=1", "trainer.max_train_examples=2000"],
    "experiment=conv_vae": ["trainer.num_epochs=1", "trainer.max_train_examples=2000"],
    "corruption.rate=0.4": ["trainer.num_epochs=2"],
    "corruption=gaussian": ["trainer.num_epochs=2"],
    "model.latent_size=2": ["trainer.num_epochs=2"],
    "+sweep=latent_vs_pca": [],
    "+sweep=seeds": ["hydra.launcher.dry_run=true"],
    "+sweep=": ["trainer.num_epochs=2", "seed=0"],
    "-m": ["hydra.launcher.dry_run=true"],
}
NEEDS_IMAGES = ("dataset=fashion_mnist", "experiment=dense_784_256", "experiment=conv_ae", "experiment=conv_vae")


@pytest.fixture
def type_in(tmp_path, monkeypatch, capsys, hydra_put_back) -> Callable[[list[str]], tuple[int, str, str]]:
    """Run a script in this process, in the reader's folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")

    def run(words: list[str]) -> tuple[int, str, str]:
        script = ROOT / "scripts" / f"{Path(words[0]).stem.removeprefix('ae-')}.py"
        monkeypatch.setattr(sys, "argv", list(words))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(script), run_name="__main__")
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run


def reason_not_to_run(command) -> str | None:
    if command.is_form:
        return "it has placeholders"
    if "my_conf" in command.words:
        return "tests/docs/test_extending.py types it, beside the files that the page shows"
    text = " ".join(command.words)
    return next((reason for start, reason in NOT_RUN.items() if f"{text} ".startswith(f"{start} ")), None)


def script_and_arguments(command) -> list[str]:
    """What to run: of `make run` its recipe, of `python X` X; with what makes it shorter."""
    words = command.words
    if words[0] == "make":
        recipe = re.search(rf"^{words[1]}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        words = recipe[1].split()
    if words[0].endswith("python"):
        words = words[1:]
    return [*words, *added_to(words)]


def added_to(words: list[str]) -> list[str]:
    def fits(part: str) -> bool:
        return any(word == part or (part.endswith("=") and word.startswith(part)) for word in words)

    return next((added for part, added in SHORTER.items() if fits(part)), [])


def blocks(start: str) -> list[str]:
    return [block for block in re.findall(r"^```\w*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if start in block]


def skeleton(line: str) -> str:
    """A line without its numbers and the width of its columns."""
    return re.sub(r"[-\d.]*\d", "#", " ".join(line.split()))


def check_shown(block: str, out: str) -> None:
    """Each line is printed, numbers aside; the numbers of tables agree.

    The autoencoders' within 5 %: on another processor rounding differs, and training amplifies it.
    """
    printed = {skeleton(line) for line in out.splitlines()}
    for line in block.splitlines():
        if not line.startswith(("$", "┏", "┡", "└", "…", "│ …")) and not line.endswith("s left"):
            assert skeleton(line) in printed, f"it does not print: {line}"
    shown, measured = rows(block), rows(out)
    assert len(shown) >= 5
    for first, numbers in shown.items():
        assert first in measured, f"it does not print a row of {first}"
        for one, now in zip(numbers, measured[first], strict=True):
            assert now == pytest.approx(one, rel=0.05), f"{first}: prints {measured[first]}"


def rows(text: str) -> dict[tuple[str, ...], list[float]]:
    """Measured numbers of each row of a table, by its other cells."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")] if line.startswith("│") else []
        errors = [float(match[1]) for cell in cells if (match := re.match(r"(\d+\.\d+)(?: [\[(]|$)", cell))]
        if errors and not cells[-1].endswith("MiB"):
            words = [re.sub(r" by .*| \[.*|^[\d.]+%? ", "", cell) for cell in cells]  # of `27.9% lower` the word
            found[tuple(word for word in words if re.fullmatch(r"\d+|[a-z].*", word))] = errors
    return found


PAPER = Path("outputs/paper/ae_vs_pca")


def files_of_the_paper() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in PAPER.rglob("*") if path.is_file()}


def check_paper(out: str) -> None:
    check_shown(*blocks("digits: 60 runs"), out)
    assert {size for _, size, *_ in rows(*blocks("digits: 60 runs"))} == {"1", "2", "4", "8", "16", "32"}
    kinds = {Path(name).suffix for name in files_of_the_paper()}
    assert kinds == {".pdf", ".svg", ".png", ".tex", ".csv", ".md", ".json"}
    with (PAPER / "tables" / "comparison.csv").open(newline="") as file:
        linear = [row for row in csv.DictReader(file) if row["model"] == "linear"]
    # What the paper claims: a linear autoencoder lands on PCA.
    assert [float(row["sse_ratio_mean"]) for row in linear] == pytest.approx([1] * 6, abs=0.02)


SHOWN = {
    "make run": check_paper,
    "python scripts/train.py": lambda out: check_shown(*blocks("$ python scripts/train.py\n"), out),
    "python scripts/train.py +sweep=latent_vs_pca": lambda out: check_shown(
        *blocks("$ python scripts/train.py +"), out
    ),
}


def check_score(name: str) -> None:
    """The numbers of an experiment's head are those of its summary: errors within 5 %, as above."""
    (score,) = re.findall(r"^# Score: (.*)", (ROOT / "conf" / "experiment" / f"{name}.yaml").read_text(), re.MULTILINE)
    (path,) = Path("outputs", name).glob("*seed0-*/summary.json")
    measured = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", path.read_text())]
    for number in re.findall(r"\d+\.\d+", score):
        assert any(float(number) == pytest.approx(one, rel=0.05) for one in measured), f"Score: {number}"


def check_command(words: list[str], out: str) -> None:
    text = " ".join(words)
    if text in SHOWN:
        SHOWN[text](out)
    if (experiment := re.fullmatch(r"python scripts/train.py experiment=(\w+)", text)) and not added_to(words):
        check_score(experiment[1])


@pytest.mark.slow
def test_a_reader_types_every_command(commands, type_in, monkeypatch):
    images = Path(os.environ.get("AE_JAX_DATA_DIR", "")) / "fashion_mnist"
    table = np.random.default_rng(0).normal(size=(100, 6))
    np.savetxt("my.csv", table, delimiter=",", header="a,b,c,d,e,f", comments="")
    problems, seconds = [], {}
    for command in commands:
        if reason_not_to_run(command) or (any(part in command.words for part in NEEDS_IMAGES) and not images.is_dir()):
            continue
        start, before = time.perf_counter(), files_of_the_paper()
        code, out, err = type_in(script_and_arguments(command))
        seconds[command] = time.perf_counter() - start
        try:
            assert not code, f"exit code {code}: {out[-2000:]}{err[-2000:]}"
            check_command(command.words, out)
            assert not before or before == files_of_the_paper(), "the paper's bytes are others"
        except AssertionError as error:
            problems.append(f"{command.where}: `{' '.join(command.words)}`: {error}")
    for code in re.findall(r"^```python\n(import ae_jax\n.*?)^```$", README, re.MULTILINE | re.DOTALL):
        exec(code, {})
    print(*(f"{took:6.1f} s  {command.where}: {command.text}" for command, took in seconds.items()), sep="\n")
    assert not problems, "\n".join(problems)
    assert len(seconds) > 35


def test_what_is_not_run_is_written(commands):
    texts = [f"{' '.join(command.words)} " for command in commands]
    assert [start for start in NOT_RUN if not any(text.startswith(f"{start} ") for text in texts)] == []


@pytest.mark.parametrize("start", ["digits: 60 runs", "$ python scripts/train.py\n", "$ python scripts/train.py +"])
def test_what_is_shown_is_compared(start):
    (block,) = blocks(start)
    check_shown(block, block)
    line = next(line for line in block.splitlines() if re.match(r"│ .*( by |% lower)", line))
    number = re.search(r"\d+\.\d+", line)[0]
    for changed in (line.replace(number, f"{1.2 * float(number):.4f}"), re.sub("better|lower", "worse", line), ""):
        if changed != line:
            with pytest.raises(AssertionError):
                check_shown(block, block.replace(line, changed))
