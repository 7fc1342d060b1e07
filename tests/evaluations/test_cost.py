"""What an evaluation says of costs: what summary.json says, and columns of the table once."""

import pytest

from ae_jax.evaluation.cost import inference_bytes
from ae_jax.results import load
from ae_jax.runs.folder import RunFolder

pytestmark = pytest.mark.usefixtures("sealed")


@pytest.mark.slow
def test_costs_are_those_of_the_summary_and_have_one_column(train, tmp_path):
    train(tmp_path / "run", "evaluation=[reconstruction,cost]", "model=linear", "model.latent_size=4")
    summary = RunFolder(tmp_path / "run").summary
    answer = summary["evaluations"]["cost"]
    for method, part, prefix in (("autoencoder", "model", ""), ("pca", "pca", "pca_")):
        costs = answer[method]["test"]
        for name in ("num_parameters", "flops_per_example"):
            assert costs[name] == summary[part][name]
        for name in ("latency_per_example_seconds", "latency_per_batch_seconds"):
            assert costs[name] == summary["time"][f"{prefix}{name}"]
        # In float32: the parameters, a batch, and what becomes of it, at least.
        batch = 4 * 32 * 64
        assert costs["inference_bytes"] >= 4 * costs["num_parameters"] + 2 * batch
    table = load(tmp_path).table
    assert not [name for name in table.columns if name.startswith("terms.")]
    row = load(tmp_path).sql(
        "select num_parameters, pca_num_parameters, inference_bytes, pca_inference_bytes from runs"
    )
    assert row.fetchall()[0] == tuple(
        answer[method]["test"][name]
        for name in ("num_parameters", "inference_bytes")
        for method in ("autoencoder", "pca")
    )


def test_memory_counts_arguments_and_results():
    import jax

    held = inference_bytes(jax.jit(lambda scale, x: x * scale), (jax.ShapeDtypeStruct((1, 5), "float32"),), 5, 8)
    assert held >= 4 * (5 + 2 * 8 * 5)
