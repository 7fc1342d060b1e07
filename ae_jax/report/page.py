"""The page: runs to sort, filter, draw and open, in one HTML file that needs no network.

Results -> `page_data` (JSON) -> assets/page.html, with Plotly, DataTables and the scripts of assets/ inside.

What comes from run folders is data, not markup: it is put in as JSON without a `<`, and the scripts set it as text. The
page's security policy allows its own scripts only, by their hashes, and no connection to anywhere.
"""

import base64
import hashlib
import html
import json
import re
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from ae_jax.errors import UserError
from ae_jax.files import make_folder, write_bytes
from ae_jax.report.page_data import page_data
from ae_jax.results import Results

_ASSETS = resources.files("ae_jax.report") / "assets"
_SCRIPTS = (
    "numbers.js",
    "common.js",
    "colours.js",
    "filters.js",
    "table.js",
    "charts.js",
    "scatter.js",
    "curves.js",
    "parallel.js",
    "overview.js",
    "copy.js",
    "pictures.js",
    "compare.js",
    "panel.js",
    "page.js",
)
_STYLES = ("page.css", "table.css", "panel.css")


class _Libraries(NamedTuple):
    """JavaScript and CSS of the libraries: Plotly's script, DataTables' module and its styles."""

    plotly: str
    tables: str
    styles: str


def write_page(results: Results, path: Path, *, title: str | None = None, measure: str = "sse") -> None:
    """Write the page of the results. Folders that are left out are listed on it, also where no run has completed.

    Args:
        results: The runs.
        path: The file, replaced if it exists; its folder is made.
        title: Title of the page; the names of the experiments if None.
        measure: What chooses the best on validation; see `results.measured.measure_of`.

    Raises:
        UserError: If no run has the measure, plotly or itables is not installed, or the file cannot be written.
    """
    libraries = _libraries()
    experiments = list(dict.fromkeys(run.experiment for run in results.runs))
    title = title or ", ".join(experiments[:3]) + (", …" if len(experiments) > 3 else "") or "Runs"
    make_folder(path.parent)
    write_bytes(path, _page(title, page_data(results, measure), libraries).encode(errors="replace"))


def _libraries() -> _Libraries:
    try:
        from plotly.offline import get_plotlyjs

        bundle = resources.files("itables") / "html"
    except ImportError as error:
        raise UserError("--html", "needs plotly and itables", "pip install 'ae_jax[page]'") from error
    module, styles = ((bundle / f"dt_bundle.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return _Libraries(get_plotlyjs(), module, styles)


def _page(title: str, data: dict[str, Any], libraries: _Libraries) -> str:
    plotly = _inside_script(libraries.plotly)
    script = _inside_script("\n".join(_asset(name) for name in _SCRIPTS))
    return Template(_asset("page.html")).substitute(
        title=html.escape(title),
        policy=_policy(plotly, script),
        styles=libraries.styles + "".join(map(_asset, _STYLES)),
        data=_json(data),
        tables=_json(libraries.tables),
        plotly=plotly,
        script=script,
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _json(content: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _inside_script(code: str) -> str:
    """JavaScript without what would end its element; in texts and patterns the backslash changes nothing."""
    return re.sub(r"<(?=/script|!--)", r"<\\", code, flags=re.IGNORECASE)


def _policy(*scripts: str) -> str:
    """The content security policy: these scripts, and modules that they make, such as DataTables; no network.

    Plotly's parallel coordinates compile their drawing at run time, which is `unsafe-eval`.
    """
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed} blob: 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
