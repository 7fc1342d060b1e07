"""The compile cache, which several processes share: an entry is whole or absent, and one that is not is no end."""

import subprocess
import sys

import pytest

CODE = """
import sys
from ae_jax.experiment.devices import configure_jax
configure_jax({"runtime": {"platform": "cpu", "compile_cache": True}, "trainer": {"data_parallel": 1}}, num_runs=1)
import jax, os
written = []
replace = os.replace
os.replace = lambda source, target: (written.append(str(target)), replace(source, target))
print(float(jax.jit(lambda x: x * 2 + 1)(3.0)))
print(sum(name.endswith("-cache") for name in written))
"""


def _run(home) -> list[str]:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "PYTHONPATH": ":".join(sys.path),
    }
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.slow
def test_entries_are_written_whole_and_damaged_ones_are_made_anew(tmp_path):
    assert _run(tmp_path) == ["7.0", "1"]
    assert _run(tmp_path) == ["7.0", "0"]
    (entry,) = (tmp_path / "ae_jax" / "compiled").glob("*-cache")
    assert not list(entry.parent.glob(".*"))
    entry.write_bytes(entry.read_bytes()[:100])
    assert _run(tmp_path)[0] == "7.0"
    assert _run(tmp_path) == ["7.0", "0"]
