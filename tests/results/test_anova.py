"""Analysis of variance: against published tables, and in unbalanced designs against models compared by hand."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import f as f_distribution
from scipy.stats import ncf

from ae_jax.results.anova import analyse, effect_columns, lost_to
from ae_jax.results.shares import share_interval

# Montgomery, *Design and Analysis of Experiments*, table 5.1: hours of batteries; material (rows) and temperature.
BATTERIES = [
    [[130, 155, 74, 180], [34, 40, 80, 75], [20, 70, 82, 58]],
    [[150, 188, 159, 126], [136, 122, 106, 115], [25, 70, 58, 45]],
    [[138, 110, 168, 160], [174, 120, 150, 139], [96, 104, 82, 60]],
]
# R's `warpbreaks` (Tukey 1977): breaks of wool A and B (rows) at low, medium and high tension.
WARP = [
    [
        [26, 30, 54, 25, 70, 52, 51, 26, 67],
        [18, 21, 29, 17, 12, 18, 35, 30, 36],
        [36, 21, 24, 18, 10, 43, 28, 15, 26],
    ],
    [
        [27, 14, 29, 19, 29, 31, 41, 20, 44],
        [42, 26, 19, 16, 39, 28, 21, 39, 29],
        [20, 21, 24, 17, 13, 15, 15, 16, 28],
    ],
]
# Box, Hunter & Hunter, *Statistics for Experimenters*, table 6.1: yield of penicillin; blends (rows) and treatments.
PENICILLIN = [(89, 88, 97, 94), (84, 77, 92, 79), (81, 87, 87, 85), (87, 92, 89, 84), (79, 81, 80, 88)]


def of_cells(cells):
    """Numbers, and the two levels of each, of a table of cells."""
    rows = [(value, a, b) for a, row in enumerate(cells) for b, cell in enumerate(row) for value in cell]
    y, a, b = np.array(rows, float).T
    return y, a.astype(int), b.astype(int)


def two_way(cells):
    y, a, b = of_cells(cells)
    codes = [effect_columns(levels, int(levels.max()) + 1) for levels in (a, b)]
    return analyse(y, codes, [(0, 1)])


def as_published(test, digits):
    return tuple(
        round(number, digit) for number, digit in zip((test.sum_of_squares, test.f, test.p), digits, strict=True)
    )


def test_montgomerys_battery_table():
    """His table 5.5: SS, F and P of material, temperature, their interaction, and the error with 27 degrees."""
    found = two_way(BATTERIES)
    material, temperature, crossed = *found.mains, found.interactions[0, 1]
    assert as_published(material, (2, 2, 4)) == (10683.72, 7.91, 0.0020)
    assert as_published(temperature, (2, 2, 4)) == (39118.72, 28.97, 0.0)
    assert as_published(crossed, (2, 2, 4)) == (9613.78, 3.56, 0.0186)
    assert [test.df for test in (material, temperature, crossed)] == [2, 2, 4]
    assert (found.df_error, round(found.mean_square * 27, 2)) == (27, 18230.75)
    assert material.eta_squared == pytest.approx(10683.72 / (10683.72 + 18230.75), rel=1e-6)
    assert material.omega_squared == pytest.approx(2 * (7.9114 - 1) / (2 * (7.9114 - 1) + 36), rel=1e-4)


def test_rs_table_of_warp_breaks():
    """`anova(lm(breaks ~ wool * tension, warpbreaks))`."""
    found = two_way(WARP)
    wool, tension, crossed = *found.mains, found.interactions[0, 1]
    assert as_published(wool, (1, 4, 6)) == (450.7, 3.7653, 0.058213)
    assert as_published(tension, (1, 4, 7)) == (2034.3, 8.4980, 0.0006926)
    assert as_published(crossed, (1, 4, 6)) == (1002.8, 4.1891, 0.021044)
    assert found.df_error == 48


def test_blocks_without_replicates():
    """Their table 6.3. One run in each cell: the interaction is the error."""
    found = two_way([[[cell] for cell in blend] for blend in PENICILLIN])
    blends, treatments = found.mains
    assert as_published(blends, (4, 2, 2)) == (264.0, 3.5, 0.04)
    assert as_published(treatments, (4, 2, 2)) == (70.0, 1.24, 0.34)
    assert (found.interactions, found.df_error) == ({}, 12)
    assert found.mean_square == pytest.approx(226 / 12)


def squared_error(y, *columns):
    design = np.hstack([np.ones((len(y), 1)), *columns])
    return ((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum(), np.linalg.matrix_rank(design)


def test_an_unbalanced_design_is_a_comparison_of_models():
    """Three factors, a cell that was never run, and others run once or thrice."""
    rng = np.random.default_rng(0)
    cells = [cell for cell in product(range(3), range(2), range(4)) if cell != (1, 1, 2)]
    levels = np.array([cell for cell in cells for _ in range(rng.integers(1, 4))])
    y = rng.normal(size=len(levels)) + levels @ [1.0, 0.0, 0.5] + levels[:, 0] * levels[:, 1]
    dummies = [np.eye(size)[levels[:, at]] for at, size in enumerate((3, 2, 4))]
    pairs = list(combinations(range(3), 2))
    products = {(a, b): (dummies[a][:, :, None] * dummies[b][:, None, :]).reshape(len(y), -1) for a, b in pairs}
    found = analyse(y, [effect_columns(levels[:, at], size) for at, size in enumerate((3, 2, 4))], pairs)

    whole, rank = squared_error(y, *products.values())
    assert found.df_error == len(y) - rank
    assert found.mean_square == pytest.approx(whole / (len(y) - rank))
    additive, rank_additive = squared_error(y, *dummies)
    comparisons = [
        (found.mains[at], *squared_error(y, *dummies[:at], *dummies[at + 1 :]), additive, rank_additive)
        for at in range(3)
    ]
    for pair in pairs:
        others = [columns for other, columns in products.items() if other != pair]
        comparisons.append((found.interactions[pair], *squared_error(y, *others), whole, rank))
    for test, without, rank_without, within, rank_within in comparisons:
        df = rank_within - rank_without
        f = ((without - within) / df) / found.mean_square
        assert (test.df, test.f) == (df, pytest.approx(f))
        assert test.p == pytest.approx(f_distribution.sf(f, df, found.df_error))


def test_confounded_factors_are_told():
    a = np.array([0, 0, 1, 1, 2, 2])
    b = np.array([0, 0, 0, 0, 1, 1])
    codes = [effect_columns(levels, int(levels.max()) + 1) for levels in (a, b, np.array([0, 1, 0, 1, 0, 1]))]
    found = analyse(np.array([1.0, 1.1, 2.0, 2.1, 5.0, 5.2]), codes)
    assert found.dfs == [1, 0, 1]
    assert found.mains[1] is None
    assert [lost_to(codes, at) for at in range(3)] == [[1], [0], []]
    assert found.marginal([codes[0][0], np.zeros(1), np.zeros(1)]) is None


def test_interactions_that_imitate_each_other_are_left_out():
    """Half of a 2^4 grid, D = ABC: AB = CD, AC = BD and AD = BC."""
    half = np.array([(a, b, c, (a + b + c) % 2) for a, b, c in product(range(2), repeat=3)] * 3)
    codes = [effect_columns(half[:, at], 2) for at in range(4)]
    found = analyse(np.random.default_rng(0).normal(size=24), codes, list(combinations(range(4), 2)))
    assert (found.interactions, found.df_error) == ({}, 19)


def test_no_error_at_all_is_no_chance():
    a, b = (np.array(levels) for levels in ([0, 0, 1, 1] * 3, [0, 1] * 6))
    found = analyse(3.0 * a, [effect_columns(a, 2), effect_columns(b, 2)], rounding=1e-9)
    assert found.mains[0][3:] == (np.inf, 0.0, 1.0, 1.0, 1.0, 1.0)
    assert found.mains[1][3:] == (0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("df", "df_error", "num"), [(1, 24, 36), (5, 4, 12), (20, 60, 100), (2, 500, 600)])
def test_the_interval_is_that_of_the_noncentral_f(df, df_error, num):
    for f in (0.3, 1.0, 3.0, 1121.0):
        low, high = share_interval(f, df, df_error, num)
        ends = [num * share / (1 - share) for share in (low, high)]
        for end, expected in zip(ends, (0.975, 0.025), strict=True):
            if end > 0:
                assert ncf.cdf(f, df, df_error, end) == pytest.approx(expected, abs=1e-6)
            else:
                assert f_distribution.cdf(f, df, df_error) <= expected
        omega = max(0, df * (f - 1)) / (max(0, df * (f - 1)) + num)
        assert low <= omega <= high


def test_very_large_f_keep_their_interval():
    """Where the noncentral F is out of reach, what replaces it joins on without a step."""
    below, above = (share_interval(f, 1, 20, 30) for f in (0.999e7, 1.001e7))
    for one, other in zip(below, above, strict=True):
        assert (1 - one) / (1 - other) == pytest.approx(1.002, rel=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_the_interval_covers_the_share(share):
    """95 % of the intervals; 97.5 % at a share of 0, of which one end only can miss."""
    rng = np.random.default_rng(0)
    df, df_error, num = 2, 12, 15
    drawn = rng.noncentral_chisquare(df, num * share / (1 - share), 1000) if share else rng.chisquare(df, 1000)
    ratios = (drawn / df) / (rng.chisquare(df_error, 1000) / df_error)
    ends = [share_interval(f, df, df_error, num) for f in ratios]
    covered = np.mean([low <= share <= high for low, high in ends])
    assert covered == pytest.approx(0.975 if share == 0 else 0.95, abs=0.02)
