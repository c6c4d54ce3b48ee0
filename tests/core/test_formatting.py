"""Numbers for people: digits that mean something, units that fit, nothing invented."""

import pytest

from joulemark.core import formatting
from joulemark.core.formatting import UNKNOWN, digits, rounded, wh_rounded


def test_a_sentence_has_few_digits_no_exponent_and_millions_in_words():
    shown = [rounded(v) for v in (0.00012345, 0.95, 0.999, 9.96, 12.3, 999.6, 123456.0, 5.9e8, 0.0)]
    assert shown == ["0.00012", "0.95", "1", "10", "12", "1,000", "120,000", "590 million", "0"]
    assert [wh_rounded(wh) for wh in (0.0000001, 0.0123, 12.345, 51686000.0)] == [
        "0.1 µWh", "12.3 mWh", "12.3 Wh", "51.7 MWh",
    ]  # fmt: skip


@pytest.mark.parametrize("value", [1234.5, 1.0, 0.999999, 1e-9, 7e8, -3.2])
def test_as_many_digits_as_requested_give_the_number_again(value):
    for count in (2, 3, 5):
        shown = float(digits(value, count).replace(",", ""))
        assert shown == pytest.approx(value, rel=0.5 * 10 ** (1 - count))


@pytest.mark.parametrize(
    "write",
    [
        digits, rounded, wh_rounded, formatting.quantity, formatting.wh, formatting.seconds, formatting.mass,
        formatting.size, formatting.count, formatting.percent, formatting.times, formatting.mass_rounded,
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_available_and_never_a_number(write):
    assert write(None) == UNKNOWN == "n/a"


def test_an_interval_has_the_unit_and_places_of_its_mean():
    assert formatting.plus_minus(0.00596, 0.000036) == "5.96 ± 0.04 mWh"
    assert formatting.plus_minus(0.00596, 0.0000036) == "5.96 ± 0.004 mWh"
    assert formatting.plus_minus(2.0, None) == "2.00 Wh (no interval)"


def test_the_largest_unit_of_which_there_is_one_is_chosen():
    assert formatting.unit_for(999.0, formatting.WH) == (1.0, "Wh")
    assert formatting.unit_for(999.9, formatting.WH) == (1e3, "kWh")  # 1.00 kWh, not 1,000 Wh
    assert formatting.unit_for(1e-12, formatting.WH) == (1e-6, "µWh")
    assert formatting.unit_for(0.0, formatting.WH) == (1.0, "Wh")


@pytest.mark.parametrize(
    "sign", ["\x1b[2J", "\x1b]0;x\x07", "\r", "\x9b", "\x7f", "\u202e", "\u2066", "\u200f", "\u2028", "\x08"]
)
def test_nothing_in_a_name_acts_on_a_terminal_or_turns_text_around(sign):
    shown = formatting.visible(f"a{sign}b")
    assert shown.isprintable()
    assert (shown[0], shown[-1]) == ("a", "b")
    assert shown[1] == "\\"


def test_text_of_any_language_is_shown_as_it_is():
    text = "naïve 日本語 עברית العربية 👩‍🔬\tcolumn\n"
    assert formatting.visible(text) == text


def test_a_multiple_has_its_interval_in_digits_of_its_own_where_both_ends_are_known():
    assert formatting.times(1.834, 1.789, 1.871) == "1.83× (1.79× to 1.87×)"
    for low, high in ((None, None), (1.789, None), (None, 1.871)):
        assert formatting.times(1.834, low, high) == "1.83×"
    assert formatting.times(None, 1.0, 2.0) == "n/a"


def test_a_count_is_followed_by_its_noun_in_the_number_that_it_takes():
    nouns = [(0, "run"), (1, "run"), (2000, "run"), (0, "process"), (1, "process"), (3, "process")]
    assert [formatting.many(*each) for each in nouns] == [
        "0 runs", "1 run", "2,000 runs", "0 processes", "1 process", "3 processes"
    ]  # fmt: skip
