"""Every joule of the window is a request's or unattributed, whatever the traffic was."""

from dataclasses import replace
from itertools import pairwise
from math import fsum, inf

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from joulemark.analysis.serving.attribution import shares
from joulemark.analysis.serving.columns import columns
from joulemark.analysis.serving.power import Power, powers
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.traffic import Timing
from tests.analysis.serving.timings import answered, concurrent, timing, unhurried


def constant(watts=100.0, idle_w=None, seconds=10.0, evidence="replayed", began_s=0.0, resolution_s=0.0) -> Power:
    return Power((-began_s, seconds - began_s), (0.0, watts * seconds), "mean_power", evidence, idle_w, resolution_s)


def divided(timings, **component):
    return shares(columns(timings), {"gpu": constant(**component)})


def test_the_idle_power_is_divided_by_time_and_the_rest_by_tokens():
    # both under way for 4 s at 40 W of idle and 60 W above it; the first has ten tokens a second, the second thirty
    first = answered(0, 0.0, 0.0, 1.0, 4.0, (10, 31))
    second = answered(1, 0.0, 0.0, 1.0, 4.0, (30, 91))
    found = divided([first, second], idle_w=40.0)
    assert found.joules == pytest.approx([4 * (20 + 15), 4 * (20 + 45)])
    assert found.prefill_j == pytest.approx([20 + 15, 20 + 45])
    assert found.attribution.unattributed_j == pytest.approx(600.0)
    assert found.attribution.total_j == 1000.0
    assert found.attribution.prefill_j == pytest.approx(100.0)
    assert found.attribution.decode_j == pytest.approx(300.0)


def test_a_prompt_has_its_tokens_while_it_is_read_and_an_answer_while_it_comes():
    # from 0 to 1 s the one reads 90 tokens and the other writes 10; from 1 to 2 s both write 10
    reading = answered(0, 0.0, 0.0, 1.0, 2.0, (90, 11))
    writing = answered(1, -1.0, -1.0, 0.0, 2.0, (5, 21))
    found = divided([reading, writing], seconds=2.0)
    assert found.joules == pytest.approx([90 + 50, 10 + 50])
    assert found.prefill_j == pytest.approx([90, 0])


def test_a_lone_request_has_all_there_was_while_it_was_under_way():
    found = divided([answered(0, 2.0, 3.0, 4.0, 7.0)], idle_w=30.0, began_s=1.0)
    assert found.joules == pytest.approx([400.0])
    assert found.attribution.unattributed_j == pytest.approx(600.0)  # its waiting to be sent is nobody's


def test_without_counted_tokens_the_time_under_way_decides():
    found = divided([answered(0, 0.0, 0.0, 1.0, 2.0, (None, 4)), answered(1, 0.0, 0.0, 1.0, 4.0, (1, 999))])
    assert found.joules == pytest.approx([100.0, 300.0])
    assert found.prefill_j == pytest.approx([50.0, 50.0])
    assert found.attribution.method.startswith("by time under way")


def test_answers_that_come_whole_tell_no_prefill():
    found = divided([answered(0, 0.0, 0.0, None, 4.0)])
    assert (found.prefill_j, found.attribution.prefill_j, found.attribution.decode_j) == ((), None, None)
    assert found.joules == [400.0]


def test_a_request_that_failed_has_a_share_of_its_time_and_none_of_others_tokens():
    failed = Timing(1, 1, 0.0, 0.0, None, 4.0, "failed", "503")
    found = divided([answered(0, 0.0, 0.0, 1.0, 4.0), failed], idle_w=40.0)
    assert found.joules == pytest.approx([4 * (20 + 60), 4 * 20])


def test_one_that_was_never_sent_has_none():
    found = divided([answered(0, 0.0, 0.0, 1.0, 4.0), Timing(1, 1, 2.0)])
    assert found.joules == [400.0, 0.0]


def test_power_over_time_gives_a_request_what_was_used_in_its_time():
    trace = tuple((float(second), 300.0 if second > 5 else 100.0) for second in range(11))
    readings = (
        Reading("nvml", 10.0, gpu_j=3800.0, method={"gpu": "counter"}),
        Reading("trace", 10.0, gpu_j=1900.0, method={"gpu": "sampled"}, trace=trace, sensor="instant"),
    )
    window = Window(10.0, readings, 1, 2, 2, (1.0,))
    found = powers(Measurement(windows=(window,)), window)
    assert found["gpu"].method == "trace"
    assert found["gpu"].joules[-1] == pytest.approx(3800.0)  # the counter's, not the trace's own
    early, late = answered(0, 0.0, 0.0, 2.0, 5.0), answered(1, 6.0, 6.0, 7.0, 10.0)
    shared = shares(columns([early, late]), found)
    assert shared.joules == pytest.approx([1000.0, 2400.0])
    assert shared.attribution.unattributed_j == pytest.approx(400.0)


