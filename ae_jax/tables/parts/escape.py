"""Text that LaTeX and Markdown print as it is."""

import re
import unicodedata

from ae_jax.tables.parts.base import MISSING

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # A bracket or a star at the start of a row would be an option of what ended the row before.
    "[": "{[}",
    "*": "{*}",
    '"': r"\char34{}",  # some languages of babel make accents of it
    MISSING: r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": "$-$",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    **{character: f"\\{character}" for character in "_%&#${}"},
}
_ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0308\u0327\u030c\u030a\u0304\u0307\u0306\u030b", "`'^~\"cvr=.uH", strict=True)
)


def latex_escaped(text: str) -> str:
    """Text that LaTeX prints as it is; what its standard fonts lack is printed as a code point."""
    return re.sub("-(?=-)", "-{}", "".join(map(_escaped, " ".join(text.split()))))


def latex_caption(title: str, text: str) -> str:
    r"""A caption, of which lists of figures and tables have the title alone."""
    return rf"\caption[{{{latex_escaped(title)}}}]{{{latex_escaped(text)}}}"


def markdown_escaped(text: str) -> str:
    """Text that Markdown shows as it is: neither HTML, nor a link, emphasis, code, formula or the end of a cell."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|~$#])", r"\\\1", plain)


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    base, *accents = list(unicodedata.normalize("NFD", character))
    if len(accents) == 1 and accents[0] in _ACCENTS and base.isascii():
        return rf"\{_ACCENTS[accents[0]]}{{{base}}}"
    return f"{{[}}U+{ord(character):04X}]"
