"""How long the rest takes: by what was made, and of a long wait a line now and then."""

from joulemark.core.progress import QUIET_S, counted, time_left, to_make


def test_the_time_left_is_that_of_what_is_left_at_the_pace_of_what_was_made():
    assert time_left([10.0, 20.0], 4) == ", about 60 s left"
    assert time_left([60.0], 10) == ", about 10 min left"
    assert time_left([], 4) == time_left([1.0], 0) == ""


def test_a_long_wait_has_a_line_now_and_then_and_a_short_one_has_none():
    def waited(seconds_each):
        clock, said = iter(range(1000)), []
        items = list(range(100))
        made = list(counted(items, "records", said.append, lambda: next(clock) * seconds_each, of=100))
        assert made == items
        return said

    assert waited(QUIET_S / 1000) == []
    lines = waited(1.0)
    assert lines[0] == "[1/100, about 3 min left] records"
    assert 10 < len(lines) <= 100 / QUIET_S + 1


def test_where_nobody_knows_how_many_there_are_a_line_says_how_many_were():
    clock, said = iter(range(1000)), []
    pages = [[1] * 1000, [1] * 1000, [1] * 10]
    assert (
        list(counted(iter(pages), "runs read", said.append, lambda: next(clock) * QUIET_S, of=None, size=len)) == pages
    )
    assert said == ["[1000] runs read", "[2000] runs read"]


def test_what_is_to_be_made_is_said_with_what_its_limits_allow_or_with_when_it_is_known():
    assert to_make(8, [(5.0, 20.0), (10.0, 60.0)]) == ("8 runs to make: 60 s to 5 min of measuring, and starting each")
    assert to_make(1, [], ", 2 of 3 measured before") == (
        "1 run to make, 2 of 3 measured before; how long the rest takes is told once the first has ended"
    )
