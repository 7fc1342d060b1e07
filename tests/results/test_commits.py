"""Runs of different commits are counted together, and it is said."""

import json

import pytest

from ae_jax.results import load
from ae_jax.results.commits import commit_notes, commits

ONE, OTHER = "abc1234" + "0" * 33, "def5678" + "0" * 33


@pytest.fixture
def runs_of(write_run, tmp_path):
    """Results of runs, a commit for each, in the order in which they were started."""

    def write(*given):
        for seed, commit in enumerate(given):
            folder = write_run(tmp_path / f"runs/{seed}", settings={"seed": seed})
            status = json.loads((folder / "status.json").read_text())
            started = f"2026-01-{28 - seed:02d}T00:00:00.000+00:00"  # the last folder was the first to start
            (folder / "status.json").write_text(json.dumps(status | {"git_commit": commit, "started": started}))
        return load(tmp_path / "runs")

    return write


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        ((ONE, ONE), []),
        ((None, None), []),
        ((OTHER, ONE, OTHER), ["runs are of 2 commits (def5678, abc1234)"]),
        ((ONE, None, None), ["runs are of 1 commit (abc1234), 2 of an unknown one"]),
        (
            [f"{number}" * 40 for number in range(7)],
            ["runs are of 7 commits (6666666, 5555555, 4444444, 3333333, 3 more)"],
        ),
    ],
)
def test_commits_are_said_where_they_differ(given, notes, runs_of):
    assert commit_notes(runs_of(*given)) == notes


def test_commits_are_whole_and_in_order(runs_of):
    assert commits(runs_of(ONE, OTHER).runs) == [OTHER, ONE]


def test_tables_figures_and_the_terminal_say_it(runs_of, capsys):
    from ae_jax.figures.parts.common import left_out_text
    from ae_jax.report.terminal import print_report
    from ae_jax.tables.comparison import build

    note = "runs are of 2 commits (def5678, abc1234)"
    results = runs_of(ONE, OTHER, OTHER)
    table = build(results, rows=None, measures=["sse"], split="test", interval="t", statistic="mean", external=None)
    assert f"R{note[1:]}." in [one.text for one in table.notes]
    assert note in left_out_text(results)
    print_report(results, measure="sse")
    assert note in capsys.readouterr().out.splitlines()
