"""The page as a file: whole, alone, safe to open, small, and true to the run folders."""

import base64
import copy
import io
import json
import re
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ae_jax.errors import UserError
from ae_jax.report import page as page_module
from ae_jax.report.names import short_values
from ae_jax.report.page import write_page
from ae_jax.report.page_data import MOST_PICTURES, MOST_POINTS, page_data, rounded, thinned
from ae_jax.report.pictures import reconstructions
from ae_jax.results import Results, load

pytest.importorskip("plotly", reason="the extra `page` is not installed")
pytest.importorskip("itables", reason="the extra `page` is not installed")

EVIL = "</script><!--<script><img src=x onerror=alert(1)>"


class Elements(HTMLParser):
    """Start tags with their attributes, and the text of each script."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data


@pytest.fixture
def sweep(tmp_path, write_run) -> Path:
    """Two latent sizes and two seeds, and a run that failed."""
    for size in (1, 2):
        for seed in (0, 1):
            settings = {"model.latent_size": size, "seed": seed}
            write_run(tmp_path / "runs" / f"size{size}-seed{seed}", settings=settings, sse=3.0 / size + seed / 10)
    write_run(tmp_path / "runs" / "broken", settings={"seed": 5}, state="failed", error=f"ValueError: {EVIL}")
    return tmp_path / "runs"


def written(results: Results, folder: Path, **options) -> str:
    path = folder / "out" / "page.html"
    write_page(results, path, **options)
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]
    return path.read_text(encoding="utf-8")


def data_in(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">([^<]*)</script>', text)
    return json.loads(found[1])


def test_the_file_holds_the_data_of_the_folders(sweep, tmp_path):
    data = data_in(written(load(sweep), tmp_path))
    columns = {column["key"]: column["values"] for column in data["columns"]}
    assert [run["name"] for run in data["runs"]] == ["size1-seed0", "size1-seed1", "size2-seed0", "size2-seed1"]
    assert columns["model.latent_size"] == [1, 1, 2, 2]
    assert columns["seed"] == [0, 1, 0, 1]
    assert columns["test.sse"] == [3.0, 3.1, 1.5, 1.6]
    assert columns["pca.test.sse"] == [4, 4, 2, 2]
    assert columns["ratio.test.sse"] == [0.75, 0.775, 0.75, 0.8]
    assert not [key for key in columns if key.startswith("ratio.") and "bce" in key]
    assert data["runs"][0]["measures"]["test"]["sse"] == [3.0, 4, "25.0% lower"]
    assert data["runs"][0]["curve"]["epoch"] == [1, 2, 3]
    assert data["pca_curves"][0]["values"][:4] == [8, 4, 2, 1]
    assert data["defaults"] == {"x": "model.latent_size", "y": "test.sse", "colour": None}


def test_the_best_is_chosen_on_validation_and_reported_on_test(tmp_path, write_run):
    for rate, validation, test in ((1e-3, 1.0, 5.0), (1e-2, 2.0, 0.5)):
        for seed in (0, 1, 2):
            settings = {"optimizer.learning_rate": rate, "seed": seed}
            write_run(tmp_path / f"{rate}-{seed}", settings=settings, sse=test + seed, validation_sse=validation)
    (best,) = page_data(load(tmp_path))["overview"]["best"]
    assert best["label"] == "learning rate 0.001"
    assert best["num_seeds"] == 3
    assert best["chosen"] == best["chosen_of_all"] == "100 %"
    assert best["autoencoder"]["mean"] == 6
    # Student's t of 5, 6, 7 in logarithms: 4.3027 standard errors, which are 1 / sqrt(3) of 6.
    half = 4.302653 / np.sqrt(3) / 6
    assert best["autoencoder"]["low"] == pytest.approx(6 * np.exp(-half), rel=1e-5)
    assert best["autoencoder"]["high"] == pytest.approx(6 * np.exp(half), rel=1e-5)
    assert best["pca"]["mean"] == 2
    assert best["over"] == "mean of 3 seeds [95 % t interval]"
    assert best["told"] == ""
    assert best["verdict"] == "3.0 \N{MULTIPLICATION SIGN} PCA's [2.0, 4.5], too few seeds to tell"


def sweep_of(folder, write_run, **errors):
    """Configurations of some rates, each with its errors over seeds; PCA's is 2."""
    for rate, over_seeds in errors.items():
        for seed, sse in enumerate(over_seeds):
            settings = {"optimizer.learning_rate": float(rate.replace("r", "0.")), "seed": seed}
            write_run(folder / f"{rate}-{seed}", settings=settings, sse=sse)
    return page_data(load(folder))["overview"]


