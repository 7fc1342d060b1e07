"""What is typed as KEY=VALUE, in Hydra's grammar: paths and conditions need no quotes but the shell's.

In that grammar `(`, `,`, `=`, `[`, `'` and letters beyond ASCII mean something else, or nothing. Only what can be meant
as one text is quoted: a list, a reference, several values of a sweep and what is quoted already stay as they are.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

# Keys that hold one text, whatever it looks like, or a list of them; and those that a sweep may give several values.
_TEXTS = ("where", "output", "table.against", "table.external", "hydra.run.dir", "hydra.sweep.dir")
_LISTS, _SWEPT = ("runs",), ("dataset.path",)
# What Hydra takes for a text as it stands, and several of it.
_PLAIN = r"(?!(?i:null|true|false|nan|inf)\Z)(?:[a-zA-Z_/]|\.[a-zA-Z_./])[\w./+@%-]*"
_SEVERAL = rf"{_PLAIN}(,{_PLAIN})+"
_QUOTED = r"""'([^'\\]|\\.)*'|"([^"\\]|\\.)*\""""
_CALL = r"(choice|range|interval|glob|shuffle|sort|tag|extend_list)\(.*\)"


def in_grammar(overrides: Sequence[str], groups: Path, *, sweeps: bool = False) -> list[str]:
    """Overrides as Hydra understands them.

    Args:
        overrides: As typed.
        groups: The folder of configs, whose folders are groups: `debug=nan` names an option, not a number.
        sweeps: Whether a key may be given several values.
    """
    return [_in_grammar(override, groups, sweeps) for override in overrides]


def quoted(text: str) -> str:
    """A text as a value in Hydra's grammar, where a backslash stands for itself, unless it is before a quote."""
    return '"' + re.sub(r'(\\*)("|\Z)', lambda found: found[1] * 2 + ('\\"' if found[2] else ""), text) + '"'


def _in_grammar(override: str, groups: Path, sweeps: bool) -> str:
    key, is_given, value = override.partition("=")
    name = key.lstrip("+~")
    if key == "evaluations" and value[:1] != "{":  # names: the options of a group that are chosen
        return f"evaluation={value}"
    is_option = re.fullmatch(r"\w+|[\d.]+", value, re.ASCII)
    is_plain = re.fullmatch(_PLAIN, value, re.ASCII) is not None
    if is_option and not is_plain and (groups / name).is_dir():
        return f"{key}='{value}'"
    if not is_given or value in ("", "null") or re.fullmatch(_QUOTED, value, re.DOTALL):
        return override
    if not is_option and not is_plain and _is_there(value):
        literal = value.replace("${", r"\${")  # else it would be a reference
        return f"{key}={quoted(literal)}"
    is_list = name not in _TEXTS and value[0] == "[" and value[-1] == "]"
    if (
        is_plain
        or is_list
        or name not in (*_TEXTS, *_LISTS, *_SWEPT)
        or (name in _SWEPT and _is_several(value, sweeps))
    ):
        return override
    return f"{key}={quoted(value)}"


def _is_several(value: str, sweeps: bool) -> bool:
    """Whether it can be meant as several values, or as escaped by hand."""
    is_swept = "," in value if sweeps else re.fullmatch(_SEVERAL, value, re.ASCII)
    return bool(is_swept or re.fullmatch(_CALL, value) or re.search(r"\\[][(){},:= \t]", value))


def _is_there(value: str) -> bool:
    return "\0" not in value and os.path.lexists(value)
