"""Write figures: whole or not at all, and the same bytes for the same input."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from ae_jax.errors import UserError
from ae_jax.files import check_file_name, make_folder, write_bytes

Format = Literal["pdf", "svg", "png"]

# Without the time at which they were made.
_OPTIONS: dict[str, dict[str, Any]] = {
    "pdf": {"metadata": {"CreationDate": None}},
    "svg": {"metadata": {"Date": None}},
    "png": {"pil_kwargs": {"compress_level": 1}},
}


def save(figure: Figure, path: Path) -> Path:
    """Write a figure, in the style that is in force, in the format of the path's ending.

    Raises:
        UserError: If it cannot be written.
    """
    make_folder(path.parent)
    write_bytes(path, rendered(figure, path.suffix[1:]))
    return path


def rendered(figure: Figure, kind: str) -> bytes:
    """A figure as a file of a format, in the style that is in force."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, **_OPTIONS[kind])
    return buffer.getvalue()


def save_all(figure: Figure, folder: Path, name: str, formats: Sequence[Format]) -> list[Path]:
    """Write a figure as `folder/name.format` in each format. Raises like `save`, and if the name cannot name a file."""
    check_file_name("name", name)
    if not formats:
        raise UserError("formats", "none is given", "give formats=[pdf,svg,png]")
    return [save(figure, folder / f"{name}.{kind}") for kind in formats]
