"""Of which code runs are: those of several commits are counted together, and that is said."""

from collections.abc import Iterable

from ae_jax.results.results import Results
from ae_jax.results.runs import Run

_SHOWN, _MOST = 7, 4


def commits(runs: Iterable[Run]) -> list[str]:
    """The commits of the code that trained runs, whole, in the order of their first start; those unknown are left out.

    A commit is that of the process which ended the run. What is told of versions before it is in status.json.
    """
    starts: dict[str, str] = {}
    for run in runs:
        commit, started = run.status.get("git_commit"), str(run.status.get("started") or "")
        if commit:
            starts[commit] = min(started, starts.get(commit, started))
    return sorted(starts, key=lambda commit: (starts[commit], commit))


def commit_notes(results: Results) -> list[str]:
    """A note such as "runs are of 2 commits (abc1234, def5678)"; none where all are of one, as far as is known."""
    found = commits(results.runs)
    num_unknown = sum(not run.status.get("git_commit") for run in results.runs)
    if len(found) < 2 and not (found and num_unknown):
        return []
    named = [commit[:_SHOWN] for commit in found[:_MOST]]
    named += [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    unknown = f", {num_unknown} of an unknown one" if num_unknown else ""
    plural = "" if len(found) == 1 else "s"
    return [f"runs are of {len(found)} commit{plural} ({', '.join(named)}){unknown}"]
