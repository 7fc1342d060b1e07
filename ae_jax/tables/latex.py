"""A table as LaTeX, to be read by `input`: a tabular that needs booktabs and nothing else, or a longtable.

Where intervals stand, and which measures stand beside each other, is that which makes it lowest on its page; notes are
as wide as the table. See `parts.fit`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from ae_jax.tables.parts.base import Table
from ae_jax.tables.parts.body import Body
from ae_jax.tables.parts.escape import latex_caption
from ae_jax.tables.parts.escape import latex_escaped as escaped
from ae_jax.tables.parts.fit import Arrangement, Layout, Page, arrange, misfit

_PAGE = Page()

_SMALL = r"\footnotesize\setlength{\tabcolsep}{3pt}%"
_BOX = rf"""\ifdefined\aejaxtable\else\newsavebox{{\aejaxtable}}\fi
\begingroup
{_SMALL}
\begin{{lrbox}}{{\aejaxtable}}%
\begin{{tabular}}{{@{{}}l@{{}}}}"""
_BETWEEN = r"\\ \noalign{\medskip}"
_BOX_END = r"""\end{tabular}%
\end{lrbox}%
\begin{minipage}{\wd\aejaxtable}
\usebox{\aejaxtable}
\par\medskip\raggedright"""


def latex(table: Table, *, page: Page = _PAGE, layout: Layout = "tabular", name: str = "table") -> str:
    """The text of a .tex file.

    Args:
        table: What is printed.
        page: Where; the default is the smallest text of the venues that figures know.
        layout: `tabular` stands in a float, whole and with the caption beside it; `longtable` runs over pages and has
            its caption, with the label `tab:NAME`.
        name: Of the file, without ending.
    """
    printed = table.printed
    arrangement, wrong = arrange(printed, page), too_large(table, page, layout)
    lines = [f"% {escaped(table.title)}", *([f"% May not fit its page: {wrong}"] if wrong else [])]
    told = table.facts if layout == "longtable" else ()  # by the caption that it has
    notes = [escaped(note.text) for note in printed.notes if not note.mark and note.text not in told]
    for note in printed.notes:
        if note.mark:
            notes.append(rf"\par\textsuperscript{{{escaped(note.mark)}}}\,{escaped(note.text)}")
    make = _long if layout == "longtable" else _boxed
    return "\n".join([*lines, *make(table, arrangement, notes, name)]) + "\n"


def too_large(table: Table, page: Page, layout: Layout) -> str:
    """Why a table does not fit its page, and the way out, in one line; empty where it fits."""
    return misfit(arrange(table.printed, page), page, layout)


def _boxed(_: Table, arrangement: Arrangement, notes: Sequence[str], name: str) -> Iterator[str]:
    yield rf"% Needs booktabs. In a float: \centering \input{{{name}_caption}} \input{{{name}}}"
    yield _BOX
    bodies = [Body(part, beside=arrangement.beside) for part in arrangement.parts]
    for number, (alignment, alike) in enumerate(groupby(bodies, key=lambda body: body.alignment)):
        if number:
            yield _BETWEEN
        yield rf"\begin{{tabular}}{{{alignment}}}"
        for at, body in enumerate(alike):
            yield from [r"\midrule" if at else r"\toprule", *body.head(), r"\midrule", *body.rows()]
        yield from [r"\bottomrule", r"\end{tabular}"]
    yield from [_BOX_END, *notes, r"\end{minipage}", r"\endgroup"]


def _long(table: Table, arrangement: Arrangement, notes: Sequence[str], name: str) -> Iterator[str]:
    """A longtable for each part, of which the first has the caption; page breaks repeat the heads."""
    yield rf"% Needs booktabs and longtable, and text in one column: \input{{{name}}}"
    yield rf"\begingroup\setlength{{\LTcapwidth}}{{\linewidth}}{_SMALL}"
    for number, part in enumerate(arrangement.parts):
        body = Body(part, beside=arrangement.beside)
        head = [r"\toprule", *body.head(), r"\midrule"]
        yield rf"\begin{{longtable}}{{{body.alignment}}}"
        yield from [] if number else [rf"{latex_caption(table.title, table.caption)}\label{{tab:{name}}} \\"]
        yield from [*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot"]
        yield from [*body.rows(), r"\end{longtable}"]
        yield from [r"\addtocounter{table}{-1}"] if number else []
    yield from [r"\noindent\raggedright", *notes, r"\par\medskip\endgroup"]
