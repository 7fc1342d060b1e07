"""Latents in the plane: the points are those of latents.npz, or their projection onto principal directions."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.latent_space import COLOURS, draw
from ae_jax.figures.parts.apart import moved_apart
from ae_jax.figures.style import AUTOENCODER, paper_style
from ae_jax.results import load
from ae_jax.results.neighbours import neighbour_accuracy
from tests.figures.appearance import legend_words

# Slow together; that every figure draws and can be read is in the fast tests.
pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.slow]


def figure_of(folder, *, projection="pca", venue="icml"):
    with paper_style(venue, width="column", font=None):
        figure = draw(load(folder), projection=projection)
        figure.draw_without_rendering()
    return figure


def points_of(axes):
    return np.concatenate([np.asarray(group.get_offsets()) for group in axes.collections])


def words_of(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.legends[0].findobj(Text))


def in_order(points):
    return points[np.lexsort(points.T)]


def scaled(points):
    """Centred, in units of the root of the mean squared distance from there."""
    centred = points - points.mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=1).mean())


def test_two_latents_are_shown_as_they_are(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=30)
    latents = dict(np.load(folder / "latents.npz"))
    figure = figure_of(tmp_path)
    for axes, method in zip(figure.axes, ("autoencoder", "pca"), strict=True):
        np.testing.assert_allclose(in_order(points_of(axes)), in_order(scaled(latents[method])), atol=1e-6)
        shares = 100 * latents[method].var(axis=0) / latents[method].var(axis=0).sum()
        assert axes.get_xlabel().startswith(f"latent 1 ({shares[0]:.0f} %")
        assert axes.get_ylabel().startswith(f"latent 2 ({shares[1]:.0f} %")
    ours, theirs = figure.axes
    # PCA's test sse falls from 8 to 4 with the first component, and to 2 with the second.
    assert theirs.get_xlabel().endswith("50 % of the data's)")
    assert theirs.get_ylabel().replace("\n", " ").endswith("25 % of the data's)")
    assert ours.get_title().startswith("dense autoencoder\ntest sse 1.50, 5-NN ")
    assert theirs.get_title().startswith("PCA\ntest sse 2.00, 5-NN ")
    assert ours.get_xlim() == ours.get_ylim() == theirs.get_xlim() == theirs.get_ylim()
    assert "30 examples of the test split" in words_of(figure)


def test_the_number_is_that_of_the_kept_latents_in_all_dimensions(write_run, tmp_path):
    """tests/results/test_neighbours.py has it beside scikit-learn's."""
    folder = write_run(tmp_path / "a", num_examples=60, settings={"model.latent_size": 3})
    latents = dict(np.load(folder / "latents.npz"))
    latents["autoencoder"] += latents["labels"][:, None].astype(np.float32)
    np.savez(folder / "latents.npz", **latents)
    figure = figure_of(tmp_path)
    for axes, method in zip(figure.axes, ("autoencoder", "pca"), strict=True):
        share = neighbour_accuracy(latents[method], latents["labels"], num_neighbours=5)
        assert axes.get_title().endswith(f"5-NN {100 * share:.1f} %")
    assert "5-NN accuracy: leave-one-out, in all dimensions" in words_of(figure)


def test_of_fewer_examples_than_neighbours_there_is_no_number(write_run, tmp_path):
    write_run(tmp_path / "a", num_examples=5)
    figure = figure_of(tmp_path)
    assert "NN" not in figure.axes[0].get_title() + words_of(figure)


def test_each_label_has_a_colour_a_marker_and_its_name_near_the_median(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=30)
    latents = dict(np.load(folder / "latents.npz"))
    figure = figure_of(tmp_path)
    axes = figure.axes[0]
    assert [group.get_label() for group in axes.collections] == ["0", "1", "2"]
    assert len({tuple(group.get_facecolor()[0]) for group in axes.collections}) == 3
    assert len({group.get_paths()[0].vertices.tobytes() for group in axes.collections}) == 3
    points = scaled(latents["autoencoder"])
    for label, (group, text) in enumerate(zip(axes.collections, axes.texts, strict=True)):
        inside = points[latents["labels"] == label]
        np.testing.assert_allclose(group.get_offsets(), inside, atol=1e-6)
        assert text.get_text() == str(label)
        np.testing.assert_allclose(text.xy, np.median(inside, axis=0), atol=1e-6)
    assert legend_words(figure) == ["0", "1", "2"]


