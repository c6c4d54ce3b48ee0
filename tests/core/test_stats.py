"""Intervals and percentiles against values worked out elsewhere."""

import random

import pytest

from joulemark.core import stats


def test_the_interval_is_students_t():
    # 1, 2, 3: sd 1, t(0.975, 2) = 4.30265; the half-width is t / sqrt(3)
    found = stats.estimate([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.relative == pytest.approx(found.half_width / 2)


def test_one_value_has_no_interval_and_none_has_no_mean():
    assert stats.estimate([5.0]).half_width is None
    assert stats.estimate([5.0]).relative is None
    assert stats.estimate([]) is None


def test_equal_values_have_an_interval_of_no_width():
    assert stats.estimate([5.0, 5.0]).half_width == 0.0


def test_a_batch_weighs_as_many_requests_as_it_holds():
    # one request at 1 s and nine at 2 s
    assert stats.percentiles([1.0, 2.0], [1, 9], [50, 99]) == [2.0, 2.0]
    assert stats.percentiles([1.0, 2.0], [9, 1], [50]) == [1.0]


DRAW = random.Random(1)
ONE, OTHER = [DRAW.gauss(10, 0.2) for _ in range(5)], [DRAW.gauss(11, 0.5) for _ in range(8)]


def test_the_difference_of_known_normals_has_the_interval_of_welch():
    from math import sqrt
    from statistics import fmean, variance

    from scipy.special import stdtrit

    found = stats.difference(ONE, OTHER)
    a, b = variance(ONE) / 5, variance(OTHER) / 8
    freedom = (a + b) ** 2 / (a**2 / 4 + b**2 / 7)  # Welch and Satterthwaite
    half = stdtrit(freedom, 0.975) * sqrt(a + b)
    gap = fmean(ONE) - fmean(OTHER)
    assert (found.difference, found.low, found.high) == pytest.approx((gap, gap - half, gap + half))
    assert found.sign == -1


def test_exchanging_two_runs_negates_their_difference_and_inverts_their_ratio():
    found, other = stats.difference(ONE, OTHER), stats.difference(OTHER, ONE)
    assert (other.difference, other.low, other.high) == pytest.approx((-found.difference, -found.high, -found.low))
    inverted = (1 / found.ratio, 1 / found.ratio_high, 1 / found.ratio_low)
    assert (other.ratio, other.ratio_low, other.ratio_high) == pytest.approx(inverted)
    assert other.sign == -found.sign


def test_a_change_of_scale_leaves_the_ratio_and_its_interval_alone():
    found = stats.difference(ONE, OTHER)
    scaled = stats.difference([7 * v for v in ONE], [7 * v for v in OTHER])
    assert (scaled.ratio, scaled.ratio_low, scaled.ratio_high) == pytest.approx(
        (found.ratio, found.ratio_low, found.ratio_high)
    )


def test_the_intervals_hold_the_truth_in_95_of_100_draws():
    draw = random.Random(3)
    hits = ratios = 0
    for _ in range(400):
        a, b = [draw.gauss(100, 2) for _ in range(5)], [draw.gauss(110, 4) for _ in range(7)]
        found = stats.difference(a, b)
        hits += found.low <= -10 <= found.high
        ratios += found.ratio_low <= 100 / 110 <= found.ratio_high
    assert 0.92 <= hits / 400 <= 0.98
    assert 0.92 <= ratios / 400 <= 0.98


def test_values_against_themselves_differ_by_nothing_also_without_any_spread():
    for values in (ONE, [5.0, 5.0]):
        found = stats.difference(values, values)
        assert (found.difference, found.ratio, found.sign) == (0.0, 1.0, 0)
    assert stats.difference([5.0, 5.0], [6.0, 6.0]).sign == -1


def test_one_value_leaves_the_interval_unknown_and_none_the_difference():
    found = stats.difference([5.0], [6.0, 6.1])
    assert (found.low, found.high, found.ratio_low, found.sign) == (None, None, None, None)
    assert found.ratio == pytest.approx(5 / 6.05, rel=1e-3)
    assert stats.difference([], [1.0]) is None


def test_a_value_that_is_not_above_zero_has_no_ratio():
    assert stats.difference([0.0, 1.0], [2.0, 3.0]).ratio is None