@pytest.mark.parametrize(
    ("errors", "told", "verdict"),
    [
        ([1.0, 1.1, 0.9, 1.0, 1.0], "better", "better by 50.1%"),
        ([3.0, 3.1, 2.9, 3.0, 3.0], "worse", "worse by 50.0%"),
        ([1.9, 2.1, 2.0, 1.8, 2.2], "", "not told apart"),
        ([2.0] * 5, "", "equal"),
        ([1.0, 1.1, 0.9, 1.0], "", "too few seeds to tell"),
        ([1.0, 1.1], "", "too few seeds to tell"),
    ],
)
def test_what_is_better_is_said_of_five_seeds_whose_interval_tells(errors, told, verdict, tmp_path, write_run):
    overview = sweep_of(tmp_path, write_run, r1=errors)
    (best,) = overview["best"]
    assert best["told"] == told
    assert verdict in best["verdict"]
    assert "means over seeds [95 % t interval, symmetric in logarithms" in overview["reading"]
    assert ("fewer than five seeds are too few" in overview["reading"]) == (len(errors) < 5)


def test_the_best_says_what_it_lacks_and_one_lucky_seed_is_not_it(tmp_path, write_run):
    settings = {"optimizer.learning_rate": 0.1, "seed": 9}
    write_run(tmp_path / "lost", settings=settings, state="failed", error="out of memory")
    overview = sweep_of(tmp_path, write_run, r1=[1.5, 1.6, 1.4, 1.5], r2=[0.5], r3=[1.9] * 5, r4=[2.5] * 6)
    (best,) = overview["best"]
    assert (best["label"], best["num_seeds"], best["most_seeds"]) == ("learning rate 0.3", 5, 6)
    (best,) = page_data(load(tmp_path).where("optimizer.learning_rate = 0.1"))["overview"]["best"]
    assert (best["num_seeds"], best["lost"], best["most_seeds"]) == (4, "(+1 failed)", 4)


def test_numbers_that_are_told_apart_look_different(tmp_path, write_run):
    """Of PCA's there are as many decimals as of the interval beside it."""
    (best,) = sweep_of(tmp_path, write_run, r1=[1.99921, 1.99922, 1.99923, 1.99922, 1.99921])["best"]
    assert best["told"] == "better"
    assert best["autoencoder"]["text"].startswith("1.9992")
    assert best["pca"]["text"] == "2.00000"


def test_the_verdict_of_each_model_leads(tmp_path, write_run):
    for seed, sse in enumerate([1.0, 1.01, 0.99, 1.0, 1.0]):
        write_run(tmp_path / f"{seed}", settings={"seed": seed}, sse=sse)
    # PCA's error is 8, 4, 2, 1 with 0, 1, 2, 3 components; the interval of the mean reaches beyond 1 on both sides.
    verdicts = page_data(load(tmp_path))["overview"]["verdicts"]
    assert verdicts == ["2 numbers of the dense autoencoder do what PCA does with 3 [3, 4]."]


def test_settings_that_vary_together_are_one(tmp_path, write_run):
    for model, rate in (("dense", 0.001), ("linear", 0.01)):
        for seed in (0, 1):
            settings = {
                "model._target_": f"ae_jax.models.{model}.{model.title()}Autoencoder",
                "optimizer.learning_rate": rate,
                "seed": seed,
            }
            write_run(tmp_path / f"{model}{seed}", settings=settings)
    data = page_data(load(tmp_path))
    columns = {column["key"]: column for column in data["columns"]}
    assert [key for key, column in columns.items() if column["kind"] == "setting" and column["shown"]] == [
        "model", "model.latent_size", "seed",
    ]  # fmt: skip
    assert columns["model"]["together"] == ["learning rate"]
    assert columns["optimizer.learning_rate"]["values"] == [0.001, 0.001, 0.01, 0.01]
    (swept,) = data["overview"]["swept"]
    assert swept["values"] == ["dense with learning rate 0.001", "linear with learning rate 0.01"]


