"""`scripts/report.py`: runs in one table, on the terminal, in SQL, or as a page."""

import argparse
import csv
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ae_jax.errors import UserError, harmless
from ae_jax.jobs.guard import EXIT_COMPLETED, Parser, guard
from ae_jax.results import load
from ae_jax.results.database import TABLES
from ae_jax.results.results import Results

_MEASURES = (
    "what chooses and is compared: sse (the default), mse, explained_variance, psnr, bce, a term of the objectives, "
    "such as kl or distortion, or objective"
)
_WIDE = 10_000  # characters, where the output is no terminal and goes to another program


def main() -> None:
    """Entry point of `scripts/report.py`."""
    parser = Parser(
        description="Runs and sweeps in one table: the best configurations against PCA, and what the swept values did.",
        epilog=f"Tables for --sql and --where:\n{TABLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="run folders, or folders with run folders in them")
    parser.add_argument("--measure", default="sse", help=_MEASURES)
    parser.add_argument("--where", metavar="CONDITION", help="only runs for which this SQL condition holds")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--sql", metavar="QUERY", help="print the answer to a query, such as: select * from runs")
    answer.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="compare configurations: each side key=value[,key=value], a condition as of --where, or PCA",
    )
    answer.add_argument("--html", action="store_true", help="write one self-contained page")
    parser.add_argument("--split", help="with --compare: train, validation, test (the default), corrupted")
    parser.add_argument("--csv", action="store_true", help="with --sql: print comma-separated values")
    parser.add_argument("--output", type=Path, metavar="FILE", help="with --html: the file (default: PATH/report.html)")
    arguments = parser.parse_intermixed_args()
    if arguments.csv and arguments.sql is None:
        parser.error("argument --csv: goes with --sql")
    if arguments.output and not arguments.html:
        parser.error("argument --output: goes with --html")
    if arguments.split and not arguments.compare:
        parser.error("argument --split: goes with --compare")
    raise SystemExit(guard(lambda: _report(arguments)))


def _report(arguments: argparse.Namespace) -> int:
    results = load(arguments.paths).where(arguments.where)
    if arguments.sql is not None:
        _print_answer(results, arguments.sql, as_csv=arguments.csv)
    elif arguments.compare:
        from ae_jax.report.compared import print_comparison

        split = arguments.split or "test"
        print_comparison(results, arguments.compare, measure=arguments.measure, split=split)
    elif arguments.html:
        from ae_jax.report.page import write_page
        from ae_jax.terminal import console, count, say, short_path

        path = arguments.output or Path(arguments.paths[0]) / "report.html"
        write_page(results, path, measure=arguments.measure)
        say(console(), f"page of {count(len(results.runs), 'run')}: {short_path(path)}")
    else:
        from ae_jax.report.terminal import print_report

        print_report(results, measure=arguments.measure)
    return EXIT_COMPLETED


def _print_answer(results: Results, query: str, *, as_csv: bool) -> None:
    import duckdb

    from ae_jax.terminal import console

    answer, output, text = results.sql(query), console(), io.StringIO()
    if as_csv:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(answer.columns)
        try:
            writer.writerows(answer.fetchall())
        except duckdb.Error as error:  # of a type that Python has no value for
            reason = str(error).partition("\n")[0]
            raise UserError("--csv", f"cannot write it ({reason})", "cast columns, as in started::varchar") from error
    else:
        with redirect_stdout(text):
            answer.show(max_width=_WIDE, max_rows=_WIDE)
        if output.breaks and max(map(len, text.getvalue().splitlines())) > output.width:
            _print_columns(output, answer)
            return
    # To another program as it is.
    shown = harmless(text.getvalue()) if output.is_terminal else text.getvalue()
    sys.stdout.write(shown)


def _print_columns(output: Any, answer: Any) -> None:
    """An answer that is wider than the terminal: as many tables as it takes, in which no value is cut."""
    from rich.markup import escape

    from ae_jax.terminal import Column, print_table

    rows = answer.project("columns(*)::varchar").fetchall()[:_WIDE]
    columns = [
        Column(title, ["NULL" if row[at] is None else escape(row[at]) for row in rows], words=str(kind) == "VARCHAR")
        for at, (title, kind) in enumerate(zip(answer.columns, answer.types, strict=True))
    ]
    print_table(output, "", columns)