def test_a_trace_lies_in_the_middle_of_what_is_longer_than_the_work():
    trace = tuple((second / 2, 400.0 if second < 4 else 100.0) for second in range(25))  # 12 s around a work of 10 s
    readings = (Reading("trace", 12.0, gpu_j=1200.0, method={"gpu": "sampled"}, trace=trace),)
    window = Window(10.0, readings, 1, 2, 2, (1.0,))
    power = powers(Measurement(windows=(window,)), window, began_s=3.0)["gpu"]
    assert (power.at_s[0], power.at_s[-1]) == (-3.0, 7.0)
    # by the trace 325 J in the work's first second, of 1225 J in all of it: 400 W until 0.5 s, down to 100 W at 1 s
    assert power.between(-3.0, -2.0) / power.joules[-1] == pytest.approx((200 + 125) / 1225)


def test_a_trace_that_does_not_cover_the_work_gives_no_shape():
    readings = (Reading("trace", 9.0, gpu_j=900.0, method={"gpu": "sampled"}, trace=((0, 1.0), (5, 2.0), (9, 1.0))),)
    window = Window(10.0, readings, 1, 2, 2, (1.0,))
    assert powers(Measurement(windows=(window,)), window)["gpu"].method == "mean_power"


def traced(spacing_s, sensor, **changes):
    trace = tuple((number * spacing_s, 100.0) for number in range(int(10 / spacing_s) + 1))
    reading = Reading("trace", 10.0, gpu_j=1000.0, method={"gpu": "sampled"}, trace=trace, sensor=sensor)
    window = Window(10.0, (replace(reading, **changes),), 1, 2, 2, (1.0,))
    return powers(Measurement(windows=(window,)), window)["gpu"]


@pytest.mark.parametrize(
    ("spacing_s", "sensor", "resolved_s"),
    [(0.02, "instant", 0.1), (0.02, "average", 1.0), (0.5, "instant", 0.5), (2.0, "average", 2.0)],
)
def test_a_trace_resolves_its_spacing_and_no_less_than_its_sensor(spacing_s, sensor, resolved_s):
    assert traced(spacing_s, sensor).resolution_s == pytest.approx(resolved_s)


def test_a_trace_of_several_components_together_is_the_power_of_none():
    both = {"cpu_j": 500.0, "method": {"gpu": "sampled", "cpu": "sampled"}}
    assert traced(0.1, "instant").method == "trace"
    assert traced(0.1, "instant", **both).method == "mean_power"


@pytest.mark.parametrize(
    ("method", "resolved_s"), [("counter", 0.1), ("rapl", 0.001), ("sampled", inf), ("replayed", 0)]
)
def test_what_a_reading_without_a_trace_resolves_is_its_sensors(method, resolved_s):
    window = Window(10.0, (Reading("m", 10.0, gpu_j=1.0, method={"gpu": method}),), 1, 2, 2, (1.0,))
    assert powers(Measurement(windows=(window,)), window)["gpu"].resolution_s == resolved_s


REFUSED = [
    ({}, [answered()], "not available"),
    ({"cpu": constant(evidence="estimated")}, [answered()], "estimate"),
    ({"ram": constant(evidence="constant")}, [answered()], "estimate"),
    ({"gpu": constant()}, [Timing(0, 0, 0.0)], "no request"),
    ({"gpu": constant(evidence="sampled", resolution_s=inf)}, [answered()], "read once"),
    ({"gpu": constant(resolution_s=0.1)}, [answered(finished_s=0.09)], "resolve"),
]


@pytest.mark.parametrize(("power", "timings", "reason"), REFUSED)
def test_shares_that_no_sensor_resolves_are_refused_with_the_reason(power, timings, reason):
    found = shares(columns(timings), power)
    assert reason in found.attribution.refused
    assert found.joules == ()
    assert found.attribution.attributed_j is None


def test_prefill_shorter_than_the_sensor_resolves_is_not_told_apart():
    timings = [answered(0, 0.0, 0.0, 0.05, 4.0)]
    assert divided(timings, resolution_s=0.1).attribution.prefill_j is None
    assert divided(timings, resolution_s=0.04).attribution.prefill_j is not None


def test_an_estimated_component_beside_a_measured_one_is_divided_and_named():
    estimated = constant(50.0, evidence="estimated", resolution_s=inf)  # which says nothing of the measured one
    found = shares(columns([answered(first_s=0.5)]), {"gpu": constant(), "cpu": estimated})
    assert found.attribution.total_j == 1500.0
    assert found.attribution.prefill_j is not None
    assert "CPU mean power (estimated)" in found.attribution.method


