"""The interval decides the digits; without one a value has four."""

import math

import pytest

from ae_jax.results.digits import printed, printed_gap
from ae_jax.results.statistics import Estimate


def of(mean: float, low: float | None = None, high: float | None = None) -> Estimate:
    return Estimate(1 if low is None else 3, mean, mean, low, high)


@pytest.mark.parametrize(
    ("estimate", "value", "interval"),
    [
        (of(1.23456, 1.22, 1.25), "1.235", "[1.220, 1.250]"),  # half a width of 0.015
        (of(4.10496, 4.07152, 4.12622), "4.105", "[4.072, 4.126]"),
        (of(7.08, 4.65, 11.93), "7.1", "[4.7, 11.9]"),
        (of(-0.0307, -0.0372, -0.0235), "-0.0307", "[-0.0372, -0.0235]"),
        (of(1.0, 1.0 - 0.00996, 1.0 + 0.00996), "1.000", "[0.990, 1.010]"),  # 0.00996 is 0.010 in two digits
        (of(287.09, 7.97, 841.99), "290", "[10, 840]"),  # the last digit of 287 is noise
        (of(0.001, -0.02, 0.018), "0.001", "[-0.020, 0.018]"),
        (of(-0.0004, -0.11, 0.1), "0.00", "[-0.11, 0.10]"),  # no minus before zero
        (of(44.22820, 44.22816, 44.22824), "44.2282", "[44.2282, 44.2282]"),  # six digits at most: float32 has seven
        (of(2.0, 2.0, 2.0), "2.000", "[2.000, 2.000]"),
        (of(2328761.0, 214520.0, 6459720.0), "2.3e6", "[0.2e6, 6.5e6]"),
        (of(920548.0, 8.57, 2761627.0), "0.9e6", "[0.0e6, 2.8e6]"),  # one power for all three
        (of(3.21e-6, 3.05e-6, 3.4e-6), "3.21e-6", "[3.05e-6, 3.40e-6]"),
        (of(0.7311478), "0.7311", ""),
        (of(13.866), "13.87", ""),
        (of(43.6553), "43.66", ""),
        (of(1.0), "1.000", ""),
        (of(9.99996), "10.00", ""),
        (of(3864.0, 210.0, 71995.0), "3900", "[200, 72000]"),  # of a ratio: what is positive is not 0
        (of(0.0), "0", ""),
        (of(0.0, 0.0, 0.0), "0", "[0, 0]"),
        (of(12345.6), "12350", ""),
        (of(1e-4), "0.0001000", ""),
        (of(9.9e-5), "9.900e-5", ""),
        (of(1e6), "1000000", ""),
        (of(1.2345e7), "1.234e7", ""),
    ],
)
def test_digits(estimate, value, interval):
    assert printed(estimate) == (value, interval)


@pytest.mark.parametrize("mean", [1e-7, 3e-4, 0.5, 12.0, 9876.0, 4e8])
@pytest.mark.parametrize("relative", [1e-8, 1e-3, 0.0999, 0.7])
def test_what_is_printed_is_what_was_measured(mean, relative):
    """Within half a last digit, of which the half-width has at least two: the interval is never off by over 5 %."""
    low, high = mean * (1 - relative), mean * (1 + relative)
    value, interval = printed(of(mean, low, high))
    texts = [value, *interval.strip("[]").split(", ")]
    tolerance = max(0.05 * mean * relative, 1e-5 * mean) * 1.0001
    assert [float(text) for text in texts] == [pytest.approx(number, abs=tolerance) for number in (mean, low, high)]
    decimals = {len(text.partition("e")[0].partition(".")[2]) for text in texts}
    assert len(decimals) == 1
    assert ("e" in value) == (not 1e-4 <= high <= 1e6)


def test_no_digits_are_lost_to_the_power():
    assert math.isclose(float(printed(of(-2.5e9)).value), -2.5e9)


@pytest.mark.parametrize(
    ("ours", "theirs", "texts"),
    [
        (of(1.529, 1.472, 1.587), of(2.43308), ("1.529", "2.433")),
        (of(2.4327, 2.43179, 2.4336), of(2.43308), ("2.43270", "2.43308")),
        (of(12.5, 12.4, 12.6), of(2.433), ("12.500", "2.433")),
        (of(123.4, 100.0, 150.0), of(0.73115), ("123.400", "0.731")),  # six digits show three of the smaller
        (of(42242.0, 3600.0, 495681.0), of(2.43308), ("42000", "2.433")),  # they do not
        (of(-9082.9, -31452.1, 13286.4), of(0.4768), ("-9000", "0.4768")),
        (of(4.2e9, 1e9, 9e9), of(2.43308), ("4.2e9", "2.433")),
        (of(0.592530, 0.526, 0.667), of(1.942e-28), ("0.593", "0.000")),  # rounding, with as many components as pixels
        (of(0.5), of(0.0), ("0.5000", "0.0000")),
        (of(0.0), of(0.0), ("0", "0")),
        (of(3e-20, 2e-20, 4e-20), of(5e-20), ("3.000e-20", "5.000e-20")),  # data in units of their own
    ],
)
def test_two_that_stand_in_a_row_have_the_same_decimals(ours, theirs, texts):
    found = (printed(ours, beside=[theirs]).value, printed(theirs, beside=[ours]).value)
    assert found == texts


def test_a_ratio_above_a_million_is_no_more_than_that():
    assert printed_gap(of(3.04e27, 2.7e27, 3.4e27), 1.0) == (">1e6", "")
    assert printed_gap(of(3864.0, 210.0, 71995.0), 1.0) == ("3900", "[200, 72000]")
    assert printed_gap(of(3e7, 2e7, 4e7), 0.0).value == "3.0e7"
