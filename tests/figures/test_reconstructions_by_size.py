"""An image of each class in 1, 2, 4, … numbers: the pixels and errors are those of the run folders."""

import json

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.reconstructions_by_size import draw
from ae_jax.figures.style import AUTOENCODER, PCA_INK, paper_style
from ae_jax.results import load

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LINEAR = "ae_jax.models.linear.LinearAutoencoder"
CORRUPTION = {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": 0.5}


@pytest.fixture
def write(write_run, tmp_path):
    """Write a run of a latent size, whose autoencoder gives back `grey` and whose PCA size / 100, of three classes."""

    def run(size, *, grey=0.5, shape=(3, 3), settings=None, labels=(2, 0, 2, 1), **options):
        name = f"{len(list(tmp_path.iterdir()))}"
        settings = {"model.latent_size": size, **(settings or {})}
        folder = write_run(tmp_path / name, settings=settings, feature_shape=shape, **options)
        x = np.linspace(0, 1, 4 * int(np.prod(shape)), dtype=np.float32).reshape(4, *shape)
        made = {"autoencoder": np.full_like(x, grey), "pca": np.full_like(x, size / 100)}
        np.savez(folder / "reconstructions.npz", x=x, corrupted=x, **made)
        latents = {name: np.zeros((4, size), np.float32) for name in ("autoencoder", "pca")}
        np.savez(folder / "latents.npz", **latents, **({} if labels is None else {"labels": labels}))
        return folder

    return run


def figure_of(folder, *, num_examples=10, most_sizes=8, venue="neurips"):
    with paper_style(venue, width="column", font=None):
        figure = draw(load(folder), num_examples=num_examples, most_sizes=most_sizes)
        figure.draw_without_rendering()
    return figure


def rows_of(figure):
    """Rows as the words beside the images, from left to right, and the pictures."""
    (axes,) = figure.axes
    rows: dict[float, tuple[list, list]] = {}
    for image in axes.images:
        _, _, bottom, top = image.get_extent()
        rows.setdefault(round((bottom + top) / 2, 6), ([], []))[1].append(np.asarray(image.get_array()))
    for text in sorted(axes.texts, key=lambda text: text.get_position()[0]):
        middle = round(text.get_position()[1], 6)
        if middle in rows and text.get_text():
            rows[middle][0].append(text.get_text())
    return [rows[middle] for middle in sorted(rows)]


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.axes[0].texts)


def test_each_size_has_a_row_with_both_methods_and_what_pca_needs(write, tmp_path):
    """PCA's test sse is 8, 4, 2, 1, … for 0, 1, 2, 3, … components: for 1.5 it needs 3."""
    write(4, sse=0.25, grey=0.4)
    write(1, sse=1.5, grey=0.1)
    figure = figure_of(tmp_path)
    words, pictures = zip(*rows_of(figure), strict=True)
    assert list(words) == [["input"], ["1", "1.500", "4.000", "3"], ["4", "0.250", "0.500", "5"]]
    for (ours, theirs), grey, size in zip(pictures[1:], (0.1, 0.4), (1, 4), strict=True):
        np.testing.assert_allclose(ours[:, :3], grey, atol=1e-6)
        np.testing.assert_allclose(theirs[:, :3], size / 100, atol=1e-6)
    assert {text.get_color() for text in figure.axes[0].texts if text.get_text() in ("1.500", "0.250")} == {AUTOENCODER}
    assert {text.get_color() for text in figure.axes[0].texts if text.get_text() in ("4.000", "3")} == {PCA_INK}
    for part in ("digits, test split", "one example of each class", "dense autoencoder", "PCA with as many components"):
        assert part in words_of(figure)


def test_columns_are_the_first_example_of_each_class(write, tmp_path):
    folder = write(2)
    x = np.load(folder / "reconstructions.npz")["x"][[1, 3, 0]]
    for picture in rows_of(figure_of(tmp_path))[0][1]:
        for column, image in enumerate((x - x.min()) / (x.max() - x.min())):
            np.testing.assert_allclose(picture[:, 4 * column : 4 * column + 3], image, atol=1e-6)


def test_without_labels_there_is_a_column_for_each_example(write, tmp_path):
    write(2, labels=None)
    assert rows_of(figure_of(tmp_path))[0][1][0].shape == (3, 4 * 4 - 1)
    assert rows_of(figure_of(tmp_path, num_examples=2))[0][1][0].shape == (3, 4 * 2 - 1)
    assert "class" not in words_of(figure_of(tmp_path))


