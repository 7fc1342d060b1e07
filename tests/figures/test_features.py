"""The figure of how often latents are active: its shares, and those that never are."""

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.style import paper_style
from ae_jax.results import load
from ae_jax.runs.recorder import write_npz
from tests.figures.test_paper_figures import drawn


@pytest.fixture(autouse=True)
def styled():
    with paper_style("neurips", width="text", font=None):
        yield


SHARES = np.array([0, 0, 0, 0.001, 0.01, 0.01, 0.1, 1.0])


@pytest.fixture
def folder(write_run, tmp_path):
    run = write_run(tmp_path / "run")
    write_npz(run / "evaluations" / "sparsity.npz", {"autoencoder": SHARES, "pca": np.array([1.0, 0.5])})
    return run


def parts_of(figure, label):
    """Of a line, what it has at each share, and the point of those that are never active, which is drawn after it."""
    lines = figure.axes[0].lines
    at = next(index for index, line in enumerate(lines) if line.get_label() == label)
    shares = dict(zip(np.round(lines[at].get_xdata(), 6).tolist(), lines[at].get_ydata(), strict=True))
    return {x: y for x, y in shares.items() if y}, float(lines[at + 1].get_ydata()[0])


def test_shares_add_up_with_those_that_are_never_active(folder):
    figure = drawn("features", load(folder))
    shares, never = parts_of(figure, "dense autoencoder")
    assert never == 3 / 8
    assert shares == pytest.approx({0.001: 1 / 8, 0.01: 2 / 8, 0.1: 1 / 8, 1.0: 1 / 8})
    shares, never = parts_of(figure, "PCA")
    assert never == 0
    assert sum(shares.values()) == 1
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["never", "0.001", "0.01", "0.1", "1"]


def test_latents_that_are_always_active_or_never_are_drawn(folder):
    for one, part in ((np.ones(4), 0.0), (np.zeros(4), 1.0)):
        write_npz(folder / "evaluations" / "sparsity.npz", {"autoencoder": one, "pca": np.ones(2)})
        shares, never = parts_of(drawn("features", load(folder)), "dense autoencoder")
        assert (sum(shares.values()), never) == (1 - part, part)


def test_runs_that_were_not_asked_are_told_of_or_refused(folder, write_run, tmp_path):
    other = write_run(tmp_path / "other", settings={"model.latent_size": 4})
    (other / "evaluations" / "sparsity.npz").unlink()
    assert "1 of 2 runs were not asked evaluation=sparsity" in str(drawn("features", load(tmp_path)).get_label())
    with pytest.raises(
        UserError, match=r"have no autoencoder, pca of evaluation=sparsity; ask: .*evaluate.py \S+ evaluation=sparsity"
    ):
        drawn("features", load(other))
    (folder / "evaluations" / "sparsity.npz").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"sparsity\.npz: cannot be read .*makes it again"):
        drawn("features", load(folder))
