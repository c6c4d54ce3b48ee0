"""Intervals are carried: never narrower than what they are made of, unknown where one part is."""

from joulemark.analysis import verdict
from joulemark.analysis.impact.amount import Amount, total
from joulemark.analysis.impact.text import Table, digits, energy, markdown


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


def test_numbers_have_sensible_digits_and_no_exponent():
    shown = {v: digits(v) for v in (0.00012345, 0.95, 0.999, 9.96, 12.3, 999.6, 123456.0, 5.9e8, 0.0)}
    assert list(shown.values()) == ["0.00012", "0.95", "1", "10", "12", "1,000", "120,000", "590 million", "0"]
    assert digits(None) == "-"
    assert [energy(wh) for wh in (0.0000001, 0.0123, 12.345, 51686000.0)] == [
        "0.1 µWh",
        "12.3 mWh",
        "12.3 Wh",
        "51.7 MWh",
    ]


def test_a_cell_can_neither_end_its_row_nor_its_column():
    text = markdown(Table("t", ("a", "b"), (("x|y", "1\n2"),), "note"))
    assert text == "**t**\n\n| a | b |\n| --- | --- |\n| x/y | 1 2 |\n\nnote"
