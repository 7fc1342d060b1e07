"""The page as a reader uses it, in a headless Chromium: sort, filter, hover, open, compare. No foreign code runs."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ae_jax.report import page as page_of
from ae_jax.report.page import write_page
from ae_jax.results import load

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("plotly", reason="the extra `page` is not installed")
pytest.importorskip("itables", reason="the extra `page` is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")]

EVIL_NAME = "<img src=x onerror=window.hacked=1> $x$ &lt;b&gt;"
EVIL = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
ODD_KEY, ODD_NAME = "loss.a<b&c", "loss a<b&c"
SCHEMES = [(1280, "light"), (400, "dark")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, write_run) -> Path:
    """Two models, three latent sizes and two seeds; a run of a table whose texts are HTML; two not completed."""
    folder = tmp_path_factory.mktemp("runs")
    for model in ("Dense", "Linear"):
        for size in (1, 2, 10):
            for seed in (0, 1):
                settings = {
                    "model._target_": f"ae_jax.models.{model.lower()}.{model}Autoencoder",
                    "model.latent_size": size,
                    "seed": seed,
                    ODD_KEY: 0.25 if size == 10 else 0.5,
                }
                error = (6 if model == "Linear" else 5) / size + seed / 10
                write_run(folder / f"{model.lower()}{size}-seed{seed}", settings=settings, sse=error, num_epochs=20)
    evil = {"loss.link": EVIL, ODD_KEY: 1.0, "notes": EVIL, "tags": [EVIL], "seed": 7}
    write_run(folder / EVIL_NAME, settings=evil, sse=20.0, feature_shape=(12,), dataset=EVIL)
    write_run(folder / "lost", state="failed", error=EVIL)
    write_run(folder / "late", state="interrupted", settings={"seed": 3})
    return folder


@pytest.fixture(scope="module")
def url(runs, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(load(runs), path, title=EVIL)
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def shows_no_problem(page) -> bool:
    """What goes wrong is said on the page, rather than left to the console."""
    return "cannot be" not in page.locator("body").inner_text()


@pytest.fixture
def visit(browser, url) -> Iterator[Callable]:
    """Opens the page; afterwards there was no error, no request to anywhere, and no script but the page's own."""
    wrong, pages = [], []

    def opened(*, at: str = "", width: int = 1280, scheme: str = "light"):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme, permissions=["clipboard-read"]
        )
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))  # rejections that nothing handles too
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:", "blob:")) or wrong.append(request.url),
        )
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.goto(url + at)
        page.wait_for_selector("body[data-ready=true]")
        pages.append(page)
        return page

    yield opened
    assert pages
    for page in pages:
        assert shows_no_problem(page)
        assert page.evaluate("window.hacked") is None
        page.close()
    assert wrong == []


def names(page) -> list[str]:
    return page.locator("#runs tbody td.name").all_inner_texts()


def column(page, title: str) -> list[str]:
    titles = page.locator("#runs thead th").all_inner_texts()
    index = [text.replace("\n", " ").strip() for text in titles].index(title)
    return page.locator(f"#runs tbody tr td:nth-child({index + 1})").all_inner_texts()


def points(page) -> int:
    """How many runs the scatter chart has."""
    return page.evaluate(
        "document.getElementById('scatter').data.filter(t => t.customdata).reduce((n, t) => n + t.x.length, 0)"
    )


def sort(page, header, order: str) -> None:
    """Click on a header and wait until the rows are in that order: the table sorts a moment later."""
    header.click()
    header.and_(page.locator(f"[aria-sort={order}]")).wait_for()


def search(page, text: str, count: int) -> None:
    page.get_by_label("search", exact=True).fill(text)
    page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{count} of')")


def middle_of_point(page, place: str) -> tuple[float, float]:
    """Where the last point of a chart is on the screen."""
    point = page.locator(f"{place} .scatterlayer .points path").last
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize(("width", "scheme"), SCHEMES)
def test_opens_whole_and_alone(width, scheme, visit):
    page = visit(width=width, scheme=scheme)
    assert page.title() == page.locator("h1").inner_text() == EVIL
    assert "13 runs" in page.locator("#facts").inner_text()
    assert page.locator("#scatter .scatterlayer .points path").count() >= 13
    assert page.locator("#curves .scatterlayer path.js-line").count() >= 2
    assert page.locator("#parallel .axis-title").count() >= 3
    assert page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
    )


