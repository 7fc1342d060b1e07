"""Make again what a completed run lacks: measures, arrays and figures that failed when it ended."""

from pathlib import Path
from typing import Any

from ae_jax.errors import UserError
from ae_jax.evaluation.measure import Comparison
from ae_jax.evaluation.restore import TrainedRun
from ae_jax.evaluation.shown import shown_of, write_shown
from ae_jax.evaluation.summary import write_arrays
from ae_jax.figures.run.draw import draw_run_figures, run_figures
from ae_jax.files import write_json
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.inputs import write_inputs
from ae_jax.runs.recorder import held, write_run_figure

_FILES = ("inputs.json", "pca.npz", "reconstructions.npz", "latents.npz", "errors.npz")


def fill(trained: TrainedRun, pca: Any, compared: Comparison) -> list[str]:
    """Write what is missing in a run folder; what is there stays as it is.

    Args:
        trained: The run.
        pca: PCA of its training split.
        compared: What `measure.comparison` measures, now.

    Returns:
        What was made: names of files, and of measures as `summary.json: key`.

    Raises:
        UserError: If another process writes there, or something can still not be made.
    """
    folder, made = trained.folder, list[str]()
    with held(folder):
        summary = RunFolder(folder).summary
        latencies = {"time": _as_a_whole(compared.summary["latency"], summary.get("time", {}))}
        whole = _filled(summary, {**compared.summary, **latencies}, "", made)
        if made:
            write_json(folder / "summary.json", whole)
        missing = [name for name in _FILES if not (folder / name).exists()]
        if "errors.npz" not in missing and not compared.errors.keys() <= RunFolder(folder).errors.keys():
            missing.append("errors.npz")
        if "inputs.json" in missing:
            write_inputs(folder, trained.experiment.dataset)
        if set(missing) - {"inputs.json"}:
            write_arrays(trained.experiment.dataset, trained.model, pca, folder, compared)
        missing += _write_shown(trained, pca)
        return made + missing + _draw_missing(folder)


def _write_shown(trained: TrainedRun, pca: Any) -> list[str]:
    """Write what figures of some runs are drawn from, where it is missing and the run is one of them."""
    written = []
    for name, made in shown_of(trained.experiment.dataset, trained.model, pca).items():
        path = trained.folder / f"{name}.npz"
        if not path.exists() and write_shown(path, made):
            written.append(path.name)
    return written


def _as_a_whole(latencies: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """Latencies, without the spread of those whose median was recorded: it would be of another measurement."""
    medians = {name: name.removesuffix("_low").removesuffix("_high") for name in latencies}
    return {name: value for name, value in latencies.items() if recorded.get(medians[name]) is None}


def _filled(recorded: dict[str, Any], measured: dict[str, Any], place: str, made: list[str]) -> dict[str, Any]:
    """What was recorded, with what it lacks taken from what is measured now; what that was is added to `made`."""
    filled = dict(recorded)
    for name, value in measured.items():
        there = recorded.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            filled[name] = _filled(there, value, f"{place}{name}.", made)
        elif there is None and value is not None and (place or name in recorded):
            filled[name] = value
            made.append(f"summary.json: {place}{name}")
    return filled


def _draw_missing(folder: Path) -> list[str]:
    run = RunFolder(folder)
    missing = [name for name in run_figures(run) if not (run.figures / f"{name}.png").exists()]
    drawn = draw_run_figures(folder) if missing else None
    for name in missing:
        assert drawn is not None
        if name in drawn.problems:
            raise UserError(RunFolder(folder).figures / f"{name}.png", f"cannot be drawn ({drawn.problems[name]})")
        write_run_figure(folder, name, drawn.pngs[name])
    return [f"figures/{name}.png" for name in missing]
