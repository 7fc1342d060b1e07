"""Links in folders that are written to, and may be anybody's: through one, files elsewhere would be overwritten.

Whoever writes to a folder calls `check_links` before the first write. The folder itself, and those above it, may be
links: where outputs go is the user's own choice. Hard links cannot be told from files.
"""

import fnmatch
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ae_jax.errors import StorageError, UserError

# W&B's own, in the folder of a run that has ended, to its log in the user's cache; nothing is written through it.
_READ_ONLY = "wandb/*run-*/logs/debug-core.log"


def check_links(folder: Path, names: Sequence[str] | None = None) -> None:
    """Refuse a folder that is about to be written to, if something in it leads out of it.

    It takes one look at each folder below, and none at files, so that thousands of them cost milliseconds.

    Args:
        folder: The folder; it need not be there.
        names: Only these of its files and folders, with what is in them; None: all.

    Raises:
        UserError: If anything, at any depth, is a link that leads out of the folder, or is neither a file nor a folder,
            such as a pipe, for which a writer would wait.
        StorageError: If a folder cannot be looked into.
    """
    home = os.path.realpath(folder)
    for entry in _below(home, names):
        place = Path(folder, os.path.relpath(entry.path, home))
        if entry.is_symlink():
            if not _is_harmless(entry.path):
                check_link(place, folder)
        elif not entry.is_file(follow_symlinks=False):
            raise UserError(place, "is neither a file nor a folder", "delete it")


def check_link(path: Path, folder: Path) -> None:
    """Refuse a path that is a link out of the folder that it is in.

    Raises:
        UserError: It is one.
    """
    if path.is_symlink():
        target = os.path.realpath(path)
        if not Path(target).is_relative_to(os.path.realpath(folder)):
            raise UserError(path, f"is a link that leads out of {folder}, to {target}", "delete the link")


def _below(folder: str, names: Sequence[str] | None) -> Iterator[os.DirEntry[str]]:
    """Everything in a folder, at any depth, but folders; links are not followed."""
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                found = list(entries)
        except PermissionError as error:
            raise StorageError(place, error, remedy="choose another folder, or delete it") from error
        except OSError:  # there is no such folder; whoever writes will say why there cannot be one
            continue
        for entry in found:
            if place == folder and names is not None and entry.name not in names:
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield entry


def _is_harmless(path: str) -> bool:
    return fnmatch.fnmatch("/".join(Path(path).parts[-4:]), _READ_ONLY)
