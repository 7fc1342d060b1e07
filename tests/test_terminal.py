"""Tables on the terminal are whole at every width: no number is cut, whatever stands beside it."""

import io
import logging
import re

import pytest

from ae_jax.terminal import Column, LogLines, Screen, console, print_table, say

COLUMNS = [
    Column(
        "configuration",
        ["optimizer.learning_rate=0.30000000000000004 model.hidden_sizes=[256,128]", "short"],
        words=True,
    ),
    Column("latent", ["1", "1024"]),
    Column("test", ["3.453 [3.357, 3.552]", "0.1579 [0.1500, 0.1663]"]),
    Column("PCA", ["3.962", ""]),
    Column("autoencoder is", ["better by 12.9% [10.4, 15.3]", "97.6% lower, too few seeds to tell"], words=True),
    Column("nothing", ["", ""]),
]
NUMBERS = re.compile(r"[\[\d][\d.,%]*\d[\]%]?")


def printed(width, columns=COLUMNS, **options):
    text = io.StringIO()
    print_table(Screen(width=width, file=text, highlight=False), "a title", columns, **options)
    return text.getvalue()


@pytest.mark.parametrize("width", [24, 40, 59, 60, 80, 100, 120, 200])
def test_every_number_is_whole_at_every_width(width):
    shown = printed(width, num_naming=2)
    assert all(len(line) <= width or len(line.split()) <= 2 for line in shown.splitlines())
    for column in COLUMNS[1:4]:
        for cell in column.cells:
            for part in cell.split():
                assert part in shown
    for word in ("better", "12.9%", "[10.4,", "97.6%"):
        assert word in shown
    assert "nothing" not in shown
    assert "…" not in shown


def test_what_does_not_fit_stands_below_with_what_names_the_rows():
    assert printed(200, num_naming=2).count("configuration") == 1
    assert printed(80, num_naming=2).count("configuration") == printed(80, num_naming=2).count("latent") > 1


def test_a_narrow_terminal_has_a_block_for_each_row():
    lines = printed(50, num_naming=2).splitlines()
    assert "latent: 1" in lines
    assert "PCA: 3.962" in lines
    assert lines.count("") == 1


def test_words_are_broken_at_spaces_and_paths_are_not():
    output = Screen(width=20, file=io.StringIO(), highlight=False)
    say(output, "one two three four five\n  outputs/a-run-with-a-long-name is there\n[bold]no markup[/]")
    assert output.file.getvalue().splitlines() == [
        "one two three four",
        "  five",
        "  outputs/a-run-with-a-long-name",
        "    is there",
        "[bold]no markup[/]",
    ]


def test_what_is_less_important_is_left_out_first_and_named():
    columns = [Column("name", ["a"]), *(Column(f"rank {rank}", ["1234567890" * 2], rank=rank) for rank in (2, 0, 1))]
    assert "too narrow" not in printed(90, columns)
    assert printed(70, columns).splitlines()[-1] == "too narrow for: rank 2"
    assert printed(60, columns).count("rank") == 3


def test_points_stand_below_each_other():
    rows = printed(80, [Column("a", ["x", "y"]), Column("b", ["3.25 [1.00, 5.00]", "12.5"])]).splitlines()
    assert rows[-3].index(".") == rows[-2].index(".")


def test_intervals_stand_below_their_values_before_a_table_is_parted():
    lines = printed(60, [Column("a", ["x"]), *(Column("b", ["3.453 [3.357, 3.552]"]) for _ in range(3))]).splitlines()
    assert sum("3.453" in line for line in lines) == sum("[3.357, 3.552]" in line for line in lines) == 1


def test_a_log_line_is_broken_on_a_terminal_and_nowhere_else(capsys, monkeypatch):
    record = logging.LogRecord("ae_jax", logging.WARNING, "", 0, "one two three four five six", (), None)
    LogLines().emit(record)
    monkeypatch.setenv("COLUMNS", "20")
    LogLines().emit(record)
    assert capsys.readouterr().err == "one two three four five six\none two three four\n  five six\n"
    assert console().width == 20
