"""What all output on the terminal shares: the console, counted nouns, paths, and the word on autoencoder against PCA.

Colours and bars only on a terminal; plain lines elsewhere. rich honours NO_COLOR.
"""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ae_jax.errors import harmless


class _Console(Console):
    """rich's, that shows no character which could rewrite the terminal: texts of run folders may be a stranger's."""

    def render_str(self, text: str, **options: Any) -> Text:
        """See `rich.console.Console`, which makes all texts here, also those in tables."""
        return super().render_str(harmless(text), **options)


def console() -> Console:
    """Standard output; lines are not wrapped where it is no terminal."""
    output = _Console(highlight=False, soft_wrap=False)
    return output if output.is_terminal else _Console(highlight=False, width=120)


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short_path(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
