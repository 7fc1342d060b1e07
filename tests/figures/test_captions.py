"""Every figure has a caption: what it shows, of which data, how many seeds, which interval, what was selected."""

import importlib
import re
import shutil
import subprocess

import pytest
import yaml
from matplotlib.figure import Figure

from ae_jax.commands.captions import Caption, caption, write_captions
from ae_jax.commands.figures import FIGURES
from ae_jax.figures.style import paper_style
from ae_jax.results import Results, load
from tests.figures.test_paper_figures import NAMES, ROOT, WHERE, drawn, options_of, texts_of, write_grid

DATA = "a_<long>_name of a {data} set, 50 % of $1"
DOCUMENT = r"""\documentclass{article}
\begin{document}
\listoffigures
%s
\end{document}
"""
INTERVAL = re.compile(r"95 %|range|mean (over|of) |one run")  # a mean alone where none is drawn


@pytest.fixture(scope="module")
def results(write_run, tmp_path_factory) -> Results:
    """Two configurations of each model and size, of which one run diverged, over five seeds."""
    return load(write_grid(write_run, tmp_path_factory.mktemp("runs"), sizes=(1, 2), num_seeds=5, dataset=DATA))


@pytest.fixture(scope="module")
def captions(results) -> dict[str, tuple[Caption, Figure]]:
    found = {}
    for name in NAMES:
        with paper_style("neurips", width="text", font=None):
            figure = drawn(name, results.where(WHERE.get(name)))
        draw = importlib.import_module(f"ae_jax.figures.{name}").draw
        found[name] = (caption(draw, figure, options_of(name).get("measure")), figure)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_says_what_the_figure_says(name, captions):
    """Of the notes above a figure each word is in the caption, as both are one text."""
    (_, text), figure = captions[name]
    *headlines, notes = str(figure.get_label()).split("\n")
    assert text.endswith("".join(f" {headline}." for headline in headlines) + f" Data: {notes}.")
    shown = "".join("".join(texts_of(figure)).split())
    assert "".join(notes.replace("$", r"\$").replace("; ", "").split()) in shown.replace(";", "")
    assert notes.startswith(DATA)
    assert re.search(r"\b(4 to )?5 (seeds|runs)", text), text
    assert INTERVAL.search(text), text
    assert "diverged" in text
    assert "\n" not in text


@pytest.mark.parametrize("name", ["cost", "latent_vs_pca", "reconstruction_grid", "latent_space"])
def test_what_was_selected_is_said(name, captions):
    assert re.search(r"the best .*by validation sse", captions[name][0].text)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_shows_stands_first(name, captions):
    first = (ROOT / f"ae_jax/figures/{name}.py").read_text().partition('"""')[2].partition("\n")[0]
    title, text = captions[name][0]
    assert title == first.removesuffix('"""').rstrip(".")
    assert text.startswith(f"{title}. ")
    measure = yaml.safe_load((ROOT / f"conf/figure/{name}.yaml").read_text()).get("measure")
    assert ("Measure: squared error per example (sse)." in text) == (measure == "sse")


def test_a_caption_is_any_text_escaped(tmp_path, captions):
    tex, markdown = write_captions(captions["cost"][0], tmp_path, "x")
    assert (tex.name, markdown.name) == ("x_caption.tex", "x_caption.md")
    assert r"a\_\textless{}long\textgreater{}\_name of a \{data\} set, 50 \% of \$1" in tex.read_text()
    assert r"a\_&lt;long&gt;\_name of a \{data\} set, 50 % of \$1" in markdown.read_text()
    assert tex.read_text().startswith(r"\caption[{Error against cost: parameters, operations or time, of each autoen")


def test_the_same_runs_give_the_same_bytes(results, tmp_path):
    config = FIGURES.compose(["figure=cost", "runs=[]", "formats=[png]"], config_dir=None)
    first, second = (
        {path.name: path.read_bytes() for path in FIGURES.make(config, results, tmp_path / str(number), "x")}
        for number in range(2)
    )
    assert sorted(first) == ["x.png", "x_caption.md", "x_caption.tex"]
    assert first == second


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_sets_all_captions(captions, tmp_path):
    """In floats, and in the list of figures, which is a moving argument."""
    floats = []
    for name, (made, _) in captions.items():
        write_captions(made, tmp_path, name)
        floats.append(rf"\begin{{figure}}\input{{{name}_caption}}\label{{fig:{name}}}\end{{figure}}")
    (tmp_path / "paper.tex").write_text(DOCUMENT % "\n\\clearpage\n".join(floats))
    for _ in range(2):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert ended.returncode == 0, ended.stdout[-2000:]
    listed = (tmp_path / "paper.lof").read_text()
    assert listed.count("{figure}") == len(NAMES)
