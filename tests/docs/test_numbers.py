"""Numbers on the pages that are limits, counts or codes are those of the code; scores agree with each other."""

import re
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ae_jax import reading
from ae_jax.jobs import guard
from ae_jax.report import page_data
from ae_jax.tracking import uploads
from hydra_plugins.ae_jax_launcher.launcher import VmapLauncherConf

ROOT = Path(__file__).resolve().parents[2]
PAPER = OmegaConf.load(ROOT / "conf" / "paper" / "ae_vs_pca.yaml")
CONFIG = OmegaConf.load(ROOT / "conf" / "config.yaml")
WAITING = [uploads.FINISH_SECONDS, uploads.INTERRUPTED_SECONDS]
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
MIB = 1 << 20


def sweep_sizes(values: Iterable[str]) -> int:
    """How many runs ranges such as `1,2,4` ask for."""
    size = 1
    for one in values:
        size *= one.count(",") + 1
    return size


def kills() -> tuple[int, int]:
    spec = spec_from_file_location("test_killed", ROOT / "tests" / "reliability" / "test_killed.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return 2 * module.RANDOM_KILLS, len(module.MOMENTS) + len(module.OF_A_SWEEP)


def options(group: str) -> int:
    return len(list((ROOT / "conf" / group).glob("*.yaml")))


# Page, what it says, and the numbers in it.
SAID = [
    ("README.md", r"trains (\d+) autoencoders", [sum(sweep_sizes(given) for given in PAPER.sweeps.values())]),
    ("README.md", r"`: (\w+) figures as PDF", [len(PAPER.figures)]),
    ("README.md", r"^(\w+) figures \(", [options("figure")]),
    ("docs/sweeps.md", r"max_runs` \((\d+)\)", [VmapLauncherConf.max_runs]),
    ("docs/results.md", r"Up to (\d+) runs have their reconstructions", [page_data.MOST_PICTURES]),
    ("docs/reliability.md", r"apart \((\d+) s by default", [CONFIG.runtime.checkpoint_seconds]),
    ("docs/reliability.md", r"at (\d+) random moments and at (\d+) chosen", kills()),
    ("docs/reliability.md", r"after (\d+) kills", [sum(kills())]),
    ("docs/reliability.md", r"takes longer than (\d+) s", [guard.GRACE_SECONDS]),
    ("docs/reliability.md", r"waits at most (\d+) s \((\d+) s when", WAITING),
    ("docs/reliability.md", r"upload waits (\d+) s at most", WAITING[1:]),
    ("docs/reliability.md", r"JSON up to (\d+) MiB and (\d+) levels", [reading._MOST_JSON / MIB, reading._MOST_LEVELS]),
    ("docs/reliability.md", r"at most ([\d,]+) times the file", [reading.DEFLATE_MAX_RATIO]),
]  # fmt: skip


@pytest.mark.parametrize(("page", "sentence", "numbers"), SAID, ids=[sentence for _, sentence, _ in SAID])
def test_numbers_of_the_code(page, sentence, numbers):
    text = re.sub(r"\n(?=\S)", " ", (ROOT / page).read_text()) if "^" not in sentence else (ROOT / page).read_text()
    (said,) = [match.groups() for match in re.finditer(sentence, text, re.MULTILINE)]
    read = [
        WORDS.index(one.lower()) if one.lower() in WORDS else float(one.replace(",", "")) if one[0].isdigit() else one
        for one in said
    ]
    assert read == list(numbers)


def test_exit_codes():
    rows = re.findall(r"^\| ([\d, ]+) \| (.*) \|$", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE)
    said = {int(code): meaning for codes, meaning in rows for code in codes.split(", ")}
    assert set(said) == {0, 1, 2, 3, 4, 130, 143}
    for word, code in (
        ("completed", guard.EXIT_COMPLETED),
        ("mistake", guard.EXIT_MISTAKE),
        ("diverged", guard.EXIT_DIVERGED),
        ("differ", guard.EXIT_DIFFERS),
        ("interrupted", guard.EXIT_INTERRUPTED),
    ):
        assert word in said[code]
    for code in (0, 1, 2, 3, 130, 143):
        assert f" {code} " in (ROOT / "conf" / "config.yaml").read_text().partition("Exit codes:")[2]


def test_presets_have_as_many_runs_as_their_heads_say():
    """Which is what they plan: tests/jobs/test_search.py."""
    page = (ROOT / "docs" / "sweeps.md").read_text()
    rows = re.findall(r"^\| `\+sweep=(\w+)` \| .* \| (\d+) in (\d+)", page, re.MULTILINE)
    heads = {path.stem: path.read_text() for path in (ROOT / "conf" / "sweep").glob("*.yaml")}
    assert {name for name, *_ in rows} == set(heads)
    for name, runs, programs in rows:
        assert f"# Runs: {runs} in {'one' if programs == '1' else programs} program" in heads[name]


def test_the_score_of_the_paper_is_that_of_its_table():
    table = re.findall(r"│ model=dense .*?│ +[\d.]+ +│ +([\d.]+) \[.*?│ +([\d.]+) +│", (ROOT / "README.md").read_text())
    text = (ROOT / "conf" / "paper" / "ae_vs_pca.yaml").read_text()
    for name, column in (("dense", 0), ("PCA", 1)):
        (listed,) = re.findall(rf"{name} ((?:[\d.]+, )+[\d.]+)[;,]", text)
        exact = [float(row[column]) for row in table]
        assert [float(one) for one in listed.split(", ")] == pytest.approx(exact, rel=5e-3)  # they have three digits


def test_every_time_says_on_which_machine():
    """A page that gives times names the machine; each experiment and paper does so in its head."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text()
        if re.search(r"\d (?:s|ms|seconds)\b|\bminutes?\b", text):
            assert "AMD EPYC" in text or page.name == "notation.md", page.name
    for path in (*(ROOT / "conf" / "experiment").glob("*.yaml"), *(ROOT / "conf" / "paper").glob("*.yaml")):
        assert re.search(r"^# Time: \d+ (?:second|minute)s? on .*AMD EPYC", path.read_text(), re.MULTILINE), path.name