def test_labels_at_one_place_stand_apart_and_are_led_there(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=40)
    same = np.tile(np.random.default_rng(0).normal(size=(4, 2)), (10, 1)).astype(np.float32)
    np.savez(folder / "latents.npz", autoencoder=same, pca=same, labels=np.repeat(np.arange(10), 4))
    for axes in figure_of(tmp_path).axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts]
        assert len(boxes) == 10
        assert not [1 for one, other in combinations(boxes, 2) if one.padded(-0.5).overlaps(other.padded(-0.5))]
        assert len(axes.lines) >= 8
        inside = axes.get_window_extent().padded(1)
        assert all(inside.contains(*box.p0) and inside.contains(*box.p1) for box in boxes)


def test_boxes_that_do_not_overlap_stay():
    centres = np.array([[10.0, 10.0], [30.0, 10.0], [10.0, 30.0]])
    moved = moved_apart(centres, np.full((3, 2), 9.0), np.zeros(2), np.full(2, 50.0))
    np.testing.assert_allclose(moved, centres, atol=0.01)


# What is seen without one kind of cones, of linear red, green and blue: Machado, Oliveira & Fernandes 2009, severity 1.
VISION = {
    "all": np.eye(3),
    "no-long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no-middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no-short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LMS = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566]]
LMS += [[0.0883024619, 0.2817188376, 0.6299787005]]
OKLAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099]]
OKLAB += [[0.0259040371, 0.7827717662, -0.8086757660]]


@pytest.mark.parametrize("vision", VISION)
def test_ten_colours_differ_for_everyone(vision):
    """Distances in OKLab (Ottosson 2020), times 100; 2 can just be told apart side by side."""
    seen = np.clip(linear_colours() @ np.transpose(VISION[vision]), 0, 1)
    oklab = 100 * np.cbrt(seen @ np.transpose(LMS)) @ np.transpose(OKLAB)
    assert min(np.linalg.norm(one - other) for one, other in combinations(oklab, 2)) > 11.5


def test_ten_colours_differ_in_grey():
    luminance = linear_colours() @ [0.2126, 0.7152, 0.0722]
    lightness = np.sort(116 * np.cbrt(luminance) - 16)
    assert np.diff(lightness).min() > 5
    assert lightness[-1] < 85


def linear_colours():
    encoded = np.array([to_rgb(colour) for colour in COLOURS])
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def test_many_latents_are_projected_as_scikit_learn_does(write_run, tmp_path):
    from sklearn.decomposition import PCA

    folder = write_run(tmp_path / "a", num_examples=40, settings={"model.latent_size": 5})
    latents = dict(np.load(folder / "latents.npz"))
    reference = PCA(n_components=2).fit(latents["autoencoder"].astype(float))
    expected = scaled(reference.transform(latents["autoencoder"]))
    figure = figure_of(tmp_path)
    ours, theirs = figure.axes
    points = np.empty((40, 2))
    for label, group in enumerate(ours.collections):
        points[latents["labels"] == label] = group.get_offsets()
    # A direction may have either sign.
    np.testing.assert_allclose(points * np.sign((points * expected).sum(axis=0)), expected, atol=1e-6)
    shares = [f"{100 * share:.0f}" for share in reference.explained_variance_ratio_]
    assert ours.get_xlabel() == f"direction 1 of 5 ({shares[0]} %)"
    assert ours.get_ylabel() == f"direction 2 of 5 ({shares[1]} %)"
    assert theirs.get_xlabel().startswith("direction 1 of 5 (")
    np.testing.assert_allclose(in_order(points_of(theirs)), in_order(scaled(latents["pca"][:, :2])), atol=1e-6)
    assert "5 latent dimensions" in words_of(figure)


def test_the_sign_of_a_direction_does_not_depend_on_that_of_the_latents(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=40, settings={"model.latent_size": 3})
    shown = points_of(figure_of(tmp_path).axes[0])
    arrays = dict(np.load(folder / "latents.npz"))
    np.savez(folder / "latents.npz", **arrays | {"autoencoder": -arrays["autoencoder"]})
    np.testing.assert_allclose(points_of(figure_of(tmp_path).axes[0]), -shown, atol=1e-6)


