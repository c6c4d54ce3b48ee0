"""Intervals and percentiles against values worked out elsewhere."""

import pytest

from src import stats


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
