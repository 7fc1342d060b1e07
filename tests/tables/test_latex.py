"""LaTeX itself sets every table on the page of every venue: nothing is wider or higher than the text."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ae_jax.commands.tables import _page
from ae_jax.figures.style import VENUES
from ae_jax.results import Results, load
from ae_jax.tables import write_table
from ae_jax.tables.latex import too_large
from ae_jax.tables.parts.fit import Page, arrange

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex"),
]

TABLES = ("comparison", "best", "differences", "appendix")
PAGES = {"article": Page(6.5, 9), **{venue: _page({"venue": venue, "width": "text"}) for venue in VENUES}}
DOCUMENT = r"""\documentclass[%spt]{article}
\usepackage[letterpaper,textwidth=%gin,textheight=%gin]{geometry}
\usepackage{booktabs,longtable}
\newsavebox{\measured}
\begin{document}
%s
\end{document}
"""
FLOAT = r"""\savebox{\measured}{\input{main}}
\typeout{MEASURED \the\wd\measured\space \the\ht\measured\space \the\dp\measured}
\begin{table}\centering\input{main_caption}\input{main}\end{table}"""
LONG = r"Text before it. \input{main} Text after it."


def typeset(folder: Path, page: Page, body: str) -> str:
    """What LaTeX says, on one line each, without what it found wrong."""
    size = 11 if page.font_size > 10.5 else 10
    (folder / "paper.tex").write_text(DOCUMENT % (size, page.width, page.height, body))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):  # a longtable has its widths in the second
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stdout[-2000:]
    assert not [line for line in ended.stdout.splitlines() if "Overfull" in line or "too large" in line]
    return ended.stdout


@pytest.fixture(scope="module")
def results(write_run, tmp_path_factory) -> Results:
    """The runs of the shipped paper in shape: two models at six sizes, errors with intervals of many digits."""
    folder = tmp_path_factory.mktemp("runs")
    for model, target in (("dense", "dense.DenseAutoencoder"), ("linear", "linear.LinearAutoencoder")):
        for size in (1, 2, 3, 4, 5, 6):
            for seed in range(5):
                sse = (
                    8
                    / 2**size
                    * (1.0001 if model == "linear" else 0.8)
                    * (1 + (0.001 if model == "linear" else 0.02) * seed)
                )
                settings = {"model._target_": f"ae_jax.models.{target}", "model.latent_size": size, "seed": seed}
                write_run(folder / f"{model}{size}-{seed}", settings=settings, sse=sse)
    return load(folder)


@pytest.mark.parametrize("venue", PAGES)
@pytest.mark.parametrize("name", TABLES)
def test_shipped_tables_fit_the_page(name, venue, results, build_table, tmp_path):
    """And the estimate of their size, by which they are arranged, is never too small nor a fifth too large."""
    page, table = PAGES[venue], build_table(name, results)
    write_table(table, tmp_path, "main", ["latex"], page=page)
    said = typeset(tmp_path, page, FLOAT)
    found = re.search(r"MEASURED ([\d.]+)pt ([\d.]+)pt ([\d.]+)pt", said)
    width, height = float(found[1]), float(found[2]) + float(found[3])
    assert width <= 72.27 * page.width
    assert height <= 72.27 * page.height
    arrangement = arrange(table.printed, page)
    assert width <= arrangement.width <= 1.2 * width
    assert height <= arrangement.height <= 1.2 * height


@pytest.mark.parametrize("name", TABLES)
def test_a_longtable_runs_over_pages(name, results, build_table, tmp_path):
    page = Page(5.5, 3)
    write_table(build_table(name, results), tmp_path, "main", ["latex"], page=page, layout="longtable")
    said = typeset(tmp_path, page, LONG)
    assert int(re.search(r"Output written on paper\.pdf \((\d+) page", said)[1]) > (1 if name != "best" else 0)


def test_long_names_are_broken_in_a_column(make_results, seeds, build_table, tmp_path):
    name = "ae_jax.models.dense.ARatherLongNameOfAVariationalAutoencoder"
    runs = [
        run
        for model in (f"{name}One", f"{name}Two")
        for rate in (0.0003, 0.001)
        for run in seeds(1.0, 1.1, 1.2, 1.3, 1.4, settings={"model._target_": model, "optimizer.learning_rate": rate})
    ]
    table, page = build_table("comparison", make_results(*runs)), Page(3.6, 9)
    for layout, body in (("tabular", FLOAT), ("longtable", LONG)):
        assert too_large(table, page, layout) == ""
        write_table(table, tmp_path, "main", ["latex"], page=page, layout=layout)
        typeset(tmp_path, page, body)


def test_any_text_is_printed(tmp_path, build_table, make_results, seeds):
    name = (
        "a_b 5% &c #1 $x$ {y} ~ ^ <img src=x> | \\input [z] * `k` -- ü ß … \N{MULTIPLICATION SIGN} \N{MINUS SIGN} — 数"
    )
    results = make_results(*seeds(1.0, 1.1, 1.2, 1.3, 1.4, dataset=name))
    for layout, body in (("tabular", FLOAT), ("longtable", LONG)):
        write_table(build_table("comparison", results), tmp_path, "main", ["latex"], layout=layout)
        typeset(tmp_path, Page(6.5, 9), body)
