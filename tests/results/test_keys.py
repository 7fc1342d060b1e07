"""One wording for each key of the config."""

import pytest

from ae_jax.results.keys import key_name, key_names


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("model.latent_size", "latent size"),
        ("optimizer.learning_rate", "learning rate"),
        ("optimizer.momentum", "optimizer momentum"),
        ("model", "model"),
        ("corruption", "corruption"),
        ("corruption.scale", "noise scale"),
    ],
)
def test_a_key_is_called_by_its_last_part_where_that_says_enough(key, name):
    assert key_name(key) == name


def test_the_noise_is_named_where_all_have_the_same():
    gaussian, none = ({"corruption": kind} for kind in ("gaussian", "none"))
    assert key_name("corruption.scale", [gaussian, none]) == "noise (gaussian) scale"
    assert key_name("corruption.scale", [gaussian, {"corruption": "my.noises.speckle"}]) == "noise scale"
    assert key_name("corruption.scale", [{"corruption": "my.noises.speckle"}]) == "noise (speckle) scale"


def test_keys_that_would_be_called_the_same_keep_their_whole_name():
    keys = ["model.hidden_sizes", "decoder.hidden_sizes", "model.latent_size"]
    assert key_names(keys) == {
        "model.hidden_sizes": "model.hidden_sizes",
        "decoder.hidden_sizes": "decoder.hidden_sizes",
        "model.latent_size": "latent size",
    }
