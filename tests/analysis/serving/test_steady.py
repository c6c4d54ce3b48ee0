"""The steady part begins with the last of so many first tokens, and ends when all but so many are done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulemark.analysis.serving.columns import columns
from joulemark.analysis.serving.power import Power
from joulemark.analysis.serving.steady import steady_window
from joulemark.core.traffic import Timing
from tests.analysis.serving.timings import answered, concurrent, unhurried

GPU = {"gpu": Power((0.0, 10.0), (0.0, 1000.0), "mean_power", "counter", 40.0, 0.1)}


def test_a_closed_loop_by_hand():
    # two users, three requests of 1 s each; the second user comes half a second later; first tokens after 0.25 s
    found, reason = steady_window(columns(concurrent(2, 3)), 2, GPU)
    assert reason is None
    assert (found.start_s, found.end_s) == (0.75, 2.5)  # 0.5 + 0.25; four of six are done at 2.5
    assert found.requests == 4  # at 1, 1.5, 2 and 2.5
    # each has 11 tokens, ten of them evenly from 0.25 to 1: the first user's 10 / 3, 11, and 1 + 10 / 3 until 2.5;
    # the second's 11 (its first token opens the part), 11 (until 2.5) and none
    assert found.output_tokens == round(10 / 3 + 11 + 1 + 10 / 3 + 11 + 11)
    assert found.joules == {"gpu": pytest.approx(175.0)}
    assert found.method == {"gpu": "mean_power"}


def test_a_power_trace_gives_the_joules_of_the_part_itself():
    power = {"gpu": Power((0.0, 1.0, 2.0, 3.0), (0.0, 0.0, 300.0, 300.0), "trace", "counter", None, 0.1)}
    found, _ = steady_window(columns(concurrent(2, 3)), 2, power)
    assert found.joules == {"gpu": pytest.approx(300.0)}
    assert found.method == {"gpu": "trace"}


WITHOUT = [
    ([], 4, "no request"),
    ([Timing(0, 0, 0.0)], 1, "no request"),
    (concurrent(2, 3), 6, "too few requests"),
    (concurrent(2, 2), 3, "over before"),
    ([answered(n, first_s=None) for n in range(9)], 2, "whole"),
    ([answered(n, n, first_s=n + 0.5, finished_s=n + 1, tokens=(4, None)) for n in range(9)], 2, "not counted"),
]


@pytest.mark.parametrize(("timings", "concurrency", "reason"), WITHOUT)
def test_where_traffic_never_got_there_the_reason_is_told(timings, concurrency, reason):
    found, told = steady_window(columns(timings), concurrency, GPU)
    assert found is None
    assert reason in told


@unhurried
@given(st.integers(1, 20), st.integers(3, 8), st.floats(0.01, 0.99), st.integers(1, 500))
def test_the_part_holds_no_more_than_the_whole(users, each, first, tokens):
    timings = concurrent(users, each, 1.0, first, (10, tokens))
    found, reason = steady_window(columns(timings), users, GPU)
    assert reason is None
    assert 0 <= found.start_s < found.end_s
    assert found.output_tokens <= len(timings) * tokens
    assert found.requests <= len(timings) - users
    # full all the time: so many tokens a second as the users have together, but for rounding at the two edges
    rate = users * tokens
    assert found.output_tokens == pytest.approx(rate * (found.end_s - found.start_s), abs=2 * rate)
