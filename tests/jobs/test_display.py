"""What is printed: plain where it is no terminal."""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ae_jax.experiment.build import build
from ae_jax.jobs import display, single
from ae_jax.jobs.single import print_config
from ae_jax.jobs.sweep.ending import print_end
from ae_jax.jobs.sweep.overview import Trial
from ae_jax.results import RunFolder
from ae_jax.results.digits import alike, difference_text
from ae_jax.terminal import Screen

RECORD = {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.25, "validation_sse": 0.65, "seconds": 2.0}


def screen(width=200, *, terminal):
    """A console, whatever the output is."""
    return Screen(file=io.StringIO(), force_terminal=terminal, width=width, highlight=False)


def shown_by(watch, num_epochs=30, **changed):
    for epoch in range(1, num_epochs + 1):
        watch.epoch({Path("a-run"): {**RECORD, "epoch": epoch, **changed}}, 1234.5)


def watching(output, show):
    watch = display.ShowRun(output, show, name="run", loss="mse", num_epochs=30)
    watch._pca = 0.7
    return watch


def test_progress_is_plain_lines_where_it_is_no_terminal():
    output = screen(terminal=False)
    with display.progress(output, 30) as show:
        shown_by(watching(output, show))
    out = output.file.getvalue()
    assert "\x1b" not in out
    assert "\r" not in out
    # The first and the last epoch; the others came within the two seconds. 29 epochs of 2 seconds each are left.
    line = "mse 0.5000 train, 0.2500 validation; validation sse 0.6500 below PCA's 0.7000; 1,234 examples/s"
    assert out.splitlines() == [f"epoch 1/30: {line}, 58 s left", f"epoch 30/30: {line}, 0 s left"]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_progress_on_a_terminal_names_what_there_is_to_beat_at_every_width(width):
    output = screen(width, terminal=True)
    with display.progress(output, 30) as show:
        shown_by(watching(output, show))
    last = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", output.file.getvalue()).replace("\r", "\n").strip().splitlines()[-1]
    assert len(last) <= width
    assert "sse 0.6500 below PCA's 0.7000" in last
    assert "30/30" in last
    assert ("mse" in last) == (width >= 80)


def test_a_run_that_diverges_at_once_is_shown_too():
    output = screen(terminal=False)
    with display.progress(output, 1) as show:
        shown_by(watching(output, show), 1, train_loss=float("nan"), validation_loss=float("inf"))
    assert "mse nan train, inf validation" in output.file.getvalue()


def test_what_there_is_to_beat_is_said_before_the_first_epoch(compose):
    output = screen(terminal=False)
    experiment = build(compose("model.latent_size=4"))
    display.ShowRun(output, lambda *_: None, name="run", loss="mse", num_epochs=1).begin(experiment)
    assert output.file.getvalue() == "to beat: PCA's validation sse with 4 components, 2.473\n"


def test_an_objective_of_terms_is_named_and_so_is_what_is_monitored(compose):
    output, texts = screen(terminal=False), list[str]()
    watch = display.ShowRun(output, lambda said, *_: texts.append(said[0]), name="run", loss="mse", num_epochs=1)
    watch.begin(build(compose("bottleneck=gaussian", "trainer.monitor=kl")))
    assert output.file.getvalue().startswith("objective: rate_distortion of distortion (mse), kl\n")
    shown_by(watch, 1, validation_kl=3.5)
    assert texts[0].startswith("objective 0.5000 train, 0.2500 validation; monitored kl 3.500; validation sse 0.6500")


def test_terms_have_rows_without_pca(write_run, tmp_path, capsys):
    gaussian = {"bottleneck._target_": "ae_jax.bottlenecks.gaussian.gaussian", "trainer.monitor": "kl"}
    display.print_outcome(write_run(tmp_path / "vae", settings=gaussian, terms={"distortion": 0.125, "kl": 2.5}))
    out = capsys.readouterr().out
    (row,) = [line for line in out.splitlines() if "kl (term)" in line]
    assert [cell.strip() for cell in row.split("│")[1:-1]] == ["kl (term)", "2.5000", "", ""]
    assert "best in epoch 3 by validation kl; last training objective 0.333" in out
    display.print_outcome(write_run(tmp_path / "plain", terms={"distortion": 0.125}))
    out = capsys.readouterr().out
    assert "(term)" not in out  # as it is the loss, of which there is a row
    assert "last training loss 0.333 (mse)" in out


def test_a_few_examples_that_carry_the_error_are_said(smoke, capsys):
    run = RunFolder(smoke)
    display.print_comparison(run.summary, run.errors, config=run.config)
    out = capsys.readouterr().out
    assert "Outliers" not in out
    assert "PCA was fitted to clean inputs, also where both see corrupted ones." in out
    errors = {"autoencoder": np.append(np.full(357, 2.0), [15_000, 15_000]), "pca": run.errors["pca"]}
    display.print_comparison(run.summary, errors, config=run.config)
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
    run = RunFolder(smoke)
    summary = run.summary
    display.print_comparison(summary, config=run.config)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    for name in ("sse", "mse", "explained_variance", "psnr", "bce"):
        (line,) = [
            line
            for line in out.splitlines()
            if re.search(rf"│ {name.replace('_', ' ')}[, ]", line) and "corrupted" not in line
        ]
        assert all(number in line for number in alike(summary["test"][name], summary["pca"]["test"][name]))
        assert re.search("lower|higher|PCA's|equal", line)
    both = [summary["corrupted"][method]["sse"] for method in ("autoencoder", "pca")]
    assert all(number in out for number in alike(*both))
    size, needed = summary["model"]["latent_size"], summary["pca"]["components_to_match"]
    first = f"digits: {size} numbers of the dense autoencoder do what PCA does with {needed} (1 seed)"
    assert out.splitlines()[0] == first


