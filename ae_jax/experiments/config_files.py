"""What is checked of configs before they are composed: their files, and names of folders. Imports nothing heavy.

A few lines of YAML can stand for billions of values.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from ae_jax.errors import UserError

_MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Read a file of a config in this context; it is looked at before.

    Raises:
        UserError: If it is no config, or too large once its anchors are written out. It names the file.
    """
    import yaml  # type: ignore[import-untyped] # it has no stubs of its own

    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UserError(path, f"is larger than {_MOST_BYTES} bytes", "give a config")
        if b"*" in content and b"&" in content:
            _count(yaml.compose(content.decode(), Loader=yaml.SafeLoader), path, {})
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