@pytest.mark.parametrize(("width", "scheme"), SCHEMES)
def test_the_panel_fits(width, scheme, visit):
    page = visit(at="#run=dense10-seed0", width=width, scheme=scheme)
    assert page.locator("#panel").evaluate("e => e.scrollWidth <= e.clientWidth && e.getBoundingClientRect().left >= 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_rows_are_best_first_and_sort_as_numbers(visit):
    page = visit()
    errors = [float(text) for text in column(page, "validation sse")]
    # The one of other data stands apart, whatever its error; here it is the first.
    assert (errors[0], errors[1:]) == (22.0, sorted(errors[1:]))
    before = names(page)
    header = page.locator("#runs thead th", has_text="latent size")
    sort(page, header, "ascending")
    assert [int(text) for text in column(page, "latent size")] == [1] * 4 + [2] * 5 + [10]
    assert names(page) != before
    sort(page, header, "descending")
    assert [int(text) for text in column(page, "latent size")] == [10] * 4 + [2] * 5 + [1]


def test_filters_and_search_reach_table_and_charts(visit):
    page = visit()
    assert points(page) == 13
    page.get_by_label("model", exact=True).select_option("linear")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('6 of 13')")
    assert len(names(page)) == points(page) == 6
    assert all(name.startswith("linear") for name in names(page))
    assert page.evaluate("document.getElementById('parallel').data[0].dimensions[0].values.length") == 6
    page.get_by_label("seed", exact=True).select_option("1")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('3 of 13')")
    assert points(page) == 3
    search(page, "linear10", 1)
    assert names(page) == ["linear10-seed1"]
    page.get_by_text("Reset filters").click()
    page.wait_for_function("document.getElementById('count').textContent.startsWith('13 of 13')")
    assert points(page) == 13


def test_pca_stands_beside_the_runs(visit):
    page = visit()
    curve = "document.getElementById('scatter').data.filter(t => t.name.startsWith('PCA')).map(t => [t.x, t.y])"
    x, y = page.evaluate(curve)[0]
    assert (x[:4], y[:4]) == ([1, 2, 3, 4], [4, 2, 1, 0.5])
    page.get_by_label("x axis").select_option("seed")
    marks = page.evaluate(curve)
    assert sorted(set(zip(*marks[0], strict=True))) == sorted({(s, p) for s in (0, 1) for p in (4, 2, 0)} | {(7, 2)})


def test_hovering_shows_the_run_and_its_value(visit):
    page = visit()
    search(page, "linear10-seed1", 1)
    page.mouse.move(*middle_of_point(page, "#scatter"))
    text = page.locator("#scatter .hoverlayer").text_content(timeout=3000)
    assert "linear10-seed1" in text
    assert "test sse: 0.7000" in text
    assert "model = linear" in text


def test_charts_cannot_be_sent_anywhere(visit):
    page = visit()
    titles = page.locator("#scatter .modebar-btn").evaluate_all("all => all.map(e => e.dataset.title)")
    assert "Download plot as a PNG" in titles
    assert not [title for title in titles if re.search("share|cloud|edit|studio", title, re.IGNORECASE)]


def test_a_click_on_a_point_opens_the_run(visit):
    page = visit()
    search(page, "linear10-seed1", 1)
    page.mouse.click(*middle_of_point(page, "#scatter"))
    page.wait_for_selector("#panel:visible")
    assert page.locator("#panel h2").inner_text() == "linear10-seed1"
    assert page.url.endswith("#run=linear10-seed1")


def test_a_row_opens_by_click_and_key_and_closes_by_escape(visit):
    page = visit()
    page.locator("#runs tbody tr", has_text="dense10-seed1").click()
    page.wait_for_selector("#panel:visible")
    assert page.locator("#panel h2").inner_text() == "dense10-seed1"
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel", state="hidden")
    assert "#" not in page.url
    link = page.locator("#runs tbody tr a", has_text="dense10-seed0")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel:visible")
    page.keyboard.press("Escape")
    page.wait_for_selector("#panel", state="hidden")
    assert link.evaluate("link => link === document.activeElement")
    page.go_back()
    page.wait_for_selector("#panel:visible")
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("#panel", state="hidden")


def test_the_panel_says_what_the_folder_says(visit, runs):
    page = visit(at="#run=dense2-seed1")
    summary = json.loads((runs / "dense2-seed1" / "summary.json").read_text())
    cells = page.locator("#panel table").first.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells == ["sse, per example", "2.600", "2.000", "30.0% higher"]
    assert (summary["test"]["sse"], summary["pca"]["test"]["sse"]) == (2.6, 2)
    image = page.locator("#panel .pictures canvas")
    # Six examples of 3 x 3 pixels and a gap of one, in three rows.
    page.wait_for_function(
        "(([x, y]) => x === 24 && y === 12)(['width', 'height'].map(n => document.querySelector('#panel canvas')[n]))"
    )
    assert image.get_attribute("aria-label").endswith("input; autoencoder, test sse 2.600; PCA, test sse 2.000")
    names = page.locator("#panel .row-names span").all_inner_texts()
    assert names == ["input", "autoencoder", "PCA", "", "2.600", "2.000"]
    config = dict(row.split("\t") for row in page.locator("#panel table").last.inner_text().splitlines()[1:])
    assert (config["model.latent_size"], config["optimizer.learning_rate"], config["seed"]) == ("2", "0.001", "1")


def test_the_difference_of_two_runs_is_what_differs(visit):
    page = visit(at="#run=dense2-seed0")
    page.get_by_label("compare with").select_option("linear10-seed0")
    page.wait_for_selector("#panel .compared")
    assert page.url.endswith("#runs=dense2-seed0&linear10-seed0")
    rows = page.locator("#panel table").last.inner_text().splitlines()[1:]
    of_dense = [["dropout rate", "0.0", "\N{EN DASH}"], ["model normalization", "none", "\N{EN DASH}"]]
    expected = [["model", "dense", "linear"], *of_dense, ["latent size", "2", "10"], [ODD_NAME, "0.5", "0.25"]]
    assert [row.split("\t") for row in rows] == expected
    sse = page.locator("#panel table").first.locator("tbody tr").first.locator("td").all_inner_texts()
    assert sse == ["sse, per example", "2.5000", "0.6000"]
    sentence = page.locator("#panel .sentence").inner_text()
    assert re.match(r"B has the lowest test sse, 0\.6000; A.s 2\.5000 is 4\.17 . B.s\.", sentence)


def test_a_run_that_is_not_there_is_said(visit):
    page = visit(at="#run=%3Cimg%20src=x%20onerror=window.hacked=1%3E%")
    assert "No run of this page is called" in page.locator("#panel").inner_text()


def test_html_in_names_is_text_everywhere(visit):
    page = visit()
    search(page, "onerror", 1)
    assert names(page) == [EVIL_NAME]
    for label in ("x axis", "colour"):
        page.get_by_label(label).first.select_option("loss.link")
    page.mouse.move(*middle_of_point(page, "#scatter"))
    assert EVIL_NAME in page.locator("#scatter .hoverlayer").text_content(timeout=3000)
    assert EVIL in page.locator("#scatter .xaxislayer-above").text_content()
    assert f"dataset = {EVIL}" in page.locator("#scatter .hoverlayer").text_content()
    assert EVIL in page.locator("#excluded").inner_text()
    assert page.locator("#filters option", has_text="onerror").count() >= 1
    page.locator("#runs tbody tr").first.click()
    page.wait_for_selector("#panel:visible")
    assert page.locator("#panel h2").inner_text() == EVIL_NAME
    assert page.locator("#panel table").last.inner_text().count(EVIL) == 3
    assert page.locator("#panel .js-plotly-plot").count() == 2  # its learning curve, and its examples, as lines
    page.get_by_label("compare with").select_option("dense2-seed0")
    page.wait_for_selector("#panel .names")
    assert page.locator("#panel table").last.inner_text().count(EVIL) == 1
    assert "different data" in page.locator("#panel .sentence").inner_text()
    assert page.locator("img[src=x]").count() == 0


def test_every_control_has_a_name(visit):
    page = visit(at="#run=dense2-seed0")
    controls = page.locator("input, select, button")
    nameless = [
        control.evaluate("e => e.outerHTML.slice(0, 80)")
        for control in controls.all()
        if not control.evaluate("e => (e.labels?.[0] ?? e).textContent.trim() || e.getAttribute('aria-label')")
    ]
    assert controls.count() > 12
    assert nameless == []


def test_the_policy_stops_what_escaping_would_miss(browser, url, tmp_path):
    """Even markup that got in could neither run nor reach the network."""
    text = Path(url.removeprefix("file://")).read_text(encoding="utf-8")
    intruder = '<img src="http://127.0.0.1:9/x" onerror="window.hacked=1"><script>window.hacked=1</script>'
    path = tmp_path / "page.html"
    path.write_text(re.sub(r"<main>", f"<main>{intruder}", text, count=1), encoding="utf-8")
    page = browser.new_page()
    requests = []
    page.on("requestfinished", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready=true]")
    assert page.evaluate("window.hacked") is None
    assert not [address for address in requests if address.startswith("http")]
    page.close()


def test_clicks_faster_than_the_page_draws(visit):
    """What cannot be drawn any more, as its panel is closed, is no error: see `visit`."""
    page = visit()
    page.evaluate(
        """async () => {
            const wait = (ms) => new Promise((done) => setTimeout(done, ms));
            const react = Plotly.react;
            Plotly.react = async (place, ...what) => {
                await wait(20);
                if (!place.isConnected) throw new Error("there is no such place");
                return react(place, ...what);
            };
            const rows = [...document.querySelectorAll("#runs tbody tr")];
            for (let round = 0; round < 20; round++) {
                rows[round % rows.length].click();
                await wait(3 * (round % 9));
                if (round % 3 === 0) dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
            }
            await wait(500);
        }"""
    )


def test_a_header_is_read_out_as_it_is_written(visit):
    page = visit()
    titles = page.locator("#runs thead th").all_inner_texts()
    said = page.locator("#runs thead [aria-label]").evaluate_all("all => all.map(e => e.ariaLabel.split(': Act')[0])")
    assert said == [title.strip() for title in titles]
    assert ODD_NAME in said


def in_sight(page, title: str) -> bool:
    """Whether a column of the table of runs, heading and first value, is within the part of it that is seen."""
    titles = [text.replace("\n", " ").strip() for text in page.locator("#runs thead th").all_inner_texts()]
    return page.evaluate(
        """(index) => {
            const frame = document.querySelector("#runs").closest(".scroll").getBoundingClientRect();
            const name = document.querySelector("#runs tbody td.name").getBoundingClientRect();
            return ["#runs thead th", "#runs tbody tr:first-child td"].every((cells) => {
                const box = document.querySelectorAll(cells)[index].getBoundingClientRect();
                return box.left >= name.right - 1 && box.right <= frame.right + 1;
            });
        }""",
        titles.index(title),
    )


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_errors_are_in_sight_at_any_width(width, visit):
    page = visit(width=width)
    page.locator("#runs tbody tr").first.scroll_into_view_if_needed()
    for title in ("validation sse", "test sse", "PCA test sse"):
        assert in_sight(page, title)
    assert page.locator("#runs thead [aria-sort=ascending]").inner_text().split() == ["validation", "sse"]
    assert page.locator("#runs-more").is_visible()
    assert re.match(r"→ \d+ more columns? to the right, from ", page.locator("#runs-more").inner_text())


def test_the_name_stays_while_the_table_scrolls(visit):
    page = visit(width=400)
    scroller = page.locator(".scroll:has(#runs)")
    assert scroller.get_attribute("tabindex") == "0"
    name = page.locator("#runs tbody td.name").first
    before = name.bounding_box()
    scroller.evaluate("e => e.scrollTo(e.scrollWidth, 0)")
    page.wait_for_selector("#runs-more", state="hidden")
    assert name.bounding_box()["x"] == before["x"]
    assert not in_sight(page, "test sse")


def test_the_table_follows_its_heading(visit):
    """What stands between them are the control and the hint, and no empty row."""
    page = visit()
    boxes = [page.locator(place).bounding_box() for place in ("#runs-more", "#runs thead")]
    assert boxes[1]["y"] - (boxes[0]["y"] + boxes[0]["height"]) < 24


def test_numbers_of_a_row_have_the_same_decimals_and_points_stand_below_each_other(visit):
    page = visit()
    for row in zip(*(column(page, title) for title in ("validation sse", "test sse", "PCA test sse")), strict=True):
        assert len({len(text.partition(".")[2]) for text in row}) == 1
    points = page.locator("#runs tbody tr").evaluate_all(
        """rows => rows.map((row) => {
            const text = row.children[2].firstChild, range = document.createRange(), at = text.data.indexOf(".");
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            return Math.round(range.getBoundingClientRect().left);
        })"""
    )
    assert len(set(points)) == 1


def test_what_is_rounding_is_zero_beside_what_is_not(visit):
    """Such as PCA's error with all components."""
    script = Path(page_of.__file__).with_name("assets") / "numbers.js"
    shown = visit().evaluate(f"() => {{ {script.read_text()}; return alike([0.12345, 1.942e-28, 0]) }}")
    assert shown == ["0.1235", "0.0000", "0.0000"]


def test_menus_of_axes_have_groups(visit):
    page = visit()
    groups = page.get_by_label("x axis").locator("optgroup").evaluate_all("all => all.map(e => e.label)")
    assert groups == ["settings", "test", "validation", "train", "costs"]
    test = page.get_by_label("y axis").locator("optgroup[label=test] option").all_inner_texts()
    assert {"test sse", "PCA test sse", "test sse / PCA"} <= set(test)


def test_the_verdict_is_first_and_what_is_not_counted_is_said_by_its_state(visit):
    page = visit()
    said = page.locator("#overview > :first-child p").all_inner_texts()
    assert len(said) == 3
    # PCA's error with 0, 1, … components is 8, 4, …, which at latent size 1 is 5.05 for the first time with one.
    assert said[1] == "digits: 1 number of the dense autoencoder does what PCA does with 1 (2 seeds)."
    facts = page.locator("#facts").inner_text()
    assert "1 failed" in facts
    assert "1 interrupted" in facts
    assert "left out" not in page.locator("body").inner_text()


def test_learning_curves_have_pca(visit):
    page = visit()
    levels = "document.getElementById('curves').data.filter(t => t.name === 'PCA').map(t => [t.y, t.line])"
    ((y, line),) = page.evaluate(levels)
    # 1.1 of the test sse 4 and 2 of one and two components; 0 of nine, which are all, is no level to draw, but named.
    assert [round(value, 6) for value in y[::3]] == [4.4, 2.2]
    names = page.evaluate("document.getElementById('curves').layout.annotations.map(a => a.text)")
    assert names == ["PCA, 1", "PCA, 2", "PCA, 9: 0"]
    assert (line["dash"], line["color"]) == ("dot", "#D55E00")
    page.get_by_label("curve", exact=True).select_option("train_loss")
    assert page.evaluate(levels) == []


def test_what_a_chart_shows_is_said_to_those_who_do_not_see_it(visit):
    page = visit()
    scatter = page.locator("#scatter")
    assert scatter.get_attribute("aria-label").startswith(
        "Scatter chart: test sse over latent size, 13 runs, coloured by"
    )
    page.get_by_label("x axis").select_option("seed")
    search(page, "linear10", 2)
    assert scatter.get_attribute("aria-label").startswith("Scatter chart: test sse over seed, 2 runs")
    assert "2 runs; PCA" in page.locator("#curves").get_attribute("aria-label")
    assert "latent size" in page.locator("#parallel").get_attribute("aria-label")


def test_two_to_four_runs_are_compared(visit):
    page = visit()
    page.get_by_label("a page").select_option("-1")
    compare = page.locator("#picks button").first
    assert compare.is_disabled()
    for size in (1, 2):
        for model in ("dense", "linear"):
            page.get_by_label(f"compare {model}{size}-seed0").check()
    assert page.get_by_label("compare dense1-seed1").is_disabled()
    compare.click()
    page.wait_for_selector("#panel .names")
    assert page.locator("#panel h2").inner_text() == "4 runs compared"
    assert page.locator("#panel .names a").all_inner_texts() == [
        "dense1-seed0",
        "linear1-seed0",
        "dense2-seed0",
        "linear2-seed0",
    ]
    curves = page.locator("#panel .chart").first.evaluate("e => e.data.map(t => [t.name, t.line.color, t.line.dash])")
    assert [name for name, *_ in curves] == ["PCA", "A", "B", "C", "D"]
    assert len({tuple(look) for _, *look in curves}) == 5
    page.wait_for_function("document.querySelector('#panel canvas').height === 7 * 4")
    assert page.locator("#panel .row-names").first.locator("span").all_inner_texts() == [
        "input",
        "A",
        "B",
        "C",
        "D",
        "PCA, 1",
        "PCA, 2",
    ]
    page.get_by_label("Remove linear1-seed0").click()
    page.wait_for_function("document.querySelectorAll('#panel .names li').length === 3")
    assert page.url.endswith("#runs=dense1-seed0&dense2-seed0&linear2-seed0")


def test_link_and_latex_are_copied(visit):
    page = visit(at="#runs=dense2-seed0&linear2-seed0")
    copied = "navigator.clipboard.readText()"
    page.get_by_role("button", name="Copy link").click()
    page.locator("#said", has_text="Copied").wait_for(state="attached")
    assert page.evaluate(copied) == page.url
    page.locator("#panel").get_by_role("button", name="Copy LaTeX").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('toprule'))")
    first, second, *lines = page.evaluate(copied).splitlines()
    assert (first, second) == ("% A: dense2-seed0", "% B: linear2-seed0")
    assert lines[0] == r"\begin{tabular}{@{}lrr@{}}"
    assert lines[2] == r"test split & A & B \\"
    assert lines[4] == r"sse, per example & 2.500 & 3.000 \\"
    assert lines[6] == r"autoencoder is & 25.0\% higher & 50.0\% higher \\"


