"""Commands for figures and tables, as README, docs and configs have them, work on what the sweep beside them leaves."""

import itertools
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from ae_jax.commands import figures, tables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "conf").glob("*/*.yaml"))]
ENTRIES = {"figures": figures.main, "tables": tables.main}
_COMMAND = re.compile(r"python scripts/(figures|tables)\.py (.*? runs=outputs/(\w+)[^#\n]*)")
COMMANDS = sorted({found: path for path in TEXTS for found in _COMMAND.findall(path.read_text())}.items())


@pytest.mark.parametrize(
    ("documented", "path"), COMMANDS, ids=[f"{path.stem}-{kind}-{text}" for (kind, text, _), path in COMMANDS]
)
def test_a_documented_command_works(documented, path, command, write_run, here):
    kind, text, preset = documented
    config = (ROOT / "conf" / "sweep" / f"{preset}.yaml").read_text()
    sweep = yaml.safe_load(config)
    axes = {key: values.split(",") for key, values in sweep["hydra"]["sweeper"]["params"].items()}
    # Where a figure needs more than the preset, the preset's head says what to sweep beside it.
    if more := re.search(rf"train\.py -m \+sweep={preset} (\S+)=(\S+,\S+)", config):
        axes[more[1]] = more[2].split(",")
    fixed = {"corruption._target_": "ae_jax.corruptions.gaussian.gaussian"} if preset == "noise" else {}
    for number, values in enumerate(itertools.product(*axes.values())):
        settings = {key: json.loads(value) for key, value in zip(axes, values, strict=True)}
        if settings["seed"] == 0:
            write_run(
                here / "outputs" / preset / str(number),
                settings=settings | fixed,
                corrupted_sse=3.0,
                feature_shape=(9, 9),
            )
    ended = command(ENTRIES[kind], *shlex.split(text), *["formats=[png]"] * (kind == "figures"))
    assert (ended.code, ended.err) == (0, "")
    assert list(here.glob("outputs/*/*.png" if kind == "figures" else "outputs/tables/*.csv"))
