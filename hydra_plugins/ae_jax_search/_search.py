"""A search that can be killed anywhere: the same command goes on to `n_trials` in all, with the same draws.

    trial k  =  f(seed of the sampler, k, the trials before its batch)

The random numbers of a trial follow from the seed and its number, not from how many were drawn by this process. A trial
that a process was training when it ended is taken up again under its number. Who trains a trial holds a lock, so that
several processes can share a study.
"""

import functools
import logging
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from hydra_plugins.hydra_optuna_sweeper._impl import OptunaSweeperImpl, create_params_from_overrides
from omegaconf import OmegaConf
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from ae_jax.config.naming import UNNAMED
from ae_jax.errors import UserError
from ae_jax.files import make_folder
from hydra_plugins.ae_jax_search._locks import Locks, lock_file

_log = logging.getLogger(__name__)
# Optuna would write to standard error by itself, in colours; its warnings come as all others do.
optuna.logging.disable_default_handler()
optuna.logging.enable_propagation()
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


class Search(OptunaSweeperImpl):
    """A study in batches of `n_jobs` trials, each trained together; the objective is what the task returns."""

    def sweep(self, arguments: list[str]) -> None:
        """Search to `n_trials` trials in all, with those that the study has already.

        Raises:
            UserError: If the study cannot be kept, or is another search.
        """
        if len(self._get_directions()) != 1:
            raise UserError("hydra.sweeper.direction", "the objective is one number", "give minimize or maximize")
        try:
            self._search(arguments)
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError, ImportError) as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise UserError(
                "hydra.sweeper.storage",
                f"{self.storage} cannot be used ({reason})",
                "name one such as sqlite:///study.db",
            ) from error

    def _search(self, arguments: list[str]) -> None:
        assert self.config is not None
        assert self.launcher is not None
        self._process_searchspace_config()
        searched, fixed = create_params_from_overrides([*self._parse_sweeper_params_config(), *arguments])
        searched = {**(self.search_space_distributions or {}), **searched}
        searched = {key: distribution for key, distribution in searched.items() if key not in fixed}
        self._make_sampler(searched, OmegaConf.select(self.config, "hydra.sweeper.sampler.seed"))
        if self.config.hydra.launcher.get("dry_run"):
            self.storage = None
        folder = Path(str(self.config.hydra.sweep.dir))
        with Locks(lock_file(self.storage, folder)) as locks:
            study = self._study(searched, fixed)
            done = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
            if done:
                print(f"study {study.study_name!r}: {done} of {self.n_trials} trials were done before", flush=True)
            while trials := self._next_trials(study, locks, searched):
                returns = self.launcher.launch(
                    self._configure_trials(trials, searched, fixed), initial_job_idx=self.job_idx
                )
                self.job_idx += len(trials)
                failed = sum(not _tell(study, *ended) for ended in zip(trials, returns, strict=True))
                if failed / len(trials) > self.max_failure_rate:
                    limit = f"hydra.sweeper.max_failure_rate={self.max_failure_rate}"
                    _log.warning("the search ends here: %d of %d trials failed, over %s", failed, len(trials), limit)
                    break
        self._say_best(study, folder)

    def _make_sampler(self, searched: dict[str, Any], seed: int | None) -> None:
        if isinstance(self.sampler, functools.partial):  # of a grid, which has to know the values
            grid = {name: self._to_grid_sampler_choices(values) for name, values in searched.items()}
            self.sampler = self.sampler(grid)
            self.n_trials = min(self.n_trials, int(np.prod([len(values) for values in grid.values()])))
        if seed is not None:
            _draw_by_trial(self.sampler, seed)

    def _study(self, searched: dict[str, Any], fixed: dict[str, str]) -> optuna.Study:
        study = optuna.create_study(
            study_name=self.study_name,
            storage=self.storage,
            sampler=self.sampler,
            directions=self._get_directions(),
            load_if_exists=True,
        )
        counts = {key: value for key, value in fixed.items() if not _is_below(key.lstrip("+~"), UNNAMED)}
        asked = {"direction": self._get_directions()[0], **dict.fromkeys(searched, "searched"), **counts}
        known = study.user_attrs.get("asked")
        if known is None:
            study.set_user_attr("asked", asked)
        elif known != asked:
            keys = ", ".join(sorted(key for key in {*known, *asked} if known.get(key) != asked.get(key)))
            problem = f"{study.study_name!r} is another search, which differs in {keys}"
            raise UserError("hydra.sweeper.study_name", problem, "give this search another name")
        return study

    def _next_trials(self, study: optuna.Study, locks: Locks, searched: dict[str, Any]) -> list[optuna.trial.Trial]:
        """The trials of the next batch: first those whose process has ended, then new ones; none when all are done."""
        with locks.asking():
            trials = study.get_trials(deepcopy=False)
            lost = [trial for trial in trials if trial.state == TrialState.RUNNING and locks.take(trial.number)]
            for trial in [trial for trial in lost if not trial.params.keys() <= searched.keys()]:
                study.tell(trial.number, state=TrialState.FAIL)  # of a command that searched for something else
                lost.remove(trial)
            settled = sum(trial.state not in (TrialState.WAITING, TrialState.RUNNING) for trial in trials)
            elsewhere = sum(trial.state == TrialState.RUNNING for trial in trials) - len(lost)
            number = max(0, min(self.n_jobs, self.n_trials - settled - elsewhere))
            batch = [optuna.trial.Trial(study, trial._trial_id) for trial in lost[:number]]
            while len(batch) < number:
                batch.append(study.ask())
                locks.take(batch[-1].number)
        return batch

    def _say_best(self, study: optuna.Study, folder: Path) -> None:
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not trials:
            return
        best = study.best_trial
        found = {"name": "optuna", "best_params": best.params, "best_value": best.value}
        make_folder(folder)
        OmegaConf.save(OmegaConf.create(found), folder / "optimization_results.yaml")
        values = " ".join(f"{key}={value}" for key, value in best.params.items())
        more = "; more with hydra.sweeper.n_trials=…" if self.storage else ""
        print(f"search: {best.value:.5g}, the best of {len(trials)} completed trials, with {values}{more}", flush=True)


def _tell(study: optuna.Study, trial: optuna.trial.Trial, returned: Any) -> bool:
    """Tell a study how a trial ended, and return whether it has a value."""
    try:
        value = float(returned.return_value)
    except Exception:  # the job's own, or that it has no number; the sweep says why
        study.tell(trial, state=TrialState.FAIL)
        return False
    try:
        study.tell(trial, value)
    except RuntimeError as error:  # a grid is complete, which here is no news
        if "Study.stop" not in str(error):
            raise
    return True


def _draw_by_trial(sampler: Any, seed: int) -> None:
    """Let a sampler draw for each trial, and for each key that it draws alone, from numbers of their own."""
    infer, draw = sampler.infer_relative_search_space, sampler.sample_independent

    def infer_relative_search_space(study: Any, trial: Any) -> Any:
        _seed(sampler, [seed, trial.number])
        return infer(study, trial)

    def sample_independent(study: Any, trial: Any, name: str, distribution: Any) -> Any:
        _seed(sampler, [seed, trial.number, zlib.crc32(name.encode())])
        return draw(study, trial, name, distribution)

    sampler.infer_relative_search_space, sampler.sample_independent = infer_relative_search_space, sample_independent


def _seed(sampler: Any, seed: list[int]) -> None:
    for part in vars(sampler).values():
        if isinstance(part, np.random.RandomState):
            part.seed(seed)
        elif isinstance(part, optuna.samplers.BaseSampler):
            _seed(part, seed)


def _is_below(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)
