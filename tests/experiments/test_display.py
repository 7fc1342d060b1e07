"""What is printed: plain where it is no terminal."""

import io
import json
import re
import shutil

import numpy as np
import pytest
from rich.console import Console

from ae_jax.experiments import display
from ae_jax.experiments.sweep.ending import print_end
from ae_jax.experiments.sweep.overview import Run
from ae_jax.results import RunFolder
from ae_jax.results.digits import difference_text

RECORD = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.25, "seconds": 2.0}


@pytest.fixture
def screen(monkeypatch):
    """A console, and what was written to it."""

    def make(*, terminal: bool) -> io.StringIO:
        written = io.StringIO()
        made = Console(file=written, force_terminal=terminal, width=200, highlight=False)
        monkeypatch.setattr(display, "console", lambda: made)
        return written

    return make


def test_progress_is_plain_lines_where_it_is_no_terminal(capsys):
    with display.progress("a-run", 30) as show:
        for epoch in range(1, 31):
            show({**RECORD, "epoch": epoch}, 1234.5)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\r" not in out
    lines = out.splitlines()
    assert lines[0] == "training a-run, at most 30 epochs"
    # The first and the last epoch; the others came within the two seconds.
    assert [line.split("  ")[0] for line in lines[1:]] == ["epoch 1/30", "epoch 30/30"]
    # 29 epochs of 2 seconds each are left.
    assert lines[1].endswith("train 0.5  validation 0.25  1,234 examples/s  58 s left")


def test_progress_is_a_bar_on_a_terminal(screen):
    written = screen(terminal=True)
    with display.progress("a-run", 3) as show:
        show(RECORD, 10.0)
        show({**RECORD, "epoch": 3}, 10.0)
    assert "\x1b" in written.getvalue()
    assert "3/3" in written.getvalue()


def test_a_run_that_diverges_at_once_is_shown_too(capsys):
    with display.progress("a-run", 3) as show:
        show({**RECORD, "train_loss": float("nan"), "validation_loss": float("inf")}, 10.0)
    assert "train nan  validation inf" in capsys.readouterr().out


def test_a_few_examples_that_carry_the_error_are_said(smoke, capsys):
    run = RunFolder(smoke)
    display.print_comparison(run.summary, run.errors)
    out = capsys.readouterr().out
    assert "Outliers" not in out
    assert "PCA was fitted to clean inputs, also where both see corrupted ones." in out
    errors = {"autoencoder": np.append(np.full(357, 2.0), [15_000, 15_000]), "pca": run.errors["pca"]}
    display.print_comparison(run.summary, errors)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Outliers" in line]
    assert line == (
        "Outliers: 2 of 359 test examples carry 98 % of the error of the autoencoder; the median example's is 2."
    )


def test_an_old_or_damaged_run_has_no_errors_and_is_shown(write_run, tmp_path, capsys):
    old, damaged = write_run(tmp_path / "old"), write_run(tmp_path / "damaged")
    (damaged / "errors.npz").write_bytes(b"no archive")
    for folder in (old, damaged):
        display.print_outcome(folder)
        assert f"run folder: {folder}" in capsys.readouterr().out


def test_comparison_shows_the_numbers_of_the_summary(smoke, capsys):
    summary = RunFolder(smoke).summary
    display.print_comparison(summary)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for name in ("sse", "mse", "explained_variance", "psnr", "bce"):
        (line,) = [
            line
            for line in out.splitlines()
            if re.search(rf"│ {name.replace('_', ' ')}[, ]", line) and "corrupted" not in line
        ]
        assert f"{summary['test'][name]:.5g}" in line
        assert f"{summary['pca']['test'][name]:.5g}" in line
        assert re.search("lower|higher|as much|equal", line)
    assert f"{summary['corrupted']['autoencoder']['sse']:.5g}" in out
    assert f"PCA needs {summary['pca']['components_to_match']} components to match" in out


@pytest.mark.parametrize(
    ("ours", "theirs", "has_ratio", "expected"),
    [
        (1.0, 2.0, True, "50.0% lower"),
        (1.9999, 2.0, True, "0.00500% lower"),
        (3.0, 2.0, True, "50.0% higher"),
        (478.0, 2.0, True, "239 times as much"),
        (0.9, 0.8, False, "0.100 higher"),
        (0.7, 0.8, False, "0.100 lower"),
        (2.0, 2.0, True, "equal"),
        (2.0, 2.0000001, True, "equal"),
        (1.0, 0.0, True, "1.00 higher"),
    ],
)
def test_one_run_is_lower_or_higher_and_never_better(ours, theirs, has_ratio, expected):
    assert difference_text(ours, theirs, has_ratio=has_ratio) == expected


@pytest.mark.parametrize(
    ("match", "words"),
    [
        (0, "The mean alone, which is PCA without a component, matches the"),
        (1, "PCA needs 1 component to"),
        (5, "PCA needs 5 components to"),
        (None, "PCA cannot"),
    ],
)
def test_sentence(match, words, smoke):
    summary = RunFolder(smoke).summary
    pca = {**summary["pca"], "components_to_match": match, "principal_angles_degrees": [1.0, 2.5]}
    sentence = display._sentence({**summary, "pca": pca})
    assert words in sentence
    assert "2.50 degrees" in sentence


def test_config_is_printed_with_every_key(compose, capsys):
    config = compose("tags=[a,b]", "notes='[bold]no markup'")
    display.print_config(config)
    out = capsys.readouterr().out
    assert "model ae_jax.models.dense.DenseAutoencoder" in out
    assert "hidden_sizes: [256]" in out
    assert "tags: ['a', 'b']" in out
    assert "notes: [bold]no markup" in out
    assert "clip_norm: null" in out


def test_folder_is_shown_as_one_would_type_it(smoke, tmp_path, monkeypatch, capsys):
    shutil.copytree(smoke, tmp_path / "outputs" / "a [b]", ignore=shutil.ignore_patterns("wandb"))
    monkeypatch.chdir(tmp_path)
    display.print_outcome(tmp_path / "outputs" / "a [b]", trained_before=True)
    out = capsys.readouterr().out
    assert "run folder: outputs/a [b]\n" in out
    assert "This run was trained before" in out


def test_the_end_of_a_sweep_ranks_no_different_data_in_one_list(write_run, tmp_path, capsys):
    """The errors of one table are a millionth of the other's."""
    runs = []
    for path, scale in (("a.csv", 1.0), ("b.csv", 1e-6)):
        for seed in range(8):
            settings = {"seed": seed, "dataset.path": path}
            folder = write_run(tmp_path / f"{path}-{seed}", settings=settings, sse=scale * (1 + seed))
            config = json.loads((folder / "config.json").read_text())
            runs.append(Run([f"dataset.path={path}", f"seed={seed}"], folder, config, "completed"))
    print_end(runs, tmp_path)
    out = capsys.readouterr().out
    first, second = out.split("the best by validation sse")[1:]
    for text, own in ((first, "a.csv"), (second, "b.csv")):
        assert f'on digits, dataset.path="{own}"' in text
        assert [f"dataset.path={own} seed={seed}" in text for seed in range(8)] == [True] * 5 + [False] * 3
        assert "and 3 more in sweep.json" in text
    assert "16 runs: 16 completed" in second
    print_end(runs[:8], tmp_path)
    assert capsys.readouterr().out.splitlines()[0].strip() == "the best by validation sse"
