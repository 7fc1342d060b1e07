"""One wording for each key of the config."""

import pytest

from ae_jax.results.keys import component_name, key_name, key_names, noise_words, value_names


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
    assert key_name("corruption.rate", [{"corruption": "salt_and_pepper"}]) == "noise (salt and pepper) rate"
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


def test_a_component_from_elsewhere_is_called_by_the_last_part_of_its_name():
    assert component_name("my.models.WideAutoencoder") == "Wide"
    assert component_name("dense") == "dense"
    assert component_name("a value. With a stop") == "a value. With a stop"


def test_short_names_of_values_tell_them_apart():
    assert value_names(["my.Wide", "dense", 0.001, [1, 2], None]) == {
        "my.Wide": "Wide",
        "dense": "dense",
        "0.001": "0.001",
        "[1,2]": "[1,2]",
        "null": "null",
    }
    assert value_names(["my.Wide", "your.Wide"]) == {"my.Wide": "my.Wide", "your.Wide": "your.Wide"}


def test_noise_in_words_has_what_all_runs_have_the_same_of():
    one, other = ({"corruption": "gaussian", "corruption.scale": scale, "corruption.mean": 0} for scale in (0.1, 0.3))
    assert noise_words([one]) == "noise (gaussian), scale 0.1, mean 0"
    assert noise_words([one, other]) == "noise (gaussian), mean 0"