def test_errors_come_before_settings_and_costs(sweep):
    data = page_data(load(sweep))
    shown = [column["key"] for column in data["columns"] if column["shown"]]
    assert shown[:4] == ["validation.sse", "test.sse", "pca.test.sse", "ratio.test.sse"]
    assert shown[4:6] == ["model.latent_size", "seed"]
    assert {column["group"] for column in data["columns"]} <= set(data["groups"])


def test_what_varies_says_which_values_diverged(tmp_path, write_run):
    for rate in (0.001, 0.1, 10.0):
        for seed in (0, 1):
            state = "diverged" if rate == 10 or (rate == 0.1 and seed) else "completed"
            settings = {"optimizer.learning_rate": rate, "seed": seed}
            write_run(tmp_path / f"{rate}-{seed}", settings=settings, state=state)
    overview = page_data(load(tmp_path))["overview"]
    (swept,) = overview["swept"]
    assert (swept["key"], swept["values"]) == ("learning rate", ["0.001", "0.1 (1 diverged)", "10.0 (all diverged)"])
    assert overview["states"] == ["3 diverged"]


def test_runs_of_several_commits_say_so(tmp_path, write_run):
    for seed in (0, 1):
        status = write_run(tmp_path / f"{seed}", settings={"seed": seed}) / "status.json"
        status.write_text(status.read_text().replace("0" * 40, str(seed) * 40))
    notes = page_data(load(tmp_path))["overview"]["notes"]
    assert notes == ["runs are of 2 commits (0000000, 1111111)"]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.00016334587611069497, 0.003], ["0.0001633", "0.003"]),
        ([0.123456, 0.123457], ["0.123456", "0.123457"]),
        ([1e-8, 1234567], ["1e-08", "1234567"]),
        (["model-1.23456789", [0.33333333, 1]], ["model-1.23456789", "[0.3333,1]"]),
        ([True, None], ["true", "null"]),
        (["my.models.WideAutoencoder", "dense"], ["Wide", "dense"]),
    ],
)
def test_long_numbers_of_settings_are_short_as_far_as_they_are_told_apart(values, shown):
    assert list(short_values(values).values()) == shown


def test_folders_that_are_left_out_are_listed_with_their_reason(sweep):
    (one,) = page_data(load(sweep))["overview"]["excluded"]
    assert one == {"folder": str(sweep / "broken"), "state": "failed", "reason": f"ValueError: {EVIL}"}


def test_no_completed_run_leaves_the_list(tmp_path, write_run):
    write_run(tmp_path / "a", state="interrupted")
    data = data_in(written(load(tmp_path), tmp_path))
    assert data["runs"] == []
    assert data["overview"]["excluded"][0]["state"] == "interrupted"


def test_one_run(tmp_path, write_run):
    data = data_in(written(load(write_run(tmp_path / "only")), tmp_path))
    assert data["overview"]["best"][0]["num_seeds"] == 1
    assert data["overview"]["best"][0]["autoencoder"] == {"mean": 1.5, "low": None, "high": None, "text": "1.500"}
    assert data["overview"]["best"][0]["over"] == "1 seed, no interval"
    assert not any(column["swept"] for column in data["columns"])


def test_datasets_have_a_curve_of_pca_and_a_best_each(tmp_path, write_run):
    write_run(tmp_path / "a", dataset="digits")
    write_run(tmp_path / "b", dataset="digits", settings={"seed": 1})
    settings = {"dataset._target_": "ae_jax.datasets.mnist.mnist"}
    write_run(tmp_path / "c", dataset="mnist", settings=settings, feature_shape=(4, 4))
    data = page_data(load(tmp_path))
    assert [curve["label"] for curve in data["pca_curves"]] == ["PCA, digits", "PCA, mnist"]
    assert [run["pca_curve"] for run in data["runs"]] == [0, 0, 1]
    assert [row["dataset"] for row in data["overview"]["best"]] == ["digits", "mnist"]
    dataset = next(column for column in data["columns"] if column["key"] == "dataset")
    assert (dataset["swept"], dataset["values"]) == (True, ["digits", "digits", "mnist"])


