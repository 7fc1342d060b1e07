"""What is checked of configs before they are composed: their files, and names of folders. Imports nothing heavy.

A few lines of YAML can stand for billions of values.
"""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ae_jax.errors import UserError

_MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_MARKS |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # of which the first begins that of UTF-32


def read(path: Path) -> tuple[DictConfig, str]:
    """A file of a config, and its text.

    Raises:
        UserError: If it is no config, or too large once its anchors are written out. It names the file.
    """
    import yaml  # type: ignore[import-untyped] # it has no stubs of its own

    with reading(path):
        text = _text(path)
        if "*" in text and "&" in text:
            _count(yaml.compose(text, Loader=yaml.SafeLoader), path, {})
        config: Any = OmegaConf.load(io.StringIO(text)) if text.strip() else OmegaConf.create()
        if isinstance(config, ListConfig):
            raise UserError(path, "holds a list, and no keys and values", "write each line as KEY: VALUE")
        if not config:
            raise UserError(path, "is empty", "write KEY: VALUE into it, or leave the option out")
        return config, text


def _text(path: Path) -> str:
    """The text of a file in UTF-8, or in what editors and shells of Windows write, which have a mark at their begin."""
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise UserError(path, f"is larger than {_MOST_BYTES} bytes", "give a config")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(path, f"is not in UTF-8 (line {line})", "save it in UTF-8") from None
    if "\0" in text:
        raise UserError(path, "holds a null character, as text in UTF-16 does", "save it in UTF-8")
    return text


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What is raised in this context is about this file of a config.

    Raises:
        UserError: It names the file.
    """
    import yaml

    try:
        yield
    except RecursionError:
        raise UserError(path, "is nested too deeply", "give a config") from None
    except (OSError, ValueError, TypeError, AssertionError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise UserError(path, f"cannot be read ({' '.join(str(error).split())[:200]})", "give a config") from error


def check_name(key: str, name: str) -> None:
    """Refuse what cannot name a folder."""
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise UserError(key, f"{name!r} cannot name a folder", "use letters, digits, - and _")


def _count(node: Any, path: Path, known: dict[int, int | None]) -> int:
    """Values that a node of YAML stands for."""
    if id(node) in known:
        number = known[id(node)]
        if number is None:
            raise UserError(path, "has an anchor that contains itself", "write it out")
        return number
    known[id(node)] = None
    children = node.value if node is not None and isinstance(node.value, list) else []
    parts = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    number = 1 + sum(_count(part, path, known) for part in parts)
    if number > _MOST_VALUES:
        raise UserError(path, f"stands for more than {_MOST_VALUES} values", "write out fewer")
    known[id(node)] = number
    return number
