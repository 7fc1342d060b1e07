"""Reverse water-filling against a search for the water level."""

import numpy as np
import pytest
from scipy.optimize import brentq

from ae_jax.results.rate_distortion import normal_distortion

VARIANCES = np.random.default_rng(0).gamma(0.5, size=30)


@pytest.mark.parametrize("rate", [0.1, 1.0, 7.3, 40.0, 400.0])
def test_it_is_what_a_search_for_the_level_finds(rate):
    def excess(level):
        return np.maximum(0, 0.5 * np.log2(VARIANCES / level)).sum() - rate

    level = brentq(excess, 1e-40, VARIANCES.max(), xtol=1e-45, rtol=1e-14)
    expected = np.minimum(level, VARIANCES).sum()
    assert normal_distortion(VARIANCES, np.array([rate]))[0] == pytest.approx(expected, rel=1e-9)


def test_no_bits_leave_all_variance_and_two_a_fourth_for_each_bit():
    np.testing.assert_allclose(normal_distortion(VARIANCES, np.zeros(1)), VARIANCES.sum())
    np.testing.assert_allclose(normal_distortion(np.array([3.0, 0.0]), np.arange(4.0)), 3.0 / 4.0 ** np.arange(4))
    assert normal_distortion(np.zeros(3), np.arange(2.0)).tolist() == [0, 0]


def test_more_bits_leave_less_and_the_order_does_not_matter():
    rates = np.linspace(0, 100, 300)
    errors = normal_distortion(VARIANCES, rates)
    assert (np.diff(errors) < 0).all()
    np.testing.assert_array_equal(errors, normal_distortion(VARIANCES[::-1], rates))
