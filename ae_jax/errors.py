"""The one exception for mistakes of the user: a key or file, what is wrong with it, and the way out."""

import errno
import re
from collections.abc import Iterable
from difflib import get_close_matches

# Control characters, halves of surrogate pairs, and what turns the direction of writing: a name that holds them could
# rewrite what a terminal shows. Spaces, and what joins the letters of some languages, are text.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """The text as a terminal may show it: what is no text is written with a backslash. Line ends and tabs stay."""
    return _HARMFUL.sub(lambda found: ascii(found[0])[1:-1], text)


def path_text(path: object) -> str:
    """A path as `harmless` text, in one line."""
    return harmless(str(path)).replace("\n", "\\n").replace("\t", "\\t")


class UserError(Exception):
    """A mistake that its maker can mend. Printed as one line; a traceback would only hide it.

    Args:
        subject: The config key, file or folder that is wrong.
        problem: What was got and what was expected.
        remedy: What to type, edit or install instead.
    """

    def __init__(self, subject: object, problem: str, remedy: str = ""):
        self.subject, self.problem, self.remedy = str(subject) or "''", problem, remedy
        line = f"{self.subject}: {problem}" + (f"; {remedy}" if remedy else "")
        super().__init__(harmless(" ".join(line.split())))


class StorageError(UserError):
    """Something cannot be written. What was there is still there, and the same command goes on once it can be.

    Args:
        path: The file or folder.
        reason: Why, as the system or a library says.
        remedy: What to do about it.
    """

    def __init__(self, path: object, reason: BaseException, remedy: str = "free space, and run the command again"):
        why = getattr(reason, "strerror", None) or (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        super().__init__(path, f"cannot be written ({why})", remedy)

    @classmethod
    def behind(cls, error: BaseException, path: object) -> BaseException:
        """An exception as it is, unless it says that a disk is full or not to be written."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return cls(error.filename or path, error)
        return error


def describe(error: BaseException) -> str:
    """An exception in a line, for where it is one reason among others."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """A remedy that names the nearest valid names, or all of them where none is near."""
    valid = sorted(set(valid))
    close = get_close_matches(name, valid, n=2, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    return "valid: " + ", ".join(valid) if valid else ""