@pytest.mark.parametrize("shape", [(4, 4, 1), (4, 4, 3), (2, 6)])
def test_images_of_any_shape(shape, write, tmp_path):
    write(2, shape=shape)
    picture = rows_of(figure_of(tmp_path))[1][1][0]
    assert picture.shape[:2] == (shape[0], 3 * shape[1] + 2)
    assert picture.shape[2:] == shape[2:][: shape[-1] == 3]


def test_in_a_narrow_figure_pca_stands_below(write, tmp_path):
    write(1, sse=1.5)
    write(2, sse=1.0)
    words, _ = zip(*rows_of(figure_of(tmp_path, venue="icml")), strict=True)
    assert list(words) == [
        ["input"],
        ["dense", "1", "1.50", "3"],
        ["PCA", "1", "4.00"],
        ["dense", "2", "1.00", "3"],
        ["PCA", "2", "2.00"],
    ]


def test_of_each_size_the_best_by_validation_is_shown_with_its_name(write, tmp_path):
    write(1, sse=3.0, validation_sse=1.0, settings={"model._target_": LINEAR})
    write(1, sse=1.0, validation_sse=2.0)
    write(2, sse=1.5)
    words, _ = zip(*rows_of(figure_of(tmp_path)), strict=True)
    assert [row[:3] for row in words[1:]] == [["linear", "1", "3.00"], ["dense", "2", "1.50"]]
    assert "one run each: 1 seed of the best of 1 to 2 configurations, by validation sse" in words_of(
        figure_of(tmp_path)
    )


def test_of_many_sizes_the_smallest_and_the_largest_are_among_those_shown(write, tmp_path):
    for size in range(1, 8):
        write(size)
    words, _ = zip(*rows_of(figure_of(tmp_path, most_sizes=3)), strict=True)
    assert [row[0] for row in words] == ["input", "1", "4", "7"]
    assert "3 of 7 latent sizes" in words_of(figure_of(tmp_path, most_sizes=3))


def test_where_no_number_of_components_does_it_is_said(write, tmp_path):
    folder = write(2, sse=0.01)
    summary = json.loads((folder / "summary.json").read_text())
    summary["pca"]["test_sse_by_components"][-1] = 0.02
    (folder / "summary.json").write_text(json.dumps(summary))
    assert rows_of(figure_of(tmp_path))[1][0][-1] == "over 9"


def test_what_nearly_matches_does(write, tmp_path):
    """PCA's 2 components have 2.0: a thousandth less is no reason for a third."""
    write(2, sse=1.9985)
    assert rows_of(figure_of(tmp_path))[1][0][-1] == "2"


def test_the_verdict_comes_first(write, tmp_path):
    write(1, sse=1.5)
    write(2, sse=1.9)
    words = words_of(figure_of(tmp_path))
    assert words.startswith("1 number of the dense autoencoder does what PCA does with 3 (1 seed) digits, test split")


def test_what_pca_needs_for_corrupted_inputs_is_not_known(write, tmp_path):
    write(2, corrupted_sse=2.5, settings={"corruption": CORRUPTION})
    words = [row for row, _ in rows_of(figure_of(tmp_path))]
    assert words == [["input"], ["2", "2.50", "3.50"]]
    assert "made from corrupted inputs, each run's own, and so is the sse" in words_of(figure_of(tmp_path))
    assert "needs" not in words_of(figure_of(tmp_path))
    write(4)
    with pytest.raises(UserError, match="some have corrupted inputs and others have not"):
        figure_of(tmp_path)


@pytest.mark.parametrize("shape", [(6,), (3, 4, 5), (3, 3, 2)])
def test_examples_that_are_no_images_are_refused(shape, write, tmp_path):
    write(2, shape=shape)
    with pytest.raises(UserError, match=r"digits has no images .*figure=latent_vs_pca or figure=learning_curves"):
        figure_of(tmp_path)


def test_runs_with_different_examples_are_refused(write, write_run, tmp_path):
    write(1)
    write_run(tmp_path / "other", settings={"model.latent_size": 2})
    with pytest.raises(UserError, match="have different test examples; "):
        figure_of(tmp_path)


def test_runs_from_before_and_since_one_of_each_class_is_kept_are_told_apart(write, tmp_path):
    write(1)
    arrays = dict(np.load(write(2) / "reconstructions.npz"))
    changed = arrays | {"x": arrays["x"][::-1], "indices": np.arange(4)[::-1]}
    np.savez(tmp_path / "1" / "reconstructions.npz", **changed)
    with pytest.raises(UserError, match=r"delete the older reconstructions.npz.*evaluate.py RUN --fill"):
        figure_of(tmp_path)
