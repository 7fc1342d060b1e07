"""Latents in the plane: the points are those of latents.npz, or their projection onto principal directions."""

import numpy as np
import pytest
from matplotlib.text import Text

from ae_jax.errors import UserError
from ae_jax.figures.latent_space import draw
from ae_jax.figures.style import AUTOENCODER, paper_style
from ae_jax.results import load

pytestmark = pytest.mark.filterwarnings("error")


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


def test_two_latents_are_shown_as_they_are(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=30)
    latents = np.load(folder / "latents.npz")
    figure = figure_of(tmp_path)
    for axes, method in zip(figure.axes, ("autoencoder", "pca"), strict=True):
        np.testing.assert_allclose(in_order(points_of(axes)), in_order(latents[method]), rtol=1e-6)
    ours, theirs = figure.axes
    assert (ours.get_xlabel(), ours.get_ylabel()) == ("latent 1", "latent 2")
    assert (theirs.get_xlabel(), theirs.get_ylabel()) == ("component 1", "component 2")
    assert (ours.get_title(), theirs.get_title()) == ("dense autoencoder, test sse 1.5", "PCA, test sse 2")
    assert "30 examples of the test split" in words_of(figure)


def test_each_label_has_a_colour_a_marker_and_its_name_at_the_median(write_run, tmp_path):
    folder = write_run(tmp_path / "a", num_examples=30)
    latents = np.load(folder / "latents.npz")
    axes = figure_of(tmp_path).axes[0]
    assert [group.get_label() for group in axes.collections] == ["0", "1", "2"]
    assert len({tuple(group.get_facecolor()[0]) for group in axes.collections}) == 3
    assert len({group.get_paths()[0].vertices.tobytes() for group in axes.collections}) == 3
    for label, (group, text) in enumerate(zip(axes.collections, axes.texts, strict=True)):
        inside = latents["autoencoder"][latents["labels"] == label]
        np.testing.assert_allclose(group.get_offsets(), inside, rtol=1e-6)
        assert text.get_text() == str(label)
        np.testing.assert_allclose(text.get_position(), np.median(inside, axis=0), rtol=1e-6)


def test_many_latents_are_projected_as_scikit_learn_does(write_run, tmp_path):
    from sklearn.decomposition import PCA

    folder = write_run(tmp_path / "a", num_examples=40, settings={"model.latent_size": 5})
    latents = np.load(folder / "latents.npz")
    reference = PCA(n_components=2).fit(latents["autoencoder"].astype(float))
    expected = reference.transform(latents["autoencoder"])
    figure = figure_of(tmp_path)
    ours, theirs = figure.axes
    points = np.empty((40, 2))
    for label, group in enumerate(ours.collections):
        points[latents["labels"] == label] = group.get_offsets()
    # A direction may have either sign.
    np.testing.assert_allclose(points * np.sign((points * expected).sum(axis=0)), expected, atol=1e-6)
    shares = [f"{100 * share:.0f}" for share in reference.explained_variance_ratio_]
    assert ours.get_xlabel().replace("\n", " ") == f"1st principal direction ({shares[0]} % of variance)"
    assert ours.get_ylabel().replace("\n", " ") == f"2nd principal direction ({shares[1]} % of variance)"
    assert theirs.get_xlabel() == "component 1 of 5"
    np.testing.assert_allclose(in_order(points_of(theirs)), in_order(latents["pca"][:, :2]), rtol=1e-6)
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
    assert axes.get_xlabel() == "latent 1 of 5"
    latents = np.load(folder / "latents.npz")["autoencoder"]
    np.testing.assert_allclose(in_order(points_of(axes)), in_order(latents[:, :2]), rtol=1e-6)


def test_latents_that_do_not_vary_have_no_direction(write_run, tmp_path):
    folder = write_run(tmp_path / "a", settings={"model.latent_size": 3})
    arrays = dict(np.load(folder / "latents.npz"))
    np.savez(folder / "latents.npz", **arrays | {"autoencoder": np.ones((6, 3), np.float32)})
    assert "(0 % of variance)" in figure_of(tmp_path).axes[0].get_xlabel()


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
    assert figure.axes[0].get_title() == "dense autoencoder, test sse 2.5"
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
    assert figure.axes[0].get_title() == "dense autoencoder, test sse 2"
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
