"""Test images beside what autoencoders and PCA make of them: the pixels are those of the run folders."""

import numpy as np
import pytest

from ae_jax.errors import UserError
from ae_jax.figures.parts.images import aligned
from ae_jax.figures.reconstruction_grid import draw
from ae_jax.figures.style import PCA_INK, paper_style
from ae_jax.results import load

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]

LINEAR = "ae_jax.models.linear.LinearAutoencoder"
CORRUPTION = {"_target_": "ae_jax.corruptions.gaussian.gaussian", "scale": 0.5}


@pytest.fixture
def write(write_run, tmp_path):
    """Write a run on the same test images as all others, with reconstructions that tell it apart."""

    def run(name, *, shape=(3, 3), grey=0.5, pca=None, corrupted=None, settings=None, labels=(0, 1, 2, 3), **options):
        folder = write_run(tmp_path / name, settings=settings, feature_shape=shape, **options)
        x = np.linspace(0, 1, 4 * int(np.prod(shape)), dtype=np.float32).reshape(4, *shape)
        size = (settings or {}).get("model.latent_size", 2)
        np.savez(
            folder / "reconstructions.npz",
            x=x,
            corrupted=x if corrupted is None else np.full_like(x, corrupted),
            autoencoder=np.full_like(x, grey),
            pca=np.full_like(x, pca if pca is not None else size / 10),
        )
        arrays = {"autoencoder": x[:, 0].reshape(4, -1), "pca": x[:, 0].reshape(4, -1)}
        np.savez(folder / "latents.npz", **arrays, **({} if labels is None else {"labels": labels}))
        return folder

    return run


def figure_of(folder, *, num_examples=10, rows=("model",), venue="icml"):
    with paper_style(venue, width="column", font=None):
        figure = draw(load(folder), num_examples=num_examples, rows=list(rows))
        figure.draw_without_rendering()
    return figure


def table_of(figure):
    """Rows as the words beside each image, from left to right, and its pixels."""
    (axes,) = figure.axes
    images = sorted(axes.images, key=lambda image: image.get_extent()[3])
    rows = []
    for image in images:
        _, _, bottom, top = image.get_extent()
        words = [text for text in axes.texts if abs(text.get_position()[1] - (bottom + top) / 2) < 1e-6]
        words.sort(key=lambda text: text.get_position()[0])
        rows.append(([text.get_text() for text in words if text.get_text()], np.asarray(image.get_array())))
    return rows


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.axes[0].texts)


def test_each_row_has_its_images_and_errors(write, tmp_path):
    write("a", sse=1.5, grey=0.3)
    write("b", sse=2.5, grey=0.4, settings={"model._target_": LINEAR})
    figure = figure_of(tmp_path)
    rows = table_of(figure)
    assert [words for words, _ in rows] == [
        ["input"],
        ["dense autoencoder", "2", "1.50"],
        ["linear autoencoder", "2", "2.50"],
        ["PCA", "2", "2.00"],
    ]
    x = np.load(tmp_path / "a" / "reconstructions.npz")["x"]
    for column in range(4):
        # Images are three pixels wide, with one pixel between them.
        part = slice(4 * column, 4 * column + 3)
        np.testing.assert_allclose(rows[0][1][:, part], x[column], atol=1e-6)
        for (_, picture), grey in zip(rows[1:], (0.3, 0.4, 0.2), strict=True):
            np.testing.assert_allclose(picture[:, part], grey, atol=1e-6)
    assert {"latent\nsize", "test\nsse"} <= {text.get_text() for text in figure.axes[0].texts}
    assert {text.get_color() for text in figure.axes[0].texts if text.get_text() in ("PCA", "2.00")} == {PCA_INK}
    assert words_of(figure).startswith("digits, test split; one example of each class; sse of the whole split 1 seed")


