"""What encoding and decoding costs, of every method as a compiled program in float32."""

from ae_jax.evaluation.base import Evaluation, Found, Subject
from ae_jax.evaluation.measure import SPLITS
from ae_jax.runs.measures import Measure

_MEASURES = (
    Measure("num_parameters", "parameters", "number of parameters", False, has_ratio=True),
    Measure("flops_per_example", "flops, per example", "floating-point operations per example", False, has_ratio=True),
    Measure(
        "latency_per_example_seconds", "latency of an example, s", "latency of one example, s", False, has_ratio=True,
        unit="s",
    ),
    Measure(
        "latency_per_batch_seconds", "latency of a batch, s", "latency of a batch, s", False, has_ratio=True, unit="s"
    ),
    Measure(
        "inference_bytes", "memory of a batch, bytes", "memory of inference of a batch, bytes", False, has_ratio=True,
        unit="bytes",
    ),
)  # fmt: skip


def cost() -> Evaluation:
    """Parameters, floating-point operations, latency and memory of a reconstruction.

    They are of the compiled program, which all runs of a structure share, on this machine, and the same on every split:
    `flops_per_example` is None where operations cannot be counted; a batch is as large as the run's. Memory is of the
    program's arguments (its parameters among them), its result, and what is between them. What sorts or rounds PCA's
    coordinates is not in PCA's. The peak memory of the process, in summary.json, tells of all that it did before.
    """
    return Evaluation(_MEASURES, _ask)


def _ask(subject: Subject) -> Found:
    size = subject.experiment.structure.batch_size
    names = [measure.name for measure in _MEASURES]
    numbers = {}
    for method in subject.methods:
        told = method.cost(size) | {"inference_bytes": None if method.memory is None else method.memory(size)}
        numbers[method.name] = {name: None if told[name] is None else float(told[name]) for name in names}
    return Found({name: dict.fromkeys(SPLITS, one) for name, one in numbers.items()})
