"""How long the rest takes: by what was made, and of a long wait a line now and then."""

from joulemark.core.progress import QUIET_S, counted, time_left


def test_the_time_left_is_that_of_what_is_left_at_the_pace_of_what_was_made():
    assert time_left([10.0, 20.0], 4) == ", about 60 s left"
    assert time_left([60.0], 10) == ", about 10 min left"
    assert time_left([], 4) == time_left([1.0], 0) == ""


def test_a_long_wait_has_a_line_now_and_then_and_a_short_one_has_none():
    def waited(seconds_each):
        clock, said = iter(range(1000)), []
        items = list(range(100))
        made = list(counted(items, "records", said.append, lambda: next(clock) * seconds_each))
        assert made == items
        return said

    assert waited(QUIET_S / 1000) == []
    lines = waited(1.0)
    assert lines[0] == "[1/100, about 3 min left] records"
    assert 10 < len(lines) <= 100 / QUIET_S + 1