def test_a_setting_that_some_runs_lack_stays_a_number(tmp_path, write_run):
    write_run(tmp_path / "a", settings={"corruption.scale": 0.5})
    write_run(tmp_path / "b", settings={"corruption.scale": 0.25})
    write_run(tmp_path / "c")
    scale = next(column for column in page_data(load(tmp_path))["columns"] if column["key"] == "corruption.scale")
    assert (scale["number"], scale["values"]) == (True, [0.5, 0.25, None])


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path, write_run):
    write_run(tmp_path / "a" / "run", dataset="digits")
    write_run(tmp_path / "b" / "run", dataset="mnist")
    assert [run["id"] for run in page_data(load(tmp_path))["runs"]] == [str(tmp_path / x / "run") for x in "ab"]


def test_what_folders_say_cannot_become_markup(tmp_path, write_run, sweep):
    settings = {"notes": EVIL, "tags": [EVIL], "name": EVIL, "loss.link": EVIL}
    write_run(sweep / "<img src=x onerror=alert(1)>", settings=settings, dataset=EVIL)
    plain = Elements(written(load(sweep / "size1-seed0"), tmp_path, title="plain"))
    evil_text = written(load(sweep), tmp_path, title=f"title {EVIL}")
    evil = Elements(evil_text)
    assert [(tag, attributes.keys()) for tag, attributes in evil.tags] == [
        (tag, attributes.keys()) for tag, attributes in plain.tags
    ]
    run = data_in(evil_text)["runs"][0]
    assert (run["name"], run["config"]["loss.link"], run["about"]["notes"]) == (
        "<img src=x onerror=alert(1)>",
        EVIL,
        EVIL,
    )
    assert data_in(evil_text)["overview"]["excluded"][0]["reason"].endswith(EVIL)


def test_nothing_points_to_the_network(sweep, tmp_path):
    text = written(load(sweep), tmp_path)
    elements = Elements(text)
    for _, attributes in elements.tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:")
    own = [page_module._asset(name) for name in (*page_module._SCRIPTS, *page_module._STYLES, "page.html")]
    assert not re.search(r"https?:|//[a-z]|@import|fetch\(|XMLHttpRequest|WebSocket", "\n".join(own))
    styles = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"@import|url\((?!['\"]?data:)", styles)
    (policy,) = [a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert not {"connect-src", "font-src"} & rules.keys()
    assert "'unsafe-inline'" not in rules["script-src"]
    assert not re.search(r"https?:|\*", policy)


def test_code_inside_a_script_cannot_end_it():
    code = 'a = "</script>"; b = /<\\/SCRIPT/; c = "<!-- </Script>"'
    kept = page_module._inside_script(code)
    assert not re.search(r"</script|<!--", kept, re.IGNORECASE)
    assert kept.replace("<\\", "<") == code.replace("<\\", "<")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.12345678, 0.123457),
        (123456789.0, 123457000.0),
        (1.5e-9, 1.5e-9),
        (123456789, 123456789),
        (True, True),
        (float("nan"), None),
        (float("inf"), None),
        ({"a": [1 / 3, ("x", -2 / 3)]}, {"a": [0.333333, ["x", -0.666667]]}),
    ],
)
def test_numbers_have_six_digits(value, expected):
    assert rounded(value) == expected


def test_config_stays_exact(tmp_path, write_run):
    run = write_run(tmp_path / "a", settings={"optimizer.learning_rate": 0.00123456789})
    assert page_data(load(run))["runs"][0]["config"]["optimizer.learning_rate"] == "0.00123456789"


@pytest.mark.parametrize("count", [0, 1, MOST_POINTS, MOST_POINTS + 1, 5 * MOST_POINTS + 3])
def test_long_curves_are_thinned_evenly(count):
    epochs = [record["epoch"] for record in thinned([{"epoch": epoch} for epoch in range(count)])]
    assert len(epochs) == min(count, MOST_POINTS)
    if count:
        assert (epochs[0], epochs[-1]) == (0, count - 1)
    steps = np.diff(epochs)
    assert not len(steps) or (steps.min() >= 1 and steps.max() - steps.min() <= 1)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 3)])
