"""Files, tests, keys, options and names that the pages mention exist, and what they show in Python compiles."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.ae_jax_launcher.launcher import VmapLauncherConf

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
FOLDERS = ("ae_jax", "conf", "docs", "hydra_plugins", "scripts", "tests")
# Where the pages leave out a folder: of the package, of its jobs, and of the tests.
SHORT = ("", "ae_jax/", "ae_jax/jobs/", "ae_jax/*/", "scripts/", "tests/*/", "docs/")
# Keys of another program's options; what a recipe adds, and keys in short.
OTHERS = {"hydra.sweeper.n_trials", "hydra.sweeper.n_jobs", "hydra.sweeper.storage", "hydra.sweeper.study_name"}
TOP = {path.name for path in CONF.iterdir() if path.is_dir()} - {"sweep"} | {"runtime", "hydra"}
SOURCES = {path: path.read_text() for path in (ROOT / "ae_jax").rglob("*.py")}
ADDED = {"corruption=fading", "corruption.strength", "runs_axis", "allow_pickle", "bottleneck.noise"}
ADDED |= {"couples", "output_width", "is_density", "num_levels"}  # arguments of functions


@pytest.fixture(scope="module")
def keys() -> set[str]:
    """Every dotted key of every option, groups included."""
    found = set(OTHERS)

    def add(node: DictConfig, prefix: str) -> None:
        for key in node:
            found.add(f"{prefix}{key}")
            if (
                OmegaConf.is_dict(node)
                and not OmegaConf.is_missing(node, key)
                and OmegaConf.is_dict(node._get_node(key))
            ):
                add(node._get_node(key), f"{prefix}{key}.")

    for path in CONF.rglob("*.yaml"):
        group = path.parent.relative_to(CONF).parts
        is_global = "@package _global_" in path.read_text()
        add(OmegaConf.load(path), "" if is_global or not group else f"{'.'.join(group)}.")
        found |= {"/".join(group), ".".join(group)}
    return found | {f"hydra.launcher.{name}" for name in VmapLauncherConf.__dataclass_fields__}


def missing_file(word: str) -> bool:
    """Whether it is a path below the project's folders, or a Python file, that is not there."""
    path = re.sub(r"NAME|…", "*", word).rstrip("/")
    if not re.fullmatch(r"[\w./*-]+", path) or not (
        path.startswith(tuple(f"{one}/" for one in FOLDERS)) or path.endswith(".py")
    ):
        return False
    return not any(any(ROOT.glob(f"{start}{path}")) for start in SHORT)


def missing_option(word: str, keys: set[str]) -> str | None:
    """What is not there of an override: its key, its group, or an option."""
    key, equals, value = word.lstrip("+").partition("=")
    folder = CONF / key
    if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", word) and key.split(".")[0] in TOP:
        return None if key in keys else key
    if not equals or not re.fullmatch(r"[a-z_./]+", key) or word in ADDED or key in ADDED:
        return None
    if key.startswith("hydra/"):
        return None if key in ("hydra/launcher", "hydra/sweeper") else key
    if folder.is_dir():
        options = re.findall(r"\w+", value)
        return next((one for one in options if not (folder / f"{one}.yaml").exists() and one != "NAME"), None)
    return None if key in keys else key


def missing_name(word: str) -> str | None:
    """What is not there of `ae_jax.module.name(…)`, or of `module.name` and `Class.name` for those of the package."""
    if match := re.match(r"ae_jax(?:\.\w+)+", word):
        path, found = "", None
        for part in match.group().split("."):
            path = f"{path}.{part}".lstrip(".")
            try:
                found = getattr(found, part) if hasattr(found, part) else import_module(path)
            except ImportError:
                return path
    elif match := re.fullmatch(r"(\w+)\.(?!py|json|npz|log)(\w+)(?:\(.*\))?", re.sub(r"^run\.", "TrainedRun.", word)):
        files = [text for path, text in SOURCES.items() if path.stem == match[1] or f"\nclass {match[1]}" in text]
        if files and not any(re.search(rf"\b{match[2]}\b", text) for text in files):
            return word
    return None


def problem(word: str, keys: set[str]) -> str | None:
    if missing_file(word):
        return "no such file"
    for part in word.split():
        if part not in keys and (missing := missing_option(part, keys) or missing_name(part)):
            return f"there is no {missing}"
    return None


def test_what_the_pages_name_exists(words, keys):
    assert len(words) > 200
    wrong = [f"{word.where}: `{word.text}`: {why}" for word in words if (why := problem(word.text, keys))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "word",
    [
        "ae_jax/none.py", "test_none.py", "tests/none", "conf/none/*.yaml", "model.latent_sizes", "optimizer=rmsprop",
        "debug=overfit|nones", "+sweep=none", "runtime.axes=auto", "ae_jax.results.loads(…)"
        "hydra.launcher.max_run=3", "targets.bound", "PCA.direktion",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_found(word, keys):
    assert problem(word, keys)


def test_every_link_leads_to_a_file():
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            path, _, heading = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), f"{page.name}: {target}"
            lines = linked.read_text().splitlines() if heading else []
            assert not heading or heading in [line.lstrip("# ").lower().replace(" ", "-") for line in lines], target


GROUPS = ("dataset", "corruption", "model", "bottleneck", "objective", "loss", "optimizer", "evaluation")


@pytest.mark.parametrize("group", GROUPS)
def test_the_table_of_what_there_is_has_every_option(group):
    (row,) = re.findall(rf"^\| `{group}=` \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    named = {word for word in re.findall(r"`(\w+)`", row) if word != "_target_"}
    assert named == {path.stem for path in (CONF / group).glob("*.yaml")}
