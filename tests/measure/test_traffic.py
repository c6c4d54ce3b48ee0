"""The load generator against a made-up engine whose every second is known."""

import heapq
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulemark.core.serving import Call, Event, Schedule
from joulemark.core.signals import Interrupted
from joulemark.core.task import Prediction
from joulemark.measure.traffic import Answers, TrafficPlan, drive
from joulemark.scenarios.closed_loop import ClosedLoop
from joulemark.scenarios.poisson import Poisson
from tests.fakes import FakeClock


class Counter:
    """An engine with so many places, each of which answers in `first_s` and then a token every `each_s`."""

    def __init__(self, clock, places=1, first_s=1.0, each_s=0.5, tokens=3, fails=(), hangs=()):
        self.clock, self.places = clock, places
        self.first_s, self.each_s, self.tokens = first_s, each_s, tokens
        self.fails, self.hangs = fails, hangs
        self.free = [0.0] * places
        self.coming, self.order = [], count()
        self.sent, self.cancelled = [], []

    def send(self, call):
        self.sent.append((call.number, self.clock.now()))
        if call.number in self.hangs:
            return
        begin = max(self.clock.now(), heapq.heappop(self.free))
        if call.number in self.fails:
            self._later(Event(call.number, "failed", begin + self.first_s, reason="500"))
            heapq.heappush(self.free, begin + self.first_s)
            return
        for token in range(self.tokens):
            self._later(Event(call.number, "tokens", begin + self.first_s + token * self.each_s, tokens=1))
        end = begin + self.first_s + (self.tokens - 1) * self.each_s
        self._later(Event(call.number, "finished", end, prediction=Prediction("x", self.tokens, 5, self.tokens)))
        heapq.heappush(self.free, end)

    def _later(self, event):
        heapq.heappush(self.coming, (event.at_s, next(self.order), event))

    def events(self, until_s):
        if not self.coming or self.coming[0][0] > until_s:
            self.clock.time = max(self.clock.time, until_s)
            return []
        self.clock.time = max(self.clock.time, self.coming[0][0])
        found = []
        while self.coming and self.coming[0][0] <= self.clock.time:
            found.append(heapq.heappop(self.coming)[2])
        return found

    def cancel(self, number):
        self.cancelled.append(number)


class Stopped(Counter):
    """The engine whose wait is interrupted at a moment."""

    def __init__(self, clock, stop_s, **places):
        super().__init__(clock, **places)
        self.stop_s = stop_s

    def events(self, until_s):
        if min([until_s, *(at_s for at_s, _, _ in self.coming)]) < self.stop_s:
            return super().events(until_s)
        self.clock.time, self.stop_s = self.stop_s, float("inf")
        raise Interrupted("SIGINT")


def driven(schedule, timeout_s=100.0, max_duration_s=1000.0, samples=None, **engine):
    clock = FakeClock()
    clock.time = 7.0  # moments of the traffic are its own
    server = Counter(clock, **engine)
    server.free = [7.0] * server.places
    gaps = []
    answers = Answers(gap_s=gaps.append)
    plan = TrafficPlan(
        schedule, lambda number: Call(number, "text"), timeout_s, max_duration_s, samples or schedule.requests
    )
    seconds = drive(server, plan, answers, clock)
    return answers, seconds, server, gaps


def test_an_engine_that_is_slow_does_not_slow_the_requests():
    answers, seconds, server, _ = driven(Schedule(3, at_s=[0.0, 0.5, 1.0]))
    assert [at_s for _, at_s in server.sent] == [7.0, 7.5, 8.0]
    assert [timing.finished_s for timing in answers.timings] == [2.0, 4.0, 6.0]
    assert [timing.ttft_s for timing in answers.timings] == [1.0, 2.5, 4.0]  # the second waits for the first
    assert [timing.tpot_s for timing in answers.timings] == [0.5] * 3
    assert seconds == 6.0


def test_times_between_tokens_are_told_one_by_one():
    _, _, _, gaps = driven(Schedule(2, at_s=[0.0, 0.0]))
    assert gaps == [0.5] * 4


def test_each_user_waits_for_the_answer_before():
    answers, seconds, server, _ = driven(Schedule(4, users=2), places=2)
    assert [at_s for _, at_s in server.sent] == [7.0, 7.0, 9.0, 9.0]
    assert seconds == 4.0
    assert {timing.latency_s for timing in answers.timings} == {2.0}


def test_thinking_comes_between_an_answer_and_the_next_request():
    _, _, server, _ = driven(Schedule(2, users=1, think_time_s=[1.0, 3.0]))
    assert [at_s for _, at_s in server.sent] == [8.0, 13.0]  # 1 s, the answer's 2 s, 3 s


def test_a_failed_request_is_counted_and_its_user_goes_on():
    answers, _, _, _ = driven(Schedule(3, users=1), fails={1})
    assert [timing.outcome for timing in answers.timings] == ["answered", "failed", "answered"]
    assert answers.timings[1].reason == "500"
    assert list(answers.places) == [0, -1, 1]


