"""A published number stands beside a row only where dataset, latent size, split and measure agree."""

import pytest

from ae_jax.tables.parts.base import MISSING
from ae_jax.tables.published import PUBLISHED, cited, shown

MNIST = {"dataset._target_": "ae_jax.datasets.mnist.mnist", "model.latent_size": 30}
RUN = {"dataset": "mnist", "feature_shape": (28, 28)}
HINTON = "Hinton & Salakhutdinov 2006, Science 313:504"


def published_cells(table):
    places = [place for place, column in enumerate(table.columns) if column.title == "published"]
    return [[(row[place].value, row[place].mark) for place in places] for row in table.rows]


def test_beside_mnist_with_thirty_on_test(make_results, seeds, build_table):
    other = MNIST | {"model.latent_size": 16}
    results = make_results(*seeds(3.0, 3.1, settings=MNIST, **RUN), *seeds(5.0, settings=other, **RUN))
    table = build_table("comparison", results)
    assert published_cells(table) == [[(MISSING, "")] * 2, [("3.00", "a"), ("13.87, 8.01", "b")]]
    assert [note.text for note in table.notes if note.mark] == [
        f"{HINTON}: 3.00 (autoencoder 784-1000-500-250-30)",
        f"{HINTON}: 13.87 (PCA), 8.01 (logistic PCA)",
    ]
    titles = [column.title for column in table.columns if column.group == "sse, per example"]
    assert titles == ["autoencoder", "published", "PCA", "published", "ratio"]


def test_beside_training_error(make_results, seeds, build_table):
    table = build_table("comparison", make_results(*seeds(3.0, settings=MNIST, **RUN)), split="train")
    assert published_cells(table) == [[("0.69\N{EN DASH}2.1", "a")]]
    assert "2013, ICML, Table 1" in table.notes[-1].text
    assert "0.69 (Hessian-free)" in table.notes[-1].text


@pytest.mark.parametrize(
    ("settings", "run", "changed"),
    [
        (MNIST | {"model.latent_size": 29}, RUN, {}),
        (MNIST, RUN | {"dataset": "fashion_mnist"}, {}),
        (MNIST | {"dataset._target_": "ae_jax.datasets.array.array"}, RUN, {}),  # a file called mnist
        (MNIST, RUN, {"split": "validation"}),
        (MNIST, RUN, {"measures": ["mse", "explained_variance", "psnr", "bce"]}),
    ],
)
def test_not_where_anything_differs(settings, run, changed, make_results, seeds, build_table):
    table = build_table("comparison", make_results(*seeds(3.0, 3.1, settings=settings, **run)), **changed)
    assert published_cells(table) == [[]]
    assert not any(note.mark or "ublished" in note.text for note in table.notes)


def test_the_facts():
    """As in the papers: Hinton & Salakhutdinov 2006, p. 506; Sutskever et al. 2013, Table 1."""
    test = {one.how: one.value for one in PUBLISHED if one.split == "test"}
    assert test == {"autoencoder 784-1000-500-250-30": "3.00", "logistic PCA": "8.01", "PCA": "13.87"}
    train = [one.value for one in PUBLISHED if one.split == "train"]
    assert train == ["0.69", "1.0", "0.73", "0.75", "0.80", "1.0", "0.77", "0.84", "0.90", "2.1"]


def test_two_sources_are_both_cited():
    one = PUBLISHED[0]._replace(value="1", how="net", source="A")
    numbers = (one, one._replace(value="2", source="B"))
    assert (shown(numbers), cited(numbers)) == ("1, 2", "A: 1 (net); B: 2 (net)")
