"""A likelihood is of the data that there are, and gets as many numbers of each feature as it takes: or one line."""

import pytest

from ae_jax.errors import UserError
from ae_jax.experiment.build import build

ONE_NUMBER = """
from flax import nnx
from ae_jax.models.linear import LinearAutoencoder

class OneNumber(LinearAutoencoder):
    def __init__(self, *, feature_shape, latent_size: int, rngs: nnx.Rngs):
        super().__init__(feature_shape=feature_shape, latent_size=latent_size, code_width=1, rngs=rngs)
"""
LEVELS = "is the likelihood of data of 256 levels, 0, 1/255, …, 1; those of digits are others"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ("loss=bernoulli_nll",),
            "loss: is the likelihood of data that are 0 or 1, those of digits are not; draw them, ",
        ),
        (("loss=beta_binomial",), f"loss: {LEVELS}; give loss.num_levels=17"),
        (("loss=discretised_logistic",), f"loss: {LEVELS}; give loss.num_levels=17"),
        (("loss=gaussian_nll", "loss.scale=learned", "model.tied_weights=true"), "model.tied_weights: has no weights "),
        (("loss=gaussian_nll", "loss.scale=auto"), "loss.scale: input should be a valid number, .*; valid: learned"),
    ],
)
def test_what_does_not_fit_is_refused(overrides, line, compose):
    with pytest.raises(UserError, match=f"^{line}"):
        build(compose("model=dense", *overrides))


def test_a_model_that_makes_one_number_is_refused(compose, monkeypatch, tmp_path):
    (tmp_path / "own_one_number.py").write_text(ONE_NUMBER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AE_JAX_ALLOWED_TARGETS", "own_one_number")
    own = compose("model=linear", "model._target_=own_one_number.OneNumber", "loss=gaussian_nll", "loss.scale=learned")
    line = "^loss=gaussian_nll: takes 2 numbers of the decoder for each feature, .*; give .* a parameter output_width"
    with pytest.raises(UserError, match=line):
        build(own)
    own["loss"]["scale"] = 0.1
    assert build(own).loss.output_width == 1


def test_a_model_with_state_makes_as_many_numbers_as_the_loss_takes(compose):
    normed = ("model=dense", "model.hidden_sizes=[4]", "model.normalization=batch")
    experiment = build(compose(*normed, "loss=gaussian_nll", "loss.scale=learned"))
    assert experiment.loss.output_width == 2
    assert experiment.structure.couples


def test_what_fits_is_built(compose):
    for overrides in (
        ("loss=bernoulli_nll", "dataset.binarisation=dynamic"),
        ("loss=beta_binomial", "loss.num_levels=17"),
        ("loss=gaussian_nll", "loss.scale=1"),
    ):
        experiment = build(compose("model=linear", *overrides))
        assert experiment.loss.is_likelihood
        assert experiment.structure.binarises == ("dynamic" in overrides[1])