def test_a_request_without_an_answer_is_given_up_and_counted():
    answers, _, server, _ = driven(Schedule(3, at_s=[0.0, 0.0, 0.0]), timeout_s=30.0, hangs={1})
    assert [timing.outcome for timing in answers.timings] == ["answered", "timed_out", "answered"]
    assert answers.timings[1].finished_s == 30.0
    assert server.cancelled == [1]


def test_a_stop_keeps_what_was_answered_and_tells_what_was_under_way_from_what_never_came():
    clock = FakeClock()
    server, answers = Stopped(clock, stop_s=5.0), Answers(gap_s=lambda gap_s: None)
    plan = TrafficPlan(Schedule(4, at_s=[0.0, 0.0, 4.0, 9.0]), lambda number: Call(number, "text"), 100.0, 1000.0, 4)
    with pytest.raises(Interrupted, match="SIGINT"):
        drive(server, plan, answers, clock)
    assert [timing.outcome for timing in answers.timings] == ["answered", "answered", "interrupted", "unsent"]
    assert list(answers.places) == [0, 1, -1, -1]
    under_way = answers.timings[2]
    assert (under_way.sent_s, under_way.first_s, under_way.finished_s) == (4.0, None, 5.0)
    assert under_way.reason == "interrupted by SIGINT"


def test_a_rate_that_no_engine_keeps_ends_by_the_traffics_own_limit():
    answers, seconds, _, _ = driven(Schedule(100, at_s=[0.1 * n for n in range(100)]), max_duration_s=5.0)
    outcomes = [timing.outcome for timing in answers.timings]
    assert outcomes.count("answered") == 2
    assert outcomes.count("unsent") > 40
    assert outcomes.count("answered") + outcomes.count("timed_out") + outcomes.count("unsent") == 100
    assert seconds == 5.0


def test_inputs_come_again_where_there_are_more_requests():
    answers, _, _, _ = driven(Schedule(5, at_s=[0.0] * 5), samples=2, places=5)
    assert [timing.sample for timing in answers.timings] == [0, 1, 0, 1, 0]


@settings(deadline=None, max_examples=50)
@given(st.floats(0.1, 50.0), st.integers(1, 300), st.integers(0, 5))
def test_the_same_seed_gives_the_same_arrivals_and_another_one_others(rate, samples, seed):
    scenario = Poisson(rate=rate)
    first, again, other = (scenario.schedule(samples, each).at_s for each in (seed, seed, seed + 1))
    assert first == again != other
    assert list(first) == sorted(first)


def test_arrivals_are_poisson():
    """Gaps of 20,000 arrivals against the exponential distribution (Kolmogorov and Smirnov), counts against Poisson."""
    from scipy import stats

    at_s = Poisson(rate=4.0).schedule(20_000, seed=3).at_s
    gaps = [b - a for a, b in zip([0.0, *at_s], at_s, strict=False)]
    assert stats.kstest(gaps, "expon", args=(0, 1 / 4.0)).pvalue > 0.01
    seconds = int(at_s[-1])
    counts = [0] * (seconds + 1)
    for moment in at_s:
        counts[int(moment)] += 1
    dispersion = stats.describe(counts[:-1]).variance / (sum(counts[:-1]) / seconds)
    assert dispersion == pytest.approx(1.0, abs=0.1)


def test_a_rate_has_requests_for_as_long_as_it_must():
    assert Poisson(rate=10.0, min_duration_s=60.0).schedule(100, 0).requests == 600
    assert Poisson(rate=1.0, min_duration_s=60.0).schedule(100, 0).requests == 100


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 8))
def test_never_more_requests_are_under_way_than_users(requests, users, places):
    answers, _, _, _ = driven(ClosedLoop(users=users).schedule(requests, 0), places=places)
    moments = sorted(change for t in answers.timings for change in ((t.sent_s, 1), (t.finished_s, -1)))
    under_way = most = 0
    for _, step in sorted(moments, key=lambda change: (change[0], change[1])):
        under_way += step
        most = max(most, under_way)
    assert most <= min(users, requests)
    assert all(timing.outcome == "answered" for timing in answers.timings)


def test_what_a_late_load_generator_costs_counts_as_waiting():
    class Slow(Counter):
        def send(self, call):
            super().send(call)
            self.clock.time += 0.25  # handing a request over takes this long

    clock = FakeClock()
    answers = Answers(gap_s=lambda gap_s: None)
    plan = TrafficPlan(Schedule(3, at_s=[0.0] * 3), lambda number: Call(number, "text"), 100.0, 1000.0, 3)
    drive(Slow(clock, places=3), plan, answers, clock)
    assert [timing.sent_s for timing in answers.timings] == [0.0, 0.25, 0.5]
    assert [timing.due_s for timing in answers.timings] == [0.0] * 3
    assert [timing.latency_s for timing in answers.timings] == [2.0, 2.25, 2.5]
