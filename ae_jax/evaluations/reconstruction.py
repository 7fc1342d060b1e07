"""How good reconstructions are: what is measured of every run."""

from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.runs.measures import MEASURES


def reconstruction() -> Evaluation:
    """The five measures of `evaluation.measures`, on every split, from clean inputs."""
    return Evaluation(tuple(MEASURES.values()), _ask)


def _ask(subject: Subject) -> Found:
    measured = subject.compare().measured
    return Found({name: {split: one.measures for split, one in splits.items()} for name, splits in measured.items()})
