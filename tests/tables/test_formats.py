"""LaTeX, CSV and Markdown print any text as it is, and files are whole or absent."""

import csv
import io

import pytest

from ae_jax.errors import UserError
from ae_jax.tables import Table, write_table
from ae_jax.tables.formats import csv_text, markdown
from ae_jax.tables.latex import escaped, latex
from ae_jax.tables.parts.base import Cell, Column, Note

NASTY = r"a_b 5% &c #1 $x$ {y} ~ ^ <img src=x> | \input [z] * `k` -- ü"


def made(text: str = "dense", **changed) -> Table:
    """A row with a text, a bold number with an interval below, and one with a mark."""
    columns = (
        Column(text, ("model",), names_row=True),
        Column("autoencoder", ("sse_mean", "sse_low"), "sse", numeric=True),
        Column("published", ("source",), "sse", numeric=True),
    )
    row = (
        Cell(text, raw=(text,)),
        Cell("-0.5", "[-0.6, -0.4]", bold=True, raw=(-0.5123, -0.61)),
        Cell("3.00", mark="a", raw=("Who 2000",)),
    )
    return Table(text, columns, ((row,),), (Note(text), Note("Who 2000", "a")), **changed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b&c%d#e$f{g}", r"a\_b\&c\%d\#e\$f\{g\}"),
        ("\\x", r"\textbackslash{}x"),
        ("~^<>|", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"),
        ("[256]", "{[}256]"),
        ("*", "{*}"),
        ("a--b---c", "a-{}-b-{}-{}-c"),
        ("line\n\n two", "line two"),
        ("für Ångström", r"f\"{u}r \r{A}ngstr\"{o}m"),
        ("ß", r"\ss{}"),
        ("\u6570", "{[}U+6570]"),
        ("\0", "{[}U+0000]"),
    ],
)
def test_latex_escapes(text, expected):
    assert escaped(text) == expected


def test_latex_has_rules_groups_bold_and_notes():
    lines = latex(made("[8]")).splitlines()
    start = lines.index(r"\toprule")
    assert lines[start + 1 : start + 8] == [
        r" & \multicolumn{3}{c@{}}{sse} \\",
        r"\cmidrule(lr){2-4}",
        r"{[}8] & \multicolumn{2}{c}{autoencoder} & \multicolumn{1}{c@{}}{published} \\",
        r"\midrule",
        r"{[}8] & \textbf{\boldmath $-$0}\rlap{\textbf{.5}}\phantom{.5} & {\scriptsize {[}$-$0.6, $-$0.4]}"
        r" & 3.00\textsuperscript{a} \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    assert lines[-4:] == ["{[}8]", r"\par\textsuperscript{a}\,Who 2000", r"\end{minipage}", r"\endgroup"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2.3e6", r"2.3$\cdot10^{6}$"), ("-1.0e-7", r"$-$1.0$\cdot10^{-7}$"), ("1e-08", r"1$\cdot10^{-8}$")],
)
def test_latex_powers_of_ten(value, expected):
    table = Table("t", (Column("x", ("x",), numeric=True, names_row=True),), (((Cell(value),),),))
    assert f"{expected} \\\\" in latex(table).splitlines()


def test_latex_breaks_a_wide_table_between_measures():
    columns = [Column("size", ("size",), names_row=True)]
    columns += [Column("autoencoder", (f"m{group}",), f"measure {group}", numeric=True) for group in range(3)]
    row = (Cell("4"), *(Cell(f"0.{group}", "[" + "0" * 40 + "]") for group in range(3)))
    text = latex(Table("t", tuple(columns), ((row,),)))
    parts = text.split(r"\toprule")[1:]
    assert [[group for group in "012" if f"measure {group}" in part] for part in parts] == [["0", "1"], ["2"]]
    assert all("\n4 & 0." in part for part in parts)


def test_csv_has_full_precision_and_a_column_for_each_field():
    (head, row) = csv.reader(io.StringIO(csv_text(made(NASTY)), newline=""), strict=True)
    assert head == ["model", "sse_mean", "sse_low", "source"]
    assert row == [NASTY, "-0.5123", "-0.61", "Who 2000"]
    assert csv_text(made()).endswith("\r\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", '=HYPERLINK("a","b")'])
def test_csv_text_is_no_formula(text):
    (_, row) = csv.reader(io.StringIO(csv_text(made(text)), newline=""))
    assert row[0] == f"'{text}"
    assert row[1] == "-0.5123"  # a number stays one


def test_csv_quotes_lines_and_commas():
    text = 'a,"b"\nc'
    (_, row) = csv.reader(io.StringIO(csv_text(made(text)), newline=""))
    assert row[0] == text


def test_csv_needs_a_value_for_each_field():
    table = Table("t", (Column("x", ("a", "b")),), (((Cell(raw=(1,)),),),))
    with pytest.raises(ValueError, match="a, b"):
        csv_text(table)


def test_markdown_shows_text_as_it_is():
    lines = markdown(made(NASTY)).splitlines()
    shown = r"a\_b 5% &amp;c \#1 \$x\$ \{y\} \~ ^ &lt;img src=x&gt; \| \\input \[z\] \* \`k\` -- ü"
    assert lines == [
        f"**{shown}**",
        "",
        f"| {shown} |        sse: autoencoder |   sse: published |",
        "| :--- | ----------------------: | ---------------: |",
        rf"| {shown} | **-0.5** \[-0.6, -0.4\] | 3.00<sup>a</sup> |",
        "",
        shown,
        "",
        "<sup>a</sup> Who 2000",
    ]


def test_writes_what_is_asked_for(tmp_path):
    paths = write_table(made(), tmp_path / "new", "main", ["markdown", "latex", "csv"])
    assert [path.name for path in paths] == ["main.md", "main.tex", "main_caption.tex", "main.csv"]
    table = made()
    texts = [markdown(table), latex(table, name="main"), "\\caption[{dense}]{dense.}\n", csv_text(table)]
    assert [path.read_bytes().decode() for path in paths] == texts
    assert {path.name for path in (tmp_path / "new").iterdir()} == {path.name for path in paths}


@pytest.mark.parametrize(
    ("name", "formats", "message"),
    [("main", ["latx"], "formats: there is no 'latx'; did you mean 'latex'"), ("../x", ["csv"], "name: '../x' cannot")],
)
def test_mistakes_are_one_line(name, formats, message, tmp_path):
    with pytest.raises(UserError, match=message):
        # without the tests' check of types, which users do not have
        write_table.__wrapped__(made(), tmp_path, name, formats)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "main.csv").mkdir()
    with pytest.raises(UserError, match=r"main\.csv: cannot be written"):
        write_table(made(), tmp_path, "main", ["csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["main.csv"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_table(made(), tmp_path / "file", "main", ["csv"])
