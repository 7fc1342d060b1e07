"""What the project tells its readers, taken from the files themselves: commands, and words in backticks."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
# Sweeps before the figures of their runs.
CONFIGS = [
    *sorted((ROOT / "conf").rglob("*.yaml"), key=lambda path: (path.parent.name not in ("experiment", "sweep"), path)),
    ROOT / "scripts" / "wandb_sweep.yaml",
]
SOURCES = [path for folder in ("scripts", "ae_jax", "hydra_plugins") for path in sorted((ROOT / folder).rglob("*.py"))]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
VARIABLES = re.compile(r"^(?:[A-Z_]+=\S* )*")
PROGRAM = re.compile(r"(?:python\d?|pip|make|wandb|pytest|uv|\.venv/bin/[\w-]+|(?:\w+/)*\w+\.py) \S|ae-[a-z]+\b")
# KEY=VALUE, RUN, N, <id>, […], …: it says what a command looks like, and is none.
PLACEHOLDER = re.compile(r"…|\.\.\.|<[\w ]+>|(?<![\w$])[A-Z]+(?![\w-])")


class Written(NamedTuple):
    """Something in a file that a reader may type.

    Attributes:
        where: File and line.
        text: As it stands there.
    """

    where: str
    text: str

    @property
    def words(self) -> list[str]:
        """The words of a command, without the variables before it."""
        return shlex.split(VARIABLES.sub("", self.text), comments=True)

    @property
    def is_form(self) -> bool:
        """Whether it has placeholders."""
        return bool(PLACEHOLDER.search(" ".join(self.words)))


def is_command(text: str) -> bool:
    return bool(PROGRAM.match(VARIABLES.sub("", text)))


def _at(path: Path, text: str, position: int) -> str:
    return f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}"


def _in_block(path: Path, text: str, block: re.Match[str]) -> Iterator[Written]:
    """All lines of a block without a language are commands; with `$` before commands, all others are their output."""
    language, code = block.groups()
    if language:
        return
    typed = [match.group() for match in re.finditer(r"(?:[^\n]*\\\n)*[^\n]+", code)]
    if any(line.startswith("$ ") for line in typed):
        typed = [line[2:] for line in typed if line.startswith("$ ")]
    for line in typed:
        if not line.lstrip().startswith("#"):
            yield Written(_at(path, text, block.start(2) + code.index(line)), line.replace("\\\n", " "))


def of_page(path: Path) -> list[Written]:
    """The commands of a page in their order: blocks and spans."""
    text = path.read_text()
    found = [(block.start(), list(_in_block(path, text, block))) for block in BLOCK.finditer(text)]
    found += [(start, [span]) for start, span in spans(path) if is_command(span.text)]
    return [command for _, commands in sorted(found, key=lambda one: one[0]) for command in commands]


def spans(path: Path) -> list[tuple[int, Written]]:
    """What stands in backticks outside of blocks, with its position."""
    text = path.read_text()
    prose = BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block.group()), text)
    return [(span.start(), Written(_at(path, text, span.start()), span[1])) for span in SPAN.finditer(prose)]


def of_config(path: Path) -> list[Written]:
    """The commands in a config's comments, and those of a text in it (the footer of `--help`), one a line."""
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        said = SPAN.findall(line) or re.findall(
            r"(?:^#.*?: |^# +|^ +)((?:python|wandb|ae-[a-z]+) .*?)(?:  |, |$)", line
        )
        found += [Written(f"{path.relative_to(ROOT)}:{number}", text) for text in said if is_command(text)]
    return found


def of_source(path: Path) -> list[Written]:
    """The commands in docstrings, and in messages, which name one at their end."""
    text = path.read_text().replace("\\", "")
    found = [*SPAN.finditer(text), *re.finditer(r': ((?:python|pip|make|wandb|ae-[a-z]+) [^"{\n]+)"', text)]
    return [Written(_at(path, text, one.start()), one[1]) for one in found if "\n" not in one[1] and is_command(one[1])]


@pytest.fixture(scope="session")
def commands() -> list[Written]:
    """All commands in the order in which a reader meets them, each once."""
    pages = [command for path in PAGES for command in of_page(path)]
    others = [command for path in CONFIGS for command in of_config(path)]
    others += [command for path in SOURCES for command in of_source(path)]
    return _first_of_each([*pages, *others], lambda command: tuple(command.words))


@pytest.fixture(scope="session")
def words() -> list[Written]:
    """What stands in backticks on the pages, and is no command, each once."""
    found = [span for path in PAGES for _, span in spans(path) if not is_command(span.text)]
    return _first_of_each(found, lambda span: span.text)


def _first_of_each(found: list[Written], key: Callable[[Written], object]) -> list[Written]:
    firsts: dict[object, Written] = {}
    for one in found:
        firsts.setdefault(key(one), one)
    return list(firsts.values())
