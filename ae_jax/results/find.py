"""Find run folders: below any number of paths, however deep, each once."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ae_jax.errors import UserError
from ae_jax.files import is_folder

# Any of these makes a folder a run folder; a damaged one may lack the others.
_MARKS = ("status.json", "summary.json", "metrics.jsonl", ".hydra")


def find_runs(paths: Iterable[str | Path]) -> list[Path]:
    """Run folders below the given paths, in the order of their names, as one would type them from here.

    Links are followed where they are given, not below, so that a search ends.

    Raises:
        UserError: If a path does not exist, is no folder, or holds no run folder.
    """
    found: dict[Path, Path] = {}
    for given in paths:
        path = Path(given)
        if given == "" or not is_folder(path):
            problem = "is not a folder" if given == "" or os.path.lexists(path) else "does not exist"
            raise UserError(given, problem, "give a run folder, or a folder with run folders in it, such as outputs")
        below = list(_walk(path))
        if not below:
            raise UserError(path, "holds no run folder", "train one, or give the folder that training printed")
        found |= {folder.resolve(): folder for folder in below if folder.resolve() not in found}
    if not found:
        raise UserError("runs", "no folder is given", "give a run folder, or a folder with run folders in it")
    return sorted(found.values())


def _walk(top: Path) -> Iterator[Path]:
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                below = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError:
            below = None  # one that cannot be looked into counts, so that whoever reads it says why
        if below is None or any(entry.name in _MARKS for entry in below):
            yield folder
            continue
        for entry in below:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                waiting.append(folder / entry.name)