def test_numbers_beside_each_other_have_the_same_decimals():
    assert alike(0.52711, 0.7311) == ["0.52711", "0.73110"]
    assert alike(16.4, 0.5) == ["16.4000", "0.5000"]  # six digits of the larger
    assert alike(0.0, 2.0) == ["0.0000", "2.0000"]
    assert alike(2e-28, 0.02391) == ["0.000000", "0.023910"]  # rounding, such as PCA's error with all components
    assert alike(3.3748e28, 3.3397) == ["3.3748e28", "3.3397"]
    assert alike(6400.0, 2.0) == ["6400.00", "2.00"]
    assert alike(float("nan"), 2.0, digits=2) == ["nan", "2.0"]


@pytest.mark.parametrize(
    ("ours", "theirs", "has_ratio", "expected"),
    [
        (1.0, 2.0, True, "50.0% lower"),
        (1.9999, 2.0, True, "0.00500% lower"),
        (3.0, 2.0, True, "50.0% higher"),
        (478.0, 2.0, True, "239 \N{MULTIPLICATION SIGN} PCA's"),
        (2_345_678.0, 1000.0, True, "2,346 \N{MULTIPLICATION SIGN} PCA's"),
        (0.02, 2e-28, True, ">1e6 \N{MULTIPLICATION SIGN} PCA's"),
        (0.9, 0.8, False, "0.100 higher"),
        (0.7, 0.8, False, "0.100 lower"),
        (2.0, 2.0, True, "equal"),
        (2.0, 2.0000001, True, "equal"),
        (1.0, 0.0, True, "1.00 higher"),
    ],
)
def test_one_run_is_lower_or_higher_and_never_better(ours, theirs, has_ratio, expected):
    assert difference_text(ours, theirs, has_ratio=has_ratio) == expected


def test_what_one_must_know_of_pca_is_said(smoke):
    summary = RunFolder(smoke).summary
    pca = {**summary["pca"], "num_components": 1, "principal_angles_degrees": [1.0, 2.5]}
    rank, clean, angle = display._notes({**summary, "pca": pca})
    assert rank == "PCA has no more than 1 component, the rank of the training data."
    assert clean.startswith("PCA was fitted to clean inputs")
    assert "2.50 degrees" in angle


def test_config_is_printed_with_every_key(compose, capsys):
    print_config(compose("tags=[a,b]", "notes='[bold]no markup'"))
    out = capsys.readouterr().out
    assert "model ae_jax.models.dense.DenseAutoencoder" in out
    assert "hidden_sizes: [256]" in out
    assert "tags: ['a', 'b']" in out
    assert "notes: [bold]no markup" in out
    assert "clip_norm: null" in out


@pytest.mark.parametrize("height", [24, 100])
def test_a_small_terminal_shows_what_of_the_config_is_not_the_default(height, compose, monkeypatch):
    output = Screen(file=io.StringIO(), force_terminal=True, width=80, height=height, highlight=False, no_color=True)
    monkeypatch.setattr(single, "console", lambda: output)
    print_config(compose("model.latent_size=3", "corruption=masking"), default=compose)
    lines = re.sub(r"\x1b\[[\d;]*m", "", output.file.getvalue()).splitlines()
    changed = [
        "├─ model ae_jax.models.dense.DenseAutoencoder",
        "│  └─ latent_size: 3",
        "└─ corruption ae_jax.corruptions.masking.masking",
        "   └─ rate: 0.25",
        "all of it: runtime.print_config=true",
    ]
    assert (lines[1:] == changed) == (height == 24)
    assert ("│  ├─ hidden_sizes: [256]" in lines) == (height == 100)


def test_the_default_config_is_said_to_be_it(compose, monkeypatch):
    output = Screen(file=io.StringIO(), force_terminal=True, width=80, height=24, highlight=False)
    monkeypatch.setattr(single, "console", lambda: output)
    print_config(compose(), default=compose)
    assert output.file.getvalue().startswith("config: the default\n")


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
            runs.append(Trial([f"dataset.path={path}", f"seed={seed}"], folder, config, "completed"))
    print_end(runs, tmp_path)
    out = capsys.readouterr().out
    first, second = out.split("the best by validation sse")[1:]
    for text, own in ((first, "a.csv"), (second, "b.csv")):
        assert f'on digits, dataset.path="{own}"' in text
        assert [f"path={own} seed={seed}" in text for seed in range(8)] == [True] * 5 + [False] * 3
        assert "and 3 more in sweep.json" in text
    assert "16 runs: 16 completed" in second
    print_end(runs[:8], tmp_path)
    assert capsys.readouterr().out.splitlines()[1].strip() == "the best by validation sse"