def slowly(timings, watts, idle_w, end_s):
    """The same division, moment by moment and request by request."""
    moments = sorted(
        {0.0, end_s, *(min(max(at, 0.0), end_s) for t in timings for at in (t.sent_s, t.first_s, t.finished_s))}
    )
    joules, rest = [0.0] * len(timings), 0.0
    for begin, end in pairwise(moments):
        under = [n for n, t in enumerate(timings) if t.sent_s <= begin and end <= t.finished_s]
        rate = {}
        for n in under:
            t = timings[n]
            prefill = end <= t.first_s
            tokens, seconds = (
                (t.input_tokens, t.first_s - t.sent_s) if prefill else (t.output_tokens - 1, t.finished_s - t.first_s)
            )
            rate[n] = max(tokens, 0) / seconds
        idle = min(watts, idle_w) * (end - begin)
        dynamic = watts * (end - begin) - idle
        if not under:
            rest += idle + dynamic
        for n in under:
            whole = sum(rate.values())
            joules[n] += idle / len(under) + dynamic * (rate[n] / whole if whole else 1 / len(under))
    return joules, rest


@st.composite
def streamed(draw):
    sent_s = draw(st.integers(0, 40)) / 4
    first_s = sent_s + draw(st.integers(1, 20)) / 4
    return answered(
        0,
        sent_s,
        sent_s,
        first_s,
        first_s + draw(st.integers(1, 20)) / 4,
        (draw(st.integers(0, 50)), draw(st.integers(1, 50))),
    )


@unhurried
@given(st.lists(streamed(), min_size=1, max_size=12), st.floats(0, 100), st.floats(0, 150))
def test_the_sweep_gives_what_a_division_moment_by_moment_gives(timings, watts, idle_w):
    found = divided(timings, watts=watts, idle_w=idle_w, seconds=25.0)
    joules, rest = slowly(timings, watts, idle_w, 25.0)
    assert found.joules == pytest.approx(joules, rel=1e-9, abs=1e-12)
    assert found.attribution.unattributed_j == pytest.approx(rest, rel=1e-9, abs=1e-12)


watts = st.floats(0, 1000, allow_nan=False)


@unhurried
@given(st.lists(timing(), min_size=1, max_size=100), st.lists(watts, min_size=3, max_size=30), watts)
@example([answered(0, 0.0, 0.0, 1e-9, 100.0, (10_000, 2)), answered(1, 0.0, 0.0, 50.0, 100.0, (1, 2))], [1.0] * 3, 0.0)
def test_shares_and_the_unattributed_rest_are_the_total(timings, trace, idle_w):
    at_s = np.linspace(-1.0, 250.0, len(trace))
    joules = np.concatenate(([0.0], np.cumsum(trace[1:]))) * (at_s[1] - at_s[0])
    found = shares(columns(timings), {"gpu": Power(at_s, joules, "trace", "counter", idle_w, 0.0)})
    if found.attribution.refused:
        assert all(each.sent_s is None for each in timings)
        return
    given = found.attribution
    assert fsum(found.joules) + given.unattributed_j == pytest.approx(given.total_j, rel=1e-9, abs=1e-9)
    assert given.attributed_j == pytest.approx(fsum(found.joules), rel=1e-12)
    assert min(found.joules) >= 0
    if found.prefill_j:
        assert given.prefill_j + given.decode_j == pytest.approx(given.attributed_j, rel=1e-9, abs=1e-9)
        assert all(part <= whole for part, whole in zip(found.prefill_j, found.joules, strict=True))
    for each, share in zip(timings, found.joules, strict=True):
        assert share == 0 or each.finished_s > each.sent_s


@unhurried
@given(st.integers(1, 100), st.floats(0.001, 0.999), st.integers(0, 100_000), st.integers(1, 5000), st.floats(0, 2000))
def test_at_any_concurrency_the_shares_sum_to_the_total(users, first, tokens_in, tokens_out, idle_w):
    timings = concurrent(users, 4, 1.0, first, (tokens_in, tokens_out))
    found = divided(timings, watts=700.0, idle_w=idle_w, seconds=6.0, began_s=0.5)
    assert fsum(found.joules) + found.attribution.unattributed_j == pytest.approx(4200.0, rel=1e-9)


def test_an_enormous_rate_of_a_moment_takes_nothing_from_the_precision_of_the_others():
    spikes = [answered(n, n * 0.01, n * 0.01, n * 0.01 + 1e-9, 20.0, (100_000, 2)) for n in range(50)]
    slow = [answered(n, 0.0, 0.0, 10.0, 20.0, (1, 2)) for n in range(50)]
    found = divided([*spikes, *slow], watts=700.0, seconds=20.0)
    assert fsum(found.joules) + found.attribution.unattributed_j == pytest.approx(14_000.0, rel=1e-12)
    # all are alike but for 50 ns of prefill
    assert found.joules[0] == pytest.approx(found.joules[1], rel=0.1)