def test_pictures_of_charts_are_saved(visit):
    page = visit()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save SVG").first.click()
    assert download.value.suggested_filename == "runs.svg"
    assert download.value.path().read_text(encoding="utf-8").startswith("<svg")
    page.get_by_role("button", name="Copy picture").first.click()
    page.locator("#said", has_text="Copied").wait_for(state="attached")


def test_every_axis_and_nothing_at_all_can_be_drawn(visit):
    """What goes wrong in it is seen by `visit`."""
    page = visit()
    for menu in ("x axis", "y axis", "colour"):
        for value in page.get_by_label(menu).first.locator("option").evaluate_all("all => all.map(e => e.value)"):
            page.get_by_label(menu).first.select_option(value)
    for label in ("log x", "log y"):
        page.get_by_label(label).last.click()
    search(page, "there is no such run", 0)
    page.set_viewport_size({"width": 400, "height": 900})
    page.emulate_media(color_scheme="dark")
    search(page, "", 13)


def test_no_number_is_longer_than_what_was_measured(visit, browser, write_run, tmp_path):
    for index in range(4):
        settings = {"optimizer.learning_rate": 0.00016334587611069497 * (1 + index // 2), "seed": index % 2}
        write_run(tmp_path / "runs" / f"run{index}", settings=settings, sse=1 / 3 + index / 7)
    write_page(load(tmp_path / "runs"), tmp_path / "page.html")
    visit()
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri() + "#runs=run0&run2")
    page.wait_for_selector("#panel .names")
    text = page.locator("body").inner_text()
    assert "0.0001633" in text
    assert not re.search(r"\d\.0*[1-9]\d{6,}", text)
    page.close()


def test_nothing_moves_where_that_is_not_wanted(browser, url):
    page = browser.new_page(reduced_motion="reduce")
    page.goto(url)
    page.wait_for_selector("body[data-ready=true]")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.evaluate("document.getAnimations().length") == 0
    page.close()


@pytest.mark.parametrize(
    ("broken", "after", "said"),
    [
        (
            "void (Plotly.react = async () => { throw new Error('no canvas') })",
            True,
            "This chart cannot be drawn: no canvas",
        ),
        ("URL.createObjectURL = () => 'blob:none'", False, "The table and the charts cannot be shown: "),
    ],
)
def test_what_goes_wrong_is_said_in_its_place(broken, after, said, browser, url):
    """No rejection is left without a handler, which would be an error of the page."""
    page, wrong = browser.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.add_init_script("window.unhandled = 0; addEventListener('unhandledrejection', () => window.unhandled++)")
    if not after:
        page.add_init_script(broken)
    page.goto(url)
    page.wait_for_selector("body[data-ready=true]")
    if after:
        page.evaluate(broken)
        page.get_by_label("x axis").select_option("seed")
    page.get_by_text(said).first.wait_for()
    assert (wrong, page.evaluate("window.unhandled")) == ([], 0)
    page.close()
