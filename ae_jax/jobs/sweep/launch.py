"""What Hydra's launcher calls: plan the jobs of a batch, train group after group, and say how the sweep ended."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ae_jax.config.naming import asked_differences, structure_of
from ae_jax.errors import UserError
from ae_jax.experiment.build import Experiment, build
from ae_jax.experiment.devices import configure_jax
from ae_jax.jobs.guard import print_mistake
from ae_jax.jobs.sweep.display import SweepDisplay, print_plan
from ae_jax.jobs.sweep.ending import print_end
from ae_jax.jobs.sweep.overview import Overview, Trial
from ae_jax.jobs.sweep.plan import Plan, estimate_bytes, make_plan
from ae_jax.jobs.train import Prepared, prepare, train_group
from ae_jax.jobs.work import GroupTask, Outcome, Request
from ae_jax.links import check_links
from ae_jax.runs.check import checked_summary
from ae_jax.runs.continuation import GROUPS
from ae_jax.runs.folder import RunFolder
from ae_jax.runs.recorder import end_of
from ae_jax.training.group import check_devices


@runtime_checkable
class Job(Protocol):
    """What the launcher knows of a job."""

    @property
    def overrides(self) -> list[str]:
        """What distinguishes it from the others."""

    @property
    def config(self) -> Any:
        """The composed config."""

    @property
    def folder(self) -> Path | Exception:
        """Its run folder; an exception where the config does not give one."""


class _Group(NamedTuple):
    """Jobs that train at once, also those that ask for one of its runs again; and the number of their program."""

    jobs: list[int]
    program: int
    task: GroupTask


class Sweep:
    """All batches of a multirun.

    Args:
        check: A composed config to a checked one.
        explain: What Hydra raised, to the user's mistake behind it.

    Attributes:
        runs: Every run of every batch, and what became of it.
    """

    def __init__(self, check: Callable[[Any], dict[str, Any]], explain: Callable[[BaseException], BaseException]):
        self._check, self._explain = check, explain
        self.runs: list[Trial] = []
        self._told = set[str]()
        self._compiling = ThreadPoolExecutor(1)
        self._compiled: dict[str, Future[Prepared]] = {}

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
        """Group the jobs and show how; see the launcher's `Sweep`."""
        if not jobs:
            raise UserError("command", "asks for no run", "give each key that is swept a value at least")
        if not self.runs:
            self._folder, self._overview = folder.resolve(), Overview(folder.resolve())
        self._batch = [self._trial_of(job, retry_failed) for job in jobs]
        self._refuse_shared_folders()
        self.runs += self._batch
        same = self._waiting()
        plan = make_plan({job: self._batch[job].config or {} for job in same}, max_runs=max_runs)
        built = self._build(plan)
        memory = [
            estimate_bytes(one, len(program.jobs)) if one else None
            for one, program in zip(built, plan.programs, strict=True)
        ]
        print_plan(
            plan, self._batch, memory, num_repeated=sum(len(jobs) - 1 for jobs in same.values()), dry_run=dry_run
        )
        self._tell_mistakes()  # before anything trains
        self._groups, self._ahead = self._tasks(plan, same, max_gib), dict[int, Future[Prepared]]()
        if self._groups and not dry_run:
            self._display = SweepDisplay(plan, built, memory)
            self._prepare(0)
        ended = {job: run.result for job, run in enumerate(self._batch) if run.state != "waiting"}
        return ended, [group.jobs for group in self._groups]

    def train(self, jobs: Sequence[int]) -> dict[int, Any]:
        """Train a group, and compile the next one meanwhile; see the launcher's `Sweep`."""
        number = next(number for number, group in enumerate(self._groups) if jobs[0] in group.jobs)
        if number not in self._ahead:  # none of the runs of the group before could be begun
            self._prepare(number)
        group, ahead = self._groups[number], self._ahead.pop(number)
        self._prepare(number + 1)
        opened = {self._batch[job].folder for job in jobs}
        requests = tuple(request for request in group.task.requests if request.folder in opened)
        self._overview.write(self.runs, now=True)
        try:
            with self._display.program(group.program, self._ended):
                train_group(group.task._replace(requests=requests), watch=self._display, ahead=ahead)
        finally:
            self._overview.write(self.runs, now=True)
        return {job: self._batch[job].result for job in jobs}

    def failed(self, job: int, error: Exception) -> None:
        """Hydra could not begin a job: its run is not trained."""
        run, explained = self._batch[job], self._explain(error)
        run.state, run.result = "failed", explained if isinstance(explained, Exception) else error

    def end(self) -> None:
        """A batch is over."""
        if self._groups:
            self._display.close()
        self._overview.write(self.runs, now=True)

    @property
    def all_failed(self) -> bool:
        """Whether there were runs, and none completed."""
        return bool(self.runs) and all(isinstance(run.result, Exception) for run in self.runs)

    def report(self) -> list[int]:
        """Say how the sweep ended: the best runs against PCA, and every run that failed. Returns their exit codes."""
        if self.runs:
            print_end(self.runs, self._folder)
        self._tell_mistakes()
        return [run.exit_code for run in self.runs]

    def _tell_mistakes(self) -> None:
        """A line for each mistake that was not told yet."""
        for run in self.runs:
            if isinstance(run.result, UserError) and str(run.result) not in self._told:
                self._told.add(str(run.result))
                print_mistake(run.result)

    def _trial_of(self, job: Job, retry_failed: bool) -> Trial:
        """A run that is to be trained, has ended before, or cannot be trained."""
        try:
            if isinstance(job.folder, Exception):
                raise self._explain(job.folder)
            config, folder = self._check(job.config), job.folder.resolve()
            if self._folder not in folder.parents:
                raise UserError("hydra.sweep.subdir", f"{folder} is not in the sweep's folder", "leave out '..'")
            ended = None if end_of(config, folder) is None else _recorded(folder)
            if not retry_failed:
                _refuse_failed(folder)
            if ended is None:
                check_links(folder)  # before Hydra writes there
        except UserError as error:
            return Trial(job.overrides, None, None, "failed", error)
        tracking = {**config["tracking"], "group": config["tracking"]["group"] or self._folder.name}
        run = Trial(job.overrides, folder, {**config, "tracking": tracking})
        if ended is not None:
            run.end(ended, before=True)
        return run

    def _refuse_shared_folders(self) -> None:
        """Two configs in one folder: the first that asks for it gets it."""
        first: dict[Path, dict[str, Any]] = {}
        for run in self._batch:
            if run.folder is None or run.config is None:
                continue
            keys = asked_differences(first.setdefault(run.folder, run.config), run.config)
            if keys:
                problem = f"is asked for by two runs (which differ in {', '.join(keys)})"
                error = UserError(run.folder, problem, "let hydra.sweep.subdir tell them apart, or leave it out")
                run.folder, run.state, run.result = None, "failed", error

    def _waiting(self) -> dict[int, list[int]]:
        """The jobs that are to be trained, each with all that ask for the same run."""
        by_folder: dict[Path | None, list[int]] = {}
        for job, run in enumerate(self._batch):
            if run.state == "waiting":
                by_folder.setdefault(run.folder, []).append(job)
        return {jobs[0]: jobs for jobs in by_folder.values()}

    def _build(self, plan: Plan) -> list[Experiment | None]:
        """The first run of each program as objects; None where data or model do not fit, which ends its runs here."""
        built: list[Experiment | None] = []
        for program in plan.programs:
            configs = [self._batch[job].config or {} for job in program.jobs]
            configure_jax(configs[0], num_runs=len(self._batch))
            try:
                experiment = build(configs[0])
                check_devices(experiment.options.data_parallel, experiment.structure.batch_size)
                built.append(experiment)
            except UserError as error:
                built.append(None)
                folders = {self._batch[job].folder for job in program.jobs}
                for run in self._batch:
                    if run.folder in folders:
                        run.state, run.result = "failed", error
        return built

    def _tasks(self, plan: Plan, same: dict[int, list[int]], max_gib: float | None) -> list[_Group]:
        max_bytes = None if max_gib is None else int(max_gib * 2**30)
        groups = []
        for jobs in plan.groups:
            waiting = [self._batch[job] for job in jobs if self._batch[job].state == "waiting"]
            if waiting:
                requests = tuple(Request(run.config or {}, run.folder or Path()) for run in waiting)
                program = next(number for number, one in enumerate(plan.programs) if jobs[0] in one.jobs)
                task = GroupTask(requests, self._folder / GROUPS, max_bytes)
                groups.append(_Group([again for job in jobs for again in same[job]], program, task))
        return groups

    def _prepare(self, number: int) -> None:
        """Begin to compile a group, if there is one of that number."""
        if number < len(self._groups):
            task = self._groups[number].task
            structure = json.dumps(structure_of(task.requests[0].config), sort_keys=True)
            earlier = self._compiled.get(structure)
            self._ahead[number] = self._compiled[structure] = self._compiling.submit(prepare, task, earlier)

    def _ended(self, outcome: Outcome) -> None:
        for run in self._batch:
            if run.folder == outcome.folder:
                run.end(outcome)
        self._overview.write(self.runs)


def _refuse_failed(folder: Path) -> None:
    """What failed is tried again only when somebody says that it may succeed now."""
    run = RunFolder(folder)
    if run.state == "failed":
        why = str(run.read("status.json").get("error")).replace(f"{folder}: ", "")
        raise UserError(folder.name, f"failed before ({why})", "try it again with hydra.launcher.retry_failed=true")


def _recorded(folder: Path) -> Outcome:
    """The outcome of a run that ended before."""
    run = RunFolder(folder)
    if run.state == "diverged":
        return Outcome(folder, "diverged", None)
    training = checked_summary(run)["training"]
    return Outcome(folder, "completed", training.get("best_monitored", training["best_validation_loss"]))
