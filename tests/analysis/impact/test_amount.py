"""Intervals are carried: never narrower than what they are made of, unknown where one part is."""

from joulemark.analysis import verdict
from joulemark.analysis.impact.amount import Amount, total


def test_a_sum_is_as_unsure_as_all_its_parts_together():
    assert total([Amount(10, 9, 11), Amount(5, 3, 7)]) == Amount(15, 12, 18)
    assert total([Amount(10, 9, 11), Amount(5)]) == Amount(15)
    assert total([]) == Amount(0, 0, 0)


def test_an_interval_grows_with_the_quantity_and_never_falls_below_zero():
    assert Amount.of(10, 1).times(3) == Amount(30, 27, 33)
    assert Amount.of(1, 2) == Amount(1, 0, 3)
    assert Amount.of(10, None).times(2) == Amount(20)


def test_how_often_a_quantity_goes_into_another_turns_its_ends_around():
    assert Amount(4, 2, 5).into(20) == Amount(5, 4, 10)
    assert Amount(4, 0, 8).into(20) == Amount(5)  # it may take nothing: how often nobody knows
    assert Amount(0, 0, 0).into(20) is None


def test_intervals_that_meet_tie_and_those_that_are_not_known_say_nothing():
    assert verdict.lower(Amount(1, 0.9, 1.1), Amount(2, 1.9, 2.1)) == "A"
    assert verdict.lower(Amount(2, 1.9, 2.1), Amount(1, 0.9, 1.1)) == "B"
    assert verdict.lower(Amount(1, 0.9, 1.5), Amount(2, 1.5, 2.1)) == "tie"
    assert verdict.lower(Amount(1), Amount(2, 1.9, 2.1)) == "unknown"
    assert verdict.lower(Amount(1), Amount(1)) == "tie"
