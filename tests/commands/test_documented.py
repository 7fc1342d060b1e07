"""Commands for figures and tables, as README, docs and configs have them, work on what the sweep beside them leaves."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from ae_jax.commands import figures, tables
from tests.answers import write_answers

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "conf").glob("*/*.yaml"))]
ENTRIES = {"figures": figures.main, "tables": tables.main}
_COMMAND = re.compile(r"python scripts/(figures|tables)\.py (.*? runs=outputs/(\w+)[^#\n]*)")
COMMANDS = sorted({found: path for path in TEXTS for found in _COMMAND.findall(path.read_text())}.items())


def _axes(preset: str) -> dict[str, list[str]]:
    """What a preset sweeps; an experiment by itself is a run of one seed."""
    path = ROOT / "conf" / "sweep" / f"{preset}.yaml"
    if not path.exists():
        assert (ROOT / "conf" / "experiment" / path.name).exists()
        return {"seed": ["0"]}
    config = path.read_text()
    params = yaml.safe_load(config)["hydra"]["sweeper"]["params"]
    axes = {key: values.split(",") for key, values in params.items()}
    # Where a figure needs more than the preset, the preset's head says what to sweep beside it.
    if more := re.search(rf"train\.py -m \+sweep={preset} (\S+)=(\S+,\S+)", config):
        axes[more[1]] = more[2].split(",")
    return axes


@pytest.mark.parametrize(
    ("documented", "path"), COMMANDS, ids=[f"{path.stem}-{kind}-{text}" for (kind, text, _), path in COMMANDS]
)
def test_a_documented_command_works(documented, path, command, write_run, here):
    kind, text, preset = documented
    axes = _axes(preset)
    fixed = {"corruption._target_": "ae_jax.corruptions.gaussian.gaussian"} if preset == "noise" else {}
    for number, values in enumerate(itertools.product(*axes.values())):
        settings = {key: json.loads(value) for key, value in zip(axes, values, strict=True)}
        if settings["seed"] == 0:
            run = write_run(
                here / "outputs" / preset / str(number),
                settings=settings | fixed,
                corrupted_sse=3.0,
                feature_shape=(9, 9),
                rate_bits=8.0,
            )
            write_answers(run, accuracy=0.8, auroc=0.9)
    ended = command(ENTRIES[kind], *shlex.split(text), *["formats=[png]"] * (kind == "figures"))
    assert (ended.code, ended.err) == (0, "")
    assert list(here.glob("outputs/*/*.png" if kind == "figures" else "outputs/tables/*.csv"))