def test_pictures_have_a_row_for_each_method_and_a_column_for_each_example(shape, tmp_path, write_run):
    (run,) = load(write_run(tmp_path / "a", feature_shape=shape)).runs
    shown = reconstructions(run)
    assert (shown["labels"], shown["columns"]) == (["input", "autoencoder", "PCA"], 6)
    image = Image.open(io.BytesIO(base64.b64decode(shown["png"])))
    assert image.size == (6 * (4 + 1), 3 * (5 + 1))
    assert image.mode == ("RGB" if shape[-1] == 3 else "L")
    example = np.asarray(image)[6:11, 5:9].astype(float)
    arrays = run.folder.reconstructions
    low, high = arrays["x"].min(), arrays["x"].max()
    second = np.clip(arrays["autoencoder"][1], low, high).reshape(example.shape)
    np.testing.assert_allclose((example - 1) / 254, (second - low) / (high - low), atol=0.51 / 254)


def test_corrupted_inputs_have_a_row(tmp_path, write_run):
    (run,) = load(write_run(tmp_path / "a", corrupted_sse=2.0)).runs
    assert reconstructions(run)["labels"] == ["input", "corrupted", "autoencoder", "PCA"]


def test_what_is_no_image_is_drawn_as_lines(tmp_path, write_run):
    (run,) = load(write_run(tmp_path / "a", feature_shape=(7,), unit_interval=False)).runs
    shown = reconstructions(run)
    assert shown["features"] == list(range(7))
    np.testing.assert_allclose(shown["profiles"][2], run.folder.reconstructions["pca"][:4])


@pytest.mark.parametrize(("content", "problem"), [(None, "is missing"), (b"damage", "cannot be read")])
def test_reconstructions_that_cannot_be_read_say_so(content, problem, tmp_path, write_run):
    path = write_run(tmp_path / "a") / "reconstructions.npz"
    path.unlink() if content is None else path.write_bytes(content)
    (run,) = page_data(load(tmp_path))["runs"]
    assert run["reconstructions"]["problem"].startswith(f"a/reconstructions.npz: {problem}")


def test_pictures_are_of_the_best_by_validation_only(tmp_path, write_run):
    (run,) = load(write_run(tmp_path / "a")).runs
    runs = [copy.copy(run) for _ in range(MOST_PICTURES + 3)]
    for index, one in enumerate(runs):
        measured = copy.deepcopy(run.summary)
        measured["validation"]["sse"] = 1000.0 - index
        object.__setattr__(one, "summary", measured)
    data = page_data(Results(runs))
    assert [one["reconstructions"] is None for one in data["runs"]] == [True] * 3 + [False] * MOST_PICTURES
    assert data["overview"]["num_pictures"] == MOST_PICTURES


@pytest.mark.parametrize("library", ["plotly.offline", "itables"])
def test_a_missing_library_is_named(library, tmp_path, write_run, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UserError, match=r"--html: needs plotly and itables; pip install 'ae_jax\[page\]'"):
        write_page(load(write_run(tmp_path / "a")), tmp_path / "page.html")


def test_a_folder_in_the_way_is_named(tmp_path, write_run):
    results = load(write_run(tmp_path / "a"))
    with pytest.raises(UserError, match=r"a: cannot be written"):
        write_page(results, tmp_path / "a")
    assert not list(tmp_path.glob(".*part"))


@pytest.mark.slow
def test_many_runs_stay_small_and_quick(tmp_path, write_run):
    """The pictures are noise, which does not compress: no real ones are larger."""
    for index in range(256):
        settings = {"seed": index % 4, "optimizer.learning_rate": 1e-4 * (1 + index // 4)}
        write_run(tmp_path / f"run{index}", settings=settings, feature_shape=(28, 28), num_epochs=100)
    results = load(tmp_path)
    start = time.perf_counter()
    write_page(results, tmp_path / "page.html")
    assert time.perf_counter() - start < 60  # 1.4 s where nothing else runs
    assert (tmp_path / "page.html").stat().st_size < 15e6