def test_the_best_run_by_validation_is_shown(write, tmp_path):
    """The second seed has the lower test error, and is not chosen."""
    for seed, sse, validation in ((0, 2.0, 1.0), (1, 1.0, 3.0), (2, 3.0, 2.0)):
        write(f"{seed}", sse=sse, validation_sse=validation, settings={"seed": seed}, grey=seed / 10)
    figure = figure_of(tmp_path)
    words, picture = table_of(figure)[1]
    assert words == ["dense autoencoder", "2", "2.00"]
    assert picture[0, 0] == 0
    assert "one run: the best of 3 seeds, by validation sse" in words_of(figure)


def test_each_number_of_components_has_its_pca_below_its_autoencoders(write, tmp_path):
    for size in (1, 4):
        write(f"dense{size}", settings={"model.latent_size": size})
        write(f"linear{size}", settings={"model.latent_size": size, "model._target_": LINEAR})
    words = [
        row[0][:2]
        for row, _ in [(row, None) for row in table_of(figure_of(tmp_path, rows=["model.latent_size", "model"]))]
    ]
    assert words == [
        ["input"],
        ["dense autoencoder", "1"],
        ["linear autoencoder", "1"],
        ["PCA", "1"],
        ["dense autoencoder", "4"],
        ["linear autoencoder", "4"],
        ["PCA", "4"],
    ]


def test_corrupted_inputs_stand_above_what_is_made_of_them(write, tmp_path):
    write("clean", sse=1.0)
    write("noisy", sse=1.5, corrupted=0.25, corrupted_sse=2.5, settings={"corruption": CORRUPTION}, pca=0.9)
    figure = figure_of(tmp_path, rows=["corruption"])
    assert [row[0] for row in table_of(figure)] == [
        ["input"],
        ["corruption none", "2", "1.00"],
        ["PCA", "2", "2.00"],
        ["corrupted"],
        ["gaussian", "2", "2.50"],
        ["PCA", "2", "3.50"],
    ]
    np.testing.assert_allclose(table_of(figure)[3][1][:, :3], 0.25)
    assert "made from corrupted inputs where they are shown" in words_of(figure)


def test_columns_are_as_many_as_asked_for_and_kept(write, tmp_path):
    write("a")
    for asked, shown in ((2, 2), (10, 4)):
        assert {picture.shape for _, picture in table_of(figure_of(tmp_path, num_examples=asked))} == {
            (3, 4 * shown - 1)
        }


@pytest.mark.parametrize(
    ("labels", "shown", "note"),
    [
        ((7, 5, 7, 5), [1, 0], "one example of each class; sse"),
        ((1, 1, 1, 1), [0], "one example of each class; sse"),
        (None, [0, 1, 2, 3], "test split; sse"),
    ],
)
def test_there_is_one_example_of_each_class(labels, shown, note, write, tmp_path):
    """The first of each that runs keep, by class; all examples where there are no classes."""
    folder = write("a", labels=labels)
    (_, inputs), *_ = table_of(figure_of(tmp_path))
    x = np.load(folder / "reconstructions.npz")["x"][shown]
    for column, image in enumerate((x - x.min()) / (x.max() - x.min())):
        np.testing.assert_allclose(inputs[:, 4 * column : 4 * column + 3], image, atol=1e-6)
    assert inputs.shape == (3, 4 * len(shown) - 1)
    assert note in words_of(figure_of(tmp_path))


