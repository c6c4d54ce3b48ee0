"""The traffic as a whole is what its requests were: counted, never dropped, and never made up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulemark.analysis.serving import gaps as sketch
from joulemark.analysis.serving.columns import columns
from joulemark.analysis.serving.gaps import Gaps
from joulemark.analysis.serving.traffic import peak_concurrency
from joulemark.core.ranks import MOST, spread
from joulemark.core.serving import Limits, Schedule
from joulemark.core.traffic import OUTCOMES, Timing
from tests.analysis.serving.timings import answered, concurrent, summary, timing, unhurried

OPEN = Schedule(requests=4, at_s=(0.0, 1.0, 2.0, 4.0))


def four() -> list[Timing]:
    return [
        answered(0, 0.0, 0.0, 0.5, 2.0, (8, 4)),  # TTFT 0.5, TPOT 0.5, latency 2
        answered(1, 1.0, 1.25, 1.5, 3.0, (8, 2)),  # TTFT 0.5, TPOT 1.5, latency 2, waited 0.25
        Timing(2, 2, 2.0, 2.0, None, 5.0, "failed", "503"),
        Timing(3, 3, 4.0, 4.0, 6.0, 8.0, "timed_out", None, 8, 3),
    ]


def test_a_case_by_hand():
    found = summary(four(), Limits(ttft_s=1.0, tpot_s=1.0), OPEN, token_count="usage")
    assert (found.sent, found.answered, found.failed, found.timed_out, found.unsent) == (4, 2, 1, 1, 0)
    assert found.duration_s == 8.0
    assert found.asked_per_s == 3 / 4
    assert list(found.ttft_s) == [0.5, 0.5]
    assert list(found.tpot_s) == [0.5, 1.5]
    assert list(found.latency_s) == [2.0, 2.0]
    assert (found.input_tokens, found.output_tokens) == (16, 6)
    assert found.waiting_s == 0.25 / 4
    assert found.mean_concurrency == pytest.approx((2 + 1.75 + 3 + 4) / 8)
    assert found.busy_share == 1.0
    assert (found.good, found.good_tokens) == (1, 4)
    assert found.within == {"ttft_s": 2, "tpot_s": 1}
    assert found.reasons == {"503": 1}
    assert peak_concurrency(columns(four())) == 2


def test_a_moment_without_requests_is_not_busy():
    found = summary([answered(0, 0.0, finished_s=1.0), answered(1, 3.0, finished_s=4.0)], Limits(), OPEN)
    assert found.busy_share == 0.5


def test_requests_that_begin_and_end_within_another_are_busy_once():
    moments = [(0.0, 4.0), (1.0, 2.0), (3.0, 3.5), (8.0, 10.0)]
    found = summary([answered(0, sent_s, finished_s=ended_s) for sent_s, ended_s in moments], Limits(), OPEN)
    assert found.busy_share == pytest.approx(0.6)


def test_reasons_beyond_the_most_frequent_are_counted_together():
    failed = [Timing(n, n, 0.0, 0.0, None, 1.0, "failed", f"reason {n}") for n in range(25)]
    reasons = summary([*failed, failed[7]], Limits(), OPEN).reasons
    assert reasons["reason 7"] == 2
    assert reasons["other reasons"] == 5
    assert sum(reasons.values()) == 26


def test_what_cannot_be_known_is_none():
    whole = answered(0, 0.0, first_s=None)  # came whole
    found = summary([whole, four()[0]], Limits(ttft_s=1.0), OPEN)
    assert (found.good, found.good_tokens, found.within) == (None, None, {})
    assert summary([whole], Limits(), OPEN).good is None  # no limits
    assert summary([answered(first_s=0.5, tokens=(None, 3))], Limits(), OPEN).input_tokens is None
    assert summary([], Limits(), Schedule(0)).mean_concurrency is None


def test_an_answer_that_broke_a_limit_is_not_good_whatever_else_is_unknown():
    slow = answered(0, 0.0, first_s=None, finished_s=9.0)
    found = summary([slow, four()[0]], Limits(ttft_s=1.0, latency_s=3.0), OPEN)
    assert found.good == 1
    assert found.within == {"latency_s": 1}


def test_an_answer_of_one_token_keeps_every_limit_of_the_time_per_token():
    assert summary([answered(first_s=0.5, tokens=(5, 1))], Limits(tpot_s=0.001), OPEN).good == 1


@unhurried
@given(st.lists(timing(), min_size=1, max_size=30), st.floats(0.001, 10), st.floats(0.001, 10))
def test_no_request_is_dropped_and_goodput_is_no_more_than_what_was_answered(timings, ttft_s, latency_s):
    found = summary(timings, Limits(ttft_s=ttft_s, latency_s=latency_s), Schedule(len(timings)))
    assert sum(getattr(found, name) for name in OUTCOMES) == len(timings)
    assert found.good is not None
    assert found.good <= min(found.within.values())
    assert max(found.within.values(), default=0) <= found.answered
    assert found.good == sum(
        each.ttft_s <= ttft_s and each.latency_s <= latency_s for each in timings if each.outcome == "answered"
    )
    assert found.busy_share is None or 0 <= found.busy_share <= 1
    assert len(found.latency_s) == found.answered
    assert sum(found.reasons.values()) == found.failed


@unhurried
@given(st.lists(timing(), max_size=30))
def test_the_peak_is_the_most_that_were_under_way_at_any_moment_that_one_began(timings):
    under = [each for each in timings if each.sent_s is not None and each.finished_s > each.sent_s]
    slow = max(
        (sum(other.sent_s <= each.sent_s < other.finished_s for other in under) for each in under),
        default=0,
    )
    assert peak_concurrency(columns(under)) == slow


def queue(rate: float, service_s: float, count: int = 400, drop: int = 0) -> list[Timing]:
    """One server, evenly spaced requests, the answers in their order."""
    free_s, timings = 0.0, []
    for number in range(count):
        due_s = number / rate
        free_s = max(free_s, due_s) + service_s
        timings.append(answered(number, due_s, first_s=free_s, finished_s=free_s))
    return [*timings[: count - drop], *(Timing(n, n, n / rate) for n in range(count - drop, count))]


@pytest.mark.parametrize(("service_s", "share"), [(0.05, 1.0), (0.099, 1.0), (0.125, 0.8), (0.2, 0.5)])
def test_what_an_overloaded_engine_keeps_up_with_is_its_capacity(service_s, share):
    at_s = [number / 10 for number in range(400)]
    found = summary(queue(10.0, service_s), Limits(), Schedule(400, at_s))
    assert found.asked_per_s == pytest.approx(10.0)
    assert found.kept_up == pytest.approx(share)


def test_requests_that_were_never_answered_were_not_kept_up_with():
    at_s = [number / 10 for number in range(400)]
    assert summary(queue(10.0, 0.05, drop=100), Limits(), Schedule(400, at_s)).kept_up == pytest.approx(0.75)


def test_scatter_of_long_and_short_answers_is_no_overload():
    drawn = np.random.default_rng(7).lognormal(0, 1, 300)
    timings = [answered(n, n / 10, first_s=n / 10 + 0.1, finished_s=n / 10 + 0.1 + drawn[n]) for n in range(300)]
    assert summary(timings, Limits(), Schedule(300, [n / 10 for n in range(300)])).kept_up > 0.95


def test_growth_within_the_scatter_of_few_answers_is_no_overload():
    drawn = np.random.default_rng(3).lognormal(0, 1, 60)
    due_s = [n / 10 for n in range(60)]
    timings = [answered(n, at_s, first_s=at_s, finished_s=at_s + drawn[n]) for n, at_s in enumerate(due_s)]
    assert summary(timings, Limits(), Schedule(60, due_s)).kept_up == 1.0


def test_an_engine_that_fills_up_and_stays_full_is_no_overload():
    # 5 s for the first, 8 s for all from the moment that the first are done
    timings = [answered(n, n / 10, first_s=n / 10, finished_s=n / 10 + min(8.0, 5 + n * 0.06)) for n in range(200)]
    assert summary(timings, Limits(), Schedule(200, [n / 10 for n in range(200)])).kept_up == pytest.approx(1.0)


def test_too_few_answers_tell_nothing_of_a_queue():
    timings = queue(10.0, 0.2, count=10)
    assert summary(timings, Limits(), Schedule(10, [n / 10 for n in range(10)])).kept_up is None


def test_a_closed_loop_asks_for_no_rate():
    found = summary(concurrent(4, 5), Limits(), Schedule(20, users=4))
    assert (found.users, found.asked_per_s, found.kept_up) == (4, None, None)
    assert found.mean_concurrency == pytest.approx(4 * 5 / 5.75)


@unhurried
@given(st.lists(st.floats(2e-7, 1e5), min_size=1, max_size=200))
def test_every_time_between_parts_is_known_to_a_thousandth(values):
    counted = Gaps()
    for value in values:
        counted.add(value)
    np.testing.assert_allclose(counted.samples(), sorted(values), rtol=sketch.RELATIVE_ERROR * 1.0001)


def test_many_times_take_the_memory_of_their_bins_and_keep_their_percentiles():
    values = np.random.default_rng(0).lognormal(-4, 1, 200_000)
    counted = Gaps()
    for value in values:
        counted.add(float(value))
    held = counted._counts.nbytes + counted._buffer.itemsize * len(counted._buffer)
    assert held < 200_000
    assert len(counted) == 200_000
    for percent in (1, 50, 90, 99, 99.9):
        assert np.percentile(counted.samples(), percent) == pytest.approx(np.percentile(values, percent), rel=0.005)


def test_a_clock_that_was_set_back_breaks_nothing():
    counted = Gaps()
    for gap_s in (-1.0, 0.0, 1e9):
        counted.add(gap_s)
    assert list(counted.samples()) == pytest.approx([sketch.LEAST_S, sketch.LEAST_S, sketch.LARGEST_S], rel=0.002)


def test_values_that_are_thinned_are_evenly_spread_over_their_ranks():
    thinned = spread(np.arange(3 * MOST)[::-1])
    assert len(thinned) == MOST
    assert list(thinned[:2]) == [1.0, 4.0]
    assert list(spread([3.0, 1.0])) == [1.0, 3.0]
