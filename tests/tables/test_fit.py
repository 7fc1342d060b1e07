"""Tables are as low as they can be on a page, say when they do not fit it, and stand on their decimal points."""

import re

import pytest

from ae_jax.commands import tables as command
from ae_jax.figures.style import VENUES
from ae_jax.tables import Table, write_table
from ae_jax.tables.formats import csv_text, markdown
from ae_jax.tables.latex import latex, too_large
from ae_jax.tables.parts.base import Cell, Column, Note
from ae_jax.tables.parts.fit import Page, arrange, split_number

NUMBERS = ("1.5", "12.25", "0.125", "-3", "100")


def made(num_rows: int = 5, num_measures: int = 1, *, values: tuple[str, ...] = NUMBERS, detail: int = 14) -> Table:
    """Rows of a name, and of measures that each have a value with an interval and a value without one."""
    columns = [Column("name", ("name",), names_row=True)]
    for number in range(num_measures):
        columns += [Column(title, (title,), f"measure {number}", numeric=True) for title in ("autoencoder", "PCA")]
    rows = []
    for number in range(num_rows):
        value = values[number % len(values)]
        pair = (Cell(value, f"[{'0' * detail}]", bold=number == 1), Cell(value))
        rows.append((Cell(f"row {number}"), *(pair * num_measures)))
    return Table("A table", tuple(columns), (tuple(rows),), (Note("A note."),))


def page_of(venue: str, width: str = "text") -> Page:
    return command._page({"venue": venue, "width": width})


@pytest.mark.parametrize("venue", VENUES)
def test_a_page_is_the_venues(venue):
    text, column = page_of(venue), page_of(venue, "column")
    assert (text.width, column.width) == (VENUES[venue].text, VENUES[venue].column)
    assert text.columns == column.columns == (2 if venue in ("icml", "ieee") else 1)
    assert 8.5 <= text.height <= 9.25


def test_of_two_arrangements_the_lower_one_that_fits_is_taken():
    page = Page(5.5, 9)
    few = arrange(made(4, 3), page)
    assert (few.beside, len(few.parts)) == (False, 1)  # two lines a row, and no second head
    many = arrange(made(30, 1), page)
    assert (many.beside, len(many.parts)) == (True, 1)
    assert many.height < 30 * 12 + 100
    assert max(few.width, many.width) <= 5.5 * 72.27