def test_the_first_two_latents_on_request(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=20, settings={"model.latent_size": 5})
    axes = figure_of(tmp_path, projection="first_two").axes[0]
    assert axes.get_xlabel().startswith("latent 1 of 5 (")
    latents = dict(np.load(folder / "latents.npz"))["autoencoder"]
    np.testing.assert_allclose(in_order(points_of(axes)), in_order(scaled(latents[:, :2])), atol=1e-6)


def test_latents_that_do_not_vary_have_no_direction(write_run, tmp_path):
    folder = write_run(tmp_path / "a", settings={"model.latent_size": 3})
    arrays = dict(np.load(folder / "latents.npz"))
    np.savez(folder / "latents.npz", **arrays | {"autoencoder": np.ones((6, 3), np.float32)})
    assert "(0 %)" in figure_of(tmp_path).axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("labels", "note"), [(None, "examples"), (np.linspace(0, 1, 30), "30 different labels, not shown")]
)
def test_what_has_no_classes_has_one_colour(labels, note, write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=30)
    arrays = dict(np.load(folder / "latents.npz"))
    del arrays["labels"]
    np.savez(folder / "latents.npz", **arrays, **({} if labels is None else {"labels": labels}))
    figure = figure_of(tmp_path)
    for axes in figure.axes:
        (group,) = axes.collections
        np.testing.assert_allclose(
            group.get_facecolor()[0][:3], [int(AUTOENCODER[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        )
        assert not axes.texts
    assert note in words_of(figure)


def test_the_best_run_by_validation_is_shown(write_run, tmp_path):
    for seed, sse, validation in ((0, 2.0, 3.0), (1, 2.5, 1.0), (2, 1.0, 2.0)):
        write_run(tmp_path / f"{seed}", sse=sse, validation_sse=validation, settings={"seed": seed})
    write_run(tmp_path / "lost", settings={"seed": 3}, state="diverged", error="loss is not finite")
    figure = figure_of(tmp_path)
    assert figure.axes[0].get_title().startswith("dense autoencoder\ntest sse 2.50")
    assert "seed 1" in words_of(figure)
    assert "one run: the best of 3 seeds, by validation sse" in words_of(figure)
    assert "1 of 4 runs diverged, not shown" in words_of(figure)


def test_a_lucky_seed_of_another_configuration_is_not_shown(write_run, tmp_path):
    """Its mean over seeds is worse, so the configuration is not the best; nor is one of which a seed diverged."""
    key = "optimizer.learning_rate"
    for rate, errors in ((0.1, (2.0, 2.1, 2.2)), (0.2, (0.5, 4.0, 4.1)), (0.3, (0.4,))):
        for seed, sse in enumerate(errors):
            write_run(tmp_path / f"{rate}-{seed}", sse=sse, settings={"seed": seed, key: rate})
    figure = figure_of(tmp_path)
    assert figure.axes[0].get_title().startswith("dense autoencoder\ntest sse 2.00")
    assert "one run: the best of 3 seeds of the best of 3 configurations, by validation sse" in words_of(figure)


@pytest.mark.parametrize(("venue", "stacked"), [("icml", True), ("neurips", False)])
def test_units_are_as_long_in_both_directions_and_panels_have_room(venue, stacked, write_run, tmp_path):
    write_run(tmp_path / "a", num_examples=30)
    figure = figure_of(tmp_path, venue=venue)
    first, second = figure.axes
    assert bool(first.get_position().y0 > second.get_position().y1) is stacked
    for axes in figure.axes:
        origin, right, up = axes.transData.transform([(0, 0), (1, 0), (0, 1)])
        assert right[0] - origin[0] == pytest.approx(up[1] - origin[1])
        assert axes.get_window_extent().height > 1.3 * figure.dpi


def test_one_latent_or_none_kept_is_refused(write_run, tmp_path):
    folder = write_run(tmp_path / "a", settings={"model.latent_size": 1})
    with pytest.raises(UserError, match=r"a, has one latent dimension.*model.latent_size=2"):
        figure_of(tmp_path)
    (folder / "latents.npz").unlink()
    with pytest.raises(UserError, match=r"latents.npz: is missing; train the run again"):
        figure_of(tmp_path)
