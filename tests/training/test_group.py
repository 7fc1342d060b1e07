"""A run in a group is the run alone: the bound is float32 rounding, accumulated over a few epochs."""

import jax
import numpy as np
import pytest

from ae_jax.training import Status

# Rounding of a sum of 64 products is below 64 * 2^-24 = 4e-6 relative; three epochs of three updates do not amplify it
# beyond a hundred times on these losses.
BOUND = 4e-4

KINDS = [()]
MORE_KINDS = [
    ("optimizer=adamw", "optimizer.clip_norm=0.5", "loss=bce", "corruption=masking"),
    ("model.tied_weights=true",),
]


def members_of(kind):
    return [
        (*kind, f"seed={seed}", f"optimizer.learning_rate={rate}") for seed, rate in ((1, 0.01), (2, 0.005), (3, 0.01))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *MORE_KINDS], ids=lambda kind: "+".join(kind) or "default")
def test_a_vectorised_run_ends_like_the_run_alone(train_runs, kind):
    members = members_of(kind)
    together, alone = train_runs(*members, runs_axis="vmap"), train_runs(members[1])
    for ours, theirs in zip(jax.tree.leaves(together.states[1]), jax.tree.leaves(alone.states[0]), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=BOUND, atol=BOUND)


@pytest.mark.parametrize(
    "kind",
    [KINDS[0], pytest.param(MORE_KINDS[0], marks=pytest.mark.slow)],
    ids=lambda kind: "+".join(kind) or "default",
)
def test_a_mapped_run_ends_with_the_bits_of_the_run_alone(train_runs, kind):
    members = members_of(kind)
    together, alone = train_runs(*members, runs_axis="map"), train_runs(members[1])
    for ours, theirs in zip(jax.tree.leaves(together.states[1]), jax.tree.leaves(alone.states[0]), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_members_differ_by_their_seeds_and_values(train_runs):
    states = train_runs(("seed=1",), ("seed=2",), ("seed=1", "optimizer.learning_rate=0.01")).states
    first, other_seed, other_rate = (jax.tree.leaves(state.params)[-1] for state in states)
    assert not np.allclose(first, other_seed)
    assert not np.allclose(first, other_rate)


def test_initial_parameters_are_the_same_bits_in_a_group_and_alone(make_experiment):
    from ae_jax.experiment.build import training_data
    from ae_jax.training.group import compile_group

    experiments = [make_experiment(f"seed={seed}") for seed in (5, 6, 7)]
    first = experiments[0]
    data = training_data(first.dataset)
    together = compile_group(first.structure, data, [one.run for one in experiments]).init_state()
    alone = compile_group(first.structure, data, [experiments[1].run]).init_state()
    for ours, theirs in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        np.testing.assert_array_equal(ours[1], theirs[0])


@pytest.mark.slow
@pytest.mark.parametrize("runs_axis", [pytest.param("vmap", marks=pytest.mark.slow), "map"])
def test_a_diverging_run_is_undone_and_does_not_touch_its_neighbours(train_runs, runs_axis):
    kind = ("optimizer=sgd", "loss=half_sse")
    good = [(*kind, "seed=1", "optimizer.learning_rate=0.01"), (*kind, "seed=3", "optimizer.learning_rate=0.02")]
    wild = (*kind, "seed=2", "optimizer.learning_rate=1e9")
    tame = (*kind, "seed=2", "optimizer.learning_rate=0.01")
    with_wild = train_runs(good[0], wild, good[1], runs_axis=runs_axis)
    with_tame = train_runs(good[0], tame, good[1], runs_axis=runs_axis)
    for index in (0, 2):
        for ours, theirs in zip(
            jax.tree.leaves(with_wild.states[index]), jax.tree.leaves(with_tame.states[index]), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    diverged = with_wild.states[1]
    assert diverged.status == Status.DIVERGED
    assert diverged.epoch == 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(diverged.params))
    assert [bool(report.metrics.trained[1]) for report in with_wild.reports] == [True, False, False]


@pytest.mark.slow
def test_a_converged_run_is_frozen_while_the_others_go_on(train_runs):
    kind = ("trainer.patience=1", "optimizer=sgd")
    still, moving = (*kind, "optimizer.learning_rate=1e-12"), (*kind, "optimizer.learning_rate=0.1")
    trained = train_runs(still, moving, runs_axis="vmap")
    stopped = [report.state.status[0] == Status.CONVERGED for report in trained.reports]
    assert stopped == [False, True, True]  # the first epoch sets the reference, the second does not undercut it
    for before, after in zip(
        jax.tree.leaves(trained.reports[1].state), jax.tree.leaves(trained.reports[2].state), strict=True
    ):
        np.testing.assert_array_equal(before[0], after[0])
    assert trained.states[1].epoch == 3


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_bits(train_runs):
    first = train_runs(("seed=9", "corruption=gaussian"))
    train_runs.cache_clear()
    second = train_runs(("seed=9", "corruption=gaussian"))
    for ours, theirs in zip(jax.tree.leaves(first.states), jax.tree.leaves(second.states), strict=True):
        np.testing.assert_array_equal(ours, theirs)
