"""The launcher, and what it asks of a task function that trains jobs together."""

import copy
import gc
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

_log = logging.getLogger(__name__)
# Python frames that a nested job takes, generously.
_FRAMES_PER_JOB = 20


@dataclass
class VmapLauncherConf:
    """Options, as `hydra.launcher.*`.

    Attributes:
        max_runs: Most runs of one program; larger groups are split evenly.
        max_gib: Most memory of one program in GiB; null: what the device or host has free.
        dry_run: Show the plan, and train nothing.
        retry_failed: Train runs again that failed when this sweep was started before.
    """

    _target_: str = "hydra_plugins.ae_jax_launcher.launcher.VmapLauncher"
    max_runs: int = 256
    max_gib: float | None = None
    dry_run: bool = False
    retry_failed: bool = False


ConfigStore.instance().store(group="hydra/launcher", name="vmap", node=VmapLauncherConf, provider="ae_jax")


class Job(NamedTuple):
    """A job of a multirun, composed.

    Attributes:
        overrides: What distinguishes it from the others.
        config: The composed config with Hydra's own node.
        folder: Its output folder; an exception where the config does not give one.
    """

    overrides: list[str]
    config: DictConfig
    folder: Path | Exception


class Sweep(Protocol):
    """What a task function's attribute `sweep` can do."""

    def plan(
        self,
        jobs: Sequence[Job],
        folder: Path,
        *,
        max_runs: int,
        max_gib: float | None,
        dry_run: bool,
        retry_failed: bool,
    ) -> tuple[dict[int, Any], list[list[int]]]:
        """Group the jobs and show how.

        Returns:
            The results of jobs that need no training (a float, None or an exception) by index, and the indices of each
            group, in the order in which they are to be trained.
        """

    def train(self, indices: Sequence[int]) -> dict[int, Any]:
        """Train a group; the result of each job: a float, None or an exception."""

    def failed(self, index: int, error: Exception) -> None:
        """Hydra could not begin or end a job."""

    def end(self) -> None:
        """All groups of a batch are trained."""