def test_classes_that_no_example_is_kept_of_are_counted(write, tmp_path):
    """Runs from before one of each class was kept have the first examples of the test split."""
    folder = write("a", labels=(4, 4, 2, 2))
    arrays = dict(np.load(folder / "latents.npz"))
    six = {name: np.resize(values, (6, 3)) for name, values in arrays.items() if name != "labels"}
    np.savez(folder / "latents.npz", **six, labels=[4, 4, 2, 2, 1, 0])
    note = "one example of each of 2 of 4 classes, as no others are kept"
    assert note in words_of(figure_of(tmp_path))
    kept = dict(np.load(folder / "reconstructions.npz"))
    np.savez(folder / "reconstructions.npz", **kept, indices=[5, 4, 2, 0])
    assert "one example of each class; sse" in words_of(figure_of(tmp_path))
    assert "one example of each of 3 of 4 classes sse" in words_of(figure_of(tmp_path, num_examples=3))


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([21.058, 1.5, None, 0.1579], ["21.058", "1.500", "", "0.158"]),
        ([100.0, 250.4], ["100", "250"]),
        ([0.0, 12.0], ["0.0", "12.0"]),
        ([3e-5, 0.5], ["3e-05", "0.5000"]),
        ([3e-5, 2e-5], ["3.00e-05", "2.00e-05"]),
        ([2e6, 1.0], ["2.00e+06", "1.00e+00"]),
        ([0.0], ["0"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(numbers, texts):
    assert aligned(numbers) == texts


def test_errors_end_at_the_same_place(write, tmp_path):
    write("a", sse=12.25)
    write("b", sse=0.5, settings={"model._target_": LINEAR})
    figure = figure_of(tmp_path)
    words = ("test\nsse", "12.250", "0.500", "2.000")
    ends = {text.get_window_extent().x1 for text in figure.axes[0].texts if text.get_text() in words}
    assert len({round(end) for end in ends}) == 1


def test_colour_images_keep_their_colours(write, tmp_path):
    write("a", shape=(4, 4, 3))
    picture = table_of(figure_of(tmp_path))[0][1]
    x = np.load(tmp_path / "a" / "reconstructions.npz")["x"]
    np.testing.assert_allclose(picture[:, 5:9], x[1], atol=1e-6)


@pytest.mark.parametrize("venue", ["icml", "jmlr"])
def test_words_do_not_overlap_and_pixels_are_square(venue, write, tmp_path):
    """Names of any length, and fewer pixels than words need height."""
    sizes = [64, 32, 16, 8]
    for depth in (2, 3, 4):
        hidden = {"model.hidden_sizes": sizes[:depth] * 3, "model.activation": "relu" * depth}
        write(f"{depth}", settings=hidden, grey=depth / 10)
    figure = figure_of(tmp_path, rows=["model.hidden_sizes", "model.activation"], venue=venue)
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    # A tenth of a point, as extents are rounded.
    shrunk = [box.padded(-0.5) for box in boxes]
    assert not [1 for i, one in enumerate(shrunk) for other in shrunk[i + 1 :] if one.overlaps(other)]
    width, height = figure.get_size_inches() * figure.dpi
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    for image in axes.images:
        left, right, bottom, top = image.get_extent()
        high, wide = np.asarray(image.get_array()).shape
        assert (right - left) / wide == pytest.approx((bottom - top) / high)


@pytest.mark.parametrize("shape", [(6,), (3, 4, 5)])
def test_examples_that_are_no_images_are_refused(shape, write, tmp_path):
    write("a", shape=shape)
    with pytest.raises(UserError, match=r"digits has no images .*figure=latent_vs_pca or figure=learning_curves"):
        figure_of(tmp_path)


def test_runs_with_different_examples_are_refused(write, write_run, tmp_path):
    write("a")
    write_run(tmp_path / "b", settings={"model._target_": LINEAR})
    with pytest.raises(UserError, match="have different test examples; "):
        figure_of(tmp_path)


def test_missing_examples_and_unknown_keys_are_refused(write, tmp_path):
    folder = write("a")
    with pytest.raises(UserError, match=r"rows: there is no key 'model.latent'; did you mean 'model.latent_size'"):
        figure_of(tmp_path, rows=["model.latent"])
    (folder / "reconstructions.npz").unlink()
    with pytest.raises(UserError, match=r"reconstructions.npz: is missing"):
        figure_of(tmp_path)


def test_diverged_runs_are_counted(write, write_run, tmp_path):
    write("a")
    write_run(tmp_path / "lost", settings={"seed": 1}, state="diverged", error="loss is not finite")
    assert "1 of 2 runs diverged, not shown" in words_of(figure_of(tmp_path))
