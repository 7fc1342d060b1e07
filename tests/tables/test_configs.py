"""Every conf/table/*.yaml builds a table, in every format; LaTeX compiles within a narrow column of text."""

import csv
import importlib
import inspect
import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ae_jax.tables import Table, write_table
from ae_jax.tables.formats import csv_text

CONF = Path(__file__).resolve().parents[2] / "conf" / "table"
NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))
NO_TABLES = {"__init__", "formats", "latex", "published"}
DOCUMENT = r"""\documentclass{article}
\setlength{\textwidth}{5.5in}
\usepackage{booktabs}
\begin{document}
\noindent\input{table}
\end{document}
"""


@pytest.fixture
def results(make_results, seeds):
    """Two models at two sizes, three seeds each, one of them diverged once."""
    linear = {"model._target_": "ae_jax.models.linear.LinearAutoencoder"}
    runs = [
        seeds(base, 1.02 * base, 0.97 * base, settings=model | {"model.latent_size": size})
        for model, base in (({}, 0.923456), (linear, 1.912345))
        for size in (2, 3)
    ]
    lost = {"settings": {"model.latent_size": 2, "seed": 9}, "state": "diverged"}
    return make_results(*(run for group in runs for run in group), lost)


def test_every_table_has_a_yaml():
    package = Path(inspect.getfile(importlib.import_module("ae_jax.tables"))).parent
    assert {path.stem for path in package.glob("*.py")} - NO_TABLES == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_yaml_gives_every_option(name):
    given = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    assert given.pop("_target_") == f"ae_jax.tables.{name}.build"
    build = importlib.import_module(f"ae_jax.tables.{name}").build
    results, *parameters = inspect.signature(build).parameters.values()
    assert results.kind is results.POSITIONAL_ONLY
    assert {one.name for one in parameters} == given.keys()
    assert all(one.kind is one.KEYWORD_ONLY and one.default is one.empty for one in parameters)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_builds(name, results, build_table):
    table = build_table(name, results)
    assert isinstance(table, Table)
    head, *rows = csv.reader(io.StringIO(csv_text(table)))
    assert len(set(head)) == len(head)
    assert [len(row) for row in rows] == [len(head)] * len(table.rows)
    assert rows


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_latex_compiles_within_the_column(name, results, build_table, tmp_path):
    log = compiled(build_table(name, results), tmp_path)
    assert not re.search(r"^!|Overfull", log, re.MULTILINE), log


@pytest.mark.slow
def test_latex_of_published_numbers_and_many_measures(make_results, seeds, build_table, tmp_path):
    mnist = {"dataset._target_": "ae_jax.datasets.mnist.mnist"}
    runs = [
        seeds(3.01234, 3.1, 3.2, settings=mnist | {"model.latent_size": size}, dataset="mnist", feature_shape=(28, 28))
        for size in (16, 30)
    ]
    results = make_results(*runs[0], *runs[1])
    measures = ["sse", "mse", "explained_variance", "psnr", "bce"]
    log = compiled(build_table("comparison", results, measures=measures), tmp_path)
    assert not re.search(r"^!|Overfull", log, re.MULTILINE), log


@pytest.mark.slow
def test_latex_of_any_text(make_results, build_table, tmp_path):
    nasty = [r"[a]_%&#${}~^<>|\x", '* -- "ü" \u6570', "--\n\nb", "[8]"]
    results = make_results(*({"settings": {"loss.link": text}, "sse": 1.0} for text in nasty))
    log = compiled(build_table("comparison", results, measures=["sse"]), tmp_path)
    assert not re.search(r"^!", log, re.MULTILINE), log


def compiled(table: Table, folder: Path) -> str:
    """The log of pdflatex."""
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex")
    write_table(table, folder, "table", ["latex"])
    (folder / "main.tex").write_text(DOCUMENT)
    command = ["pdflatex", "-interaction=nonstopmode", "-no-shell-escape", "main"]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
    assert (folder / "main.pdf").exists()
    return (folder / "main.log").read_text(errors="replace")
