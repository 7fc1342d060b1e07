"""The structure that docs/design.md promises: imports point one way, and each foreign tool has one door."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ae_jax"
FILES = sorted(PACKAGE.rglob("*.py"))

# What each room may import of the package, beside itself and what all may: see `test_imports_point_one_way`. Those that
# are made from a config are found by name: `config` imports none of them.
MADE = {"datasets", "corruptions", "models", "losses", "optimizers", "baselines"}
MAY_IMPORT = {
    **{room: set() for room in MADE},
    "bottlenecks": set(),
    "objectives": {"bottlenecks"},
    "training": {"models", "losses", "optimizers", "corruptions", "bottlenecks", "objectives"},
    "config": set(),
    "tracking": set(),
    "experiment": {*MADE, "bottlenecks", "objectives", "training", "config", "tracking"},
    "runs": {"datasets", "training", "config", "experiment"},
    "results": {"config", "runs"},
    "tables": {"config", "runs", "results"},
    "figures": {"config", "runs", "results"},
    "report": {"config", "runs", "results"},
    "evaluation": {*MADE, "bottlenecks", "objectives", "training", "config", "experiment", "runs"},
    "evaluations": {"evaluation", "baselines", "datasets", "experiment", "runs", "training"},
    "jobs": {"training", "config", "tracking", "experiment", "runs", "results", "figures", "evaluation"},
    "commands": {"config", "experiment", "runs", "results", "tables", "figures", "report", "evaluation", "jobs"},
}
HELPERS = {"typing", "errors", "files", "images", "links", "locks", "reading", "terminal"}


def imports_of(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def test_every_part_is_listed():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(MAY_IMPORT)


def test_no_rooms_import_each_other_in_a_circle():
    graph = {room: set() for room in MAY_IMPORT}
    for path in FILES:
        if (room := part_of(path)) in graph:
            used = {name.split(".")[1] for name in imports_of(path) if name.startswith("ae_jax.")}
            graph[room] |= used & set(graph) - {room}
    for one in (MAY_IMPORT, graph):
        graphlib.TopologicalSorter(one).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path):
    part = part_of(path)
    if part not in MAY_IMPORT:
        return
    allowed = MAY_IMPORT[part] | HELPERS | {part}
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("ae_jax.")}
    assert used <= allowed


@pytest.mark.parametrize(("module", "home"), [("hydra", "config/compose.py"), ("wandb", "tracking/wandb_run.py")])
def test_hydra_and_wandb_each_have_one_door(module, home):
    users = [
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if any(name.split(".")[0] == module for name in imports_of(path))
    ]
    assert users == [home]


def test_no_config_object_outside_of_config():
    for path in FILES:
        if part_of(path) != "config":
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            assert not names & {"cfg", "DictConfig", "OmegaConf"}, path


def test_no_postponed_annotations():
    """They would switch the shape checks of the tests off."""
    assert not [path for path in FILES if "__future__" in path.read_text()]


def test_no_room_has_more_than_a_fifth_of_the_package():
    lines: dict[str, int] = {}
    for path in FILES:
        lines[part_of(path)] = lines.get(part_of(path), 0) + len(path.read_text().splitlines())
    assert max(lines.values()) <= 0.2 * sum(lines.values()), lines


def test_files_and_functions_stay_small():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                doc = ast.get_docstring(node, clean=False) or ""
                assert node.end_lineno - node.lineno - len(doc.splitlines()) <= 45, f"{path}:{node.name}"


NOT_FOR_RESULTS = {
    "jax", "flax", "optax", "orbax", "wandb", "ae_jax.training", "ae_jax.models", "ae_jax.losses",
}  # fmt: skip
# What a module does not import, and what those above it in the chain do not.
LIGHT = (
    {
        "ae_jax": {"jax", "flax", "hydra", "wandb", "matplotlib", "numpy"},
        "ae_jax.config.check": {"jax", "flax", "hydra", "wandb", "matplotlib", "optax", "orbax"},
        "ae_jax.runs.folder": {"jax", "flax", "hydra", "wandb", "matplotlib", "optax", "orbax"},
        "ae_jax.results": {"jax", "flax", "wandb", "matplotlib", "hydra", "optax", "orbax"},
        "ae_jax.commands.train": {"jax", "flax", "wandb", "matplotlib", "optax", "orbax"},
        "hydra_plugins.ae_jax_launcher": {"jax", "flax", "wandb"},
    },
    {
        "ae_jax.figures.run.draw": {"jax", "flax", "wandb", "optax", "orbax", "hydra", "omegaconf"},
        "ae_jax.commands.report": NOT_FOR_RESULTS,
        "ae_jax.commands.figures": NOT_FOR_RESULTS,
        "ae_jax.commands.tables": NOT_FOR_RESULTS,
    },
)


@pytest.mark.parametrize("chain", LIGHT, ids=lambda chain: next(iter(chain)))
def test_imports_stay_light(chain):
    """One process imports a chain, as each costs a start; a module is asked before the next is imported."""
    code = (
        "import sys\nfrom importlib import import_module\n"
        f"for module, absent in {chain!r}.items():\n    import_module(module)\n"
        "    print(*(f'{module}: {name}' for name in sys.modules if name in absent), sep='\\n')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