class VmapLauncher(Launcher):
    """See the module's page."""

    def __init__(
        self, max_runs: int = 256, max_gib: float | None = None, dry_run: bool = False, retry_failed: bool = False
    ) -> None:
        super().__init__()
        if max_runs < 1:
            raise ValueError(f"max_runs must be at least 1, got {max_runs}")
        if max_gib is not None and max_gib <= 0:
            raise ValueError(f"max_gib must be positive, got {max_gib}")
        self.max_runs, self.max_gib, self.dry_run, self.retry_failed = max_runs, max_gib, dry_run, retry_failed

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra before `launch`, and before the sweeper composes every job to validate it."""
        gc.freeze()
        self.config, self.hydra_context, self.task_function = config, hydra_context, task_function
        self._compose, self._composed = _compose_once(hydra_context.config_loader)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run a batch of jobs; returns how each ended, in their order."""
        setup_globals()
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        if initial_job_idx == 0:  # Hydra's own sweeper has done so, others have not
            OmegaConf.save(self.config, folder / "multirun.yaml")
        jobs = [self._job(list(one), initial_job_idx + number) for number, one in enumerate(job_overrides)]
        # Hundreds of configs are millions of objects that stay: let the garbage collector leave them alone.
        gc.freeze()
        make_sweep: Callable[[], Sweep] | None = getattr(self.task_function, "sweep", None)
        if make_sweep is None:
            return self._launch_one_by_one(jobs, initial_job_idx)
        sweep = make_sweep()
        results, groups = sweep.plan(
            jobs,
            folder,
            max_runs=self.max_runs,
            max_gib=self.max_gib,
            dry_run=self.dry_run,
            retry_failed=self.retry_failed,
        )
        if self.dry_run:
            sys.exit(max((2 for result in results.values() if isinstance(result, Exception)), default=0))
        returns = {index: _ended(jobs[index], result) for index, result in results.items()}
        for group in groups:
            returns |= self._run_together(jobs, group, sweep)
            configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        sweep.end()
        return [returns[index] for index in range(len(jobs))]

    def _job(self, overrides: list[str], number: int) -> Job:
        config = self._compose(self.config, overrides)
        # Taken, not shared: jobs with the same overrides get a config each.
        self._composed.pop(tuple(overrides), None)
        with open_dict(config):
            config.hydra.job.id = number
            config.hydra.job.num = number
        folder = _output_folder(config)
        if isinstance(folder, Path):
            sweep = Path(str(config.hydra.sweep.dir))
            config.hydra.sweep.subdir = str(folder.relative_to(sweep))  # which takes time to work out
            if config.hydra.job.chdir:  # jobs are opened within each other, each from the folder of the one before
                config.hydra.sweep.dir, folder = str(sweep.resolve()), folder.resolve()
        return Job(overrides, config, folder)

    def _launch_one_by_one(self, jobs: list[Job], first: int) -> list[JobReturn]:
        returns = []
        for number, job in enumerate(jobs, start=first):
            _log.info("\t#%d : %s", number, " ".join(filter_overrides(job.overrides)))
            if not self.dry_run:
                returns.append(self._run(job, self.task_function))
                configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        return returns

    def _run_together(self, jobs: Sequence[Job], group: Sequence[int], sweep: Sweep) -> dict[int, JobReturn]:
        """Run jobs within each other: each opens the next, the innermost trains all, each ends with its own result.

        So Hydra keeps its books for every job, and writes `.hydra/` of all before the training begins.
        """
        waiting, opened = iter(group), list[int]()
        returns, results = dict[int, JobReturn](), dict[int, Any]()
        crashes: list[Exception] = []

        def open_next() -> None:
            for index in waiting:
                try:
                    hydra = self._run(jobs[index], task_of(index))
                    returns[index] = _ended(jobs[index], results[index], hydra)
                except Exception as error:  # of Hydra or a callback, as where the folder cannot be made
                    returns[index] = _ended(jobs[index], error)
                    sweep.failed(index, error)
                if results:
                    return
            if opened and not results:
                try:
                    results.update(sweep.train(opened))
                except Exception as crash:  # a bug, for Hydra to see once all jobs are closed
                    crashes.append(crash)
                    results.update(dict.fromkeys(opened, crash))

        def task_of(index: int) -> TaskFunction:
            def task(_: DictConfig) -> Any:
                opened.append(index)
                open_next()
                if isinstance(results[index], Exception):
                    raise results[index]
                return results[index]

            return task

        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + _FRAMES_PER_JOB * len(group))
        try:
            open_next()
        finally:
            sys.setrecursionlimit(limit)
        if crashes:
            raise crashes[0]
        return returns

    def _run(self, job: Job, task: TaskFunction) -> JobReturn:
        return run_job(
            hydra_context=self.hydra_context,
            task_function=task,
            config=job.config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


def _compose_once(loader: Any) -> tuple[Callable[..., DictConfig], dict[tuple[str, ...], DictConfig]]:
    """Compose each job once, where the sweeper and the launcher both ask for it, and read each file of it once.

    Returns:
        The loader's function that composes a job, and the configs that it keeps, by overrides.
    """
    compose, read = loader.load_sweep_config, loader.repository.load_config
    composed: dict[tuple[str, ...], DictConfig] = {}
    files: dict[str, Any] = {}

    def load_sweep_config(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        key = tuple(sweep_overrides)
        if key not in composed:
            composed[key] = compose(master_config, sweep_overrides)
        return composed[key]

    def load_config(config_path: str) -> Any:
        if config_path not in files:
            files[config_path] = read(config_path)
        return copy.deepcopy(files[config_path])

    loader.load_sweep_config, loader.repository.load_config = load_sweep_config, load_config
    return load_sweep_config, composed


def _output_folder(config: DictConfig) -> Path | Exception:
    """Where Hydra is going to put the job, before it runs."""
    HydraConfig.instance().cfg = config  # type: ignore[assignment] # what `${hydra:…}` refers to
    try:
        return Path(str(OmegaConf.select(config, "hydra.sweep.dir"))) / str(
            OmegaConf.select(config, "hydra.sweep.subdir")
        )
    except Exception as error:  # an interpolation may raise anything
        return error


class _Ended(JobReturn):
    """How a job of a sweep ended. One that failed is no reason for a sweeper to end the others: it gets the exception.

    The program of the task function tells the user which failed, and sets the exit code.
    """

    @property
    def return_value(self) -> Any:
        """A float, None, or the exception of a job that failed."""
        return self._return_value

    @return_value.setter
    def return_value(self, value: Any) -> None:
        self._return_value = value


def _ended(job: Job, result: Any, hydra: JobReturn | None = None) -> JobReturn:
    """How a job ended, which Hydra ran or not."""
    returned = _Ended(**vars(hydra)) if hydra else _Ended(overrides=job.overrides, cfg=job.config)
    returned.status = JobStatus.FAILED if isinstance(result, Exception) else JobStatus.COMPLETED
    returned._return_value = result
    return returned