@pytest.mark.parametrize(
    ("table", "page", "layout", "said"),
    [
        (made(), Page(), "tabular", None),
        (made(80), Page(5.5, 9), "tabular", "in high without a caption, too much for 9 in: take layout=longtable"),
        (made(80), Page(5.5, 9), "longtable", None),
        (made(80), Page(6.75, 9, columns=2), "longtable", "a longtable needs text in one column"),
        (made(80), Page(3.25, 9, columns=2), "tabular", "take width=text, fewer measures (table.measures=[sse]) or"),
        (
            made(detail=60),
            Page(3.25, 9, columns=2),
            "tabular",
            "wide, more than the 3.25 in of the page: take width=te",
        ),
        (made(detail=120), Page(), "longtable", "wide, more than the 5.5 in of the page: take fewer measures"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_with_the_way_out(table, page, layout, said):
    wrong, text = too_large(table, page, layout), latex(table, page=page, layout=layout)
    if said is None:
        assert (wrong, "May not fit" in text) == ("", False)
    else:
        assert said in wrong
        assert f"% May not fit its page: {wrong}" in text.splitlines()
        assert "\n" not in wrong


def test_long_texts_are_broken_where_nothing_else_fits():
    table = made(3, 1)
    rows = tuple((Cell("a_rather_long_name_of_a_variational_autoencoder_with_more"), *row[1:]) for row in table.rows)
    long = Table(table.title, table.columns, (rows,))
    assert arrange(long, Page()).parts[0].columns[0].inches == 0
    narrow = Page(3.25, 9, columns=2)
    assert 0.9 <= arrange(long, narrow).parts[0].columns[0].inches < 2
    assert too_large(long, narrow, "tabular") == ""
    assert r"\raggedright a\_\hspace{0pt}rather\_" in latex(long, page=narrow)


def test_the_command_says_it_too(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "bind", lambda _: lambda _: made(80))
    config = {"table": {}, "venue": "jmlr", "width": "text", "layout": "tabular", "formats": ["latex"]}
    command._write.__wrapped__(config, None, tmp_path, "main")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("main.tex may not fit its page: about ")
    command._write.__wrapped__(config | {"formats": ["csv"]}, None, tmp_path, "main")
    command._write.__wrapped__(config | {"layout": "longtable"}, None, tmp_path, "main")
    assert capsys.readouterr().err == ""


def test_a_longtable_repeats_its_heads_and_has_one_caption_and_number():
    text = latex(made(9, 9), layout="longtable", name="main")
    parts = text.count(r"\begin{longtable}")
    assert parts > 1
    assert text.count(r"\endhead") == parts
    assert text.count(r"\caption[{A table}]{A table.}\label{tab:main} \\") == text.count(r"\caption") == 1
    assert text.count(r"\addtocounter{table}{-1}") == parts - 1


def point(cell: str) -> tuple[str, str]:
    """What stands right of the decimal point, as far as it takes room, in digits: printed, and kept free."""
    shown = re.sub(r"\\rlap\{\\textbf\{[^}]*\}\}|\\textbf|\\boldmath|[{}]", "", cell.replace(r"\phantom", "#"))
    printed, _, free = shown.partition("#")
    return split_number(printed.replace("$-$", "-").strip())[1], free


@pytest.mark.parametrize("beside", [True, False])
def test_latex_numbers_stand_on_their_points(beside):
    table = made(5, 1 if beside else 3)
    rows = [line.split(" & ") for line in latex(table, page=Page(5.5, 9)).splitlines() if line.startswith("row ")]
    pca = [point(row[3 if beside else 2].removesuffix(r" \\").removesuffix(r" \\*[-1pt]")) for row in rows]
    assert [len(decimals + free) for decimals, free in pca] == [len(".125")] * 5
    assert rows[1][1].count(r"\rlap{\textbf{.25}}\phantom{.125}") == 1  # bold digits are wider: they take no room


def test_markdown_numbers_stand_on_their_points():
    lines = markdown(made()).splitlines()[2:9]
    assert len({len(line.replace("**", "")) for line in lines[2:]} | {len(lines[0])}) <= 2
    cells = [line.split("|")[3] for line in lines[2:]]
    ends = [cell.removesuffix(" ") for cell in cells]
    points = [len(end.rstrip(" ")) - end.index(NUMBERS[number]) for number, end in enumerate(ends)]
    assert [room - len(split_number(text)[0]) for room, text in zip(points, NUMBERS, strict=True)] == [4] * 5
    assert "\N{PUNCTUATION SPACE}" in cells[3]  # an integer has no point


def test_what_all_rows_have_is_printed_in_a_note_only():
    columns = (*made().columns, Column("n", ("num",), numeric=True, if_varying=True))
    rows = tuple((*row, Cell("5", raw=(5,))) for row in made().rows)
    table = Table("A table", columns, (rows,))
    assert "n" not in [column.title for column in table.printed.columns]
    assert csv_text(table).splitlines()[1].endswith(",5")
    other = Table("A table", columns, ((*rows[:-1], (*rows[-1][:-1], Cell("5", "(+1 diverged)"))),))
    assert other.printed.columns == columns


def test_a_caption_has_title_and_facts_and_is_written_beside(tmp_path):
    table = Table("50 % of $x_1$", made().columns, made().sections, facts=("Mean over 5 seeds.",))
    paths = write_table(table, tmp_path, "main", ["latex"])
    assert [path.name for path in paths] == ["main.tex", "main_caption.tex"]
    assert paths[1].read_text() == "\\caption[{50 \\% of \\$x\\_1\\$}]{50 \\% of \\$x\\_1\\$. Mean over 5 seeds.}\n"
