"""What a load costs is of measured points alone, and of processes."""

from dataclasses import replace
from math import ceil
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulemark.analysis import verdict
from joulemark.analysis.serving.curve import Curve, LoadProcess, MeasuredLoad
from joulemark.analysis.serving.load import NONE_PASSES, UNMEASURED, choose, cost
from joulemark.core.cell import Cell
from joulemark.core.serving import Limits

LIMITS = Limits(ttft_s=0.5, tpot_s=0.03)
SCATTER = (0.99, 1.0, 1.01)  # of three processes around their mean


def a_load(rate: float, watts: float, ttft_s: float = 0.2, processes: int = 3, idle_w: float | None = 50.0):
    each = [
        LoadProcess(f"{rate}-{watts}-{n}", watts * SCATTER[n % 3], idle_w,
                    p99={"ttft_s": ttft_s * SCATTER[n % 3], "tpot_s": 0.02, "latency_s": 2.0}, kept_up=1.0)
        for n in range(processes)
    ]  # fmt: skip
    return MeasuredLoad(rate, tuple(each))


def a_curve(name: str = "a", factor: float = 1.0, processes: int = 3, idle_w: float | None = 50.0) -> Curve:
    points = [(1.0, 100.0, 0.1), (2.0, 140.0, 0.2), (4.0, 200.0, 0.4), (8.0, 260.0, 3.0)]
    return Curve(name, tuple(a_load(r, w * factor, t, processes, idle_w) for r, w, t in points))


def test_a_measured_load_costs_what_was_measured() -> None:
    curve = a_curve()
    for load in curve.loads:
        power = curve.power(load.rate_per_s)
        assert power is not None
        assert power.values == tuple(process.power_w for process in load.processes)


@settings(deadline=None)
@given(st.integers(1, 800).map(lambda n: n / 100))
def test_power_between_two_measured_loads_lies_between_theirs(rate: float) -> None:
    curve = a_curve()
    power = curve.power(rate)
    assert power is not None
    watts = {0.0: 50.0} | {load.rate_per_s: fmean(p.power_w for p in load.processes) for load in curve.loads}
    low, high = (max(r for r in watts if r <= rate), min(r for r in watts if r >= rate))
    assert watts[low] - 1e-9 <= fmean(power.values) <= watts[high] + 1e-9
    assert set(curve.between(rate)) == {low, high}


@settings(deadline=None)
@given(st.floats(0.01, 8.0), st.floats(0.01, 8.0))
def test_more_load_never_costs_less_power_where_the_measured_points_rise(a: float, b: float) -> None:
    curve = a_curve()
    first, second = (curve.power(rate) for rate in sorted((a, b)))
    assert first is not None
    assert second is not None
    assert fmean(first.values) <= fmean(second.values) + 1e-9


def test_half_way_between_two_loads_is_half_way_between_their_powers_and_a_quarter_is_a_quarter() -> None:
    curve = a_curve()
    assert [fmean(power.values) for rate in (3.0, 2.5, 0.25) if (power := curve.power(rate))] == pytest.approx(
        [170.0, 155.0, 62.5]
    )


def test_nothing_is_said_above_the_highest_measured_load() -> None:
    assert a_curve().power(8.1) is None


@settings(deadline=None)
@given(st.floats(0.05, 400.0))
def test_the_fewest_cards_carry_a_load_without_exceeding_the_highest_passing_rate(load: float) -> None:
    found = cost(a_curve(), load, LIMITS)
    assert found.highest is not None
    assert found.highest.rate_per_s == 4.0  # 8 breaks the time to first token
    assert found.cards is not None
    assert load / found.cards <= 4.0 * (1 + 1e-6)
    assert found.cards == 1 or load / (found.cards - 1) > 4.0
    assert found.headroom == pytest.approx(max(1.0, 4.0 * found.cards / load))
    one = a_curve().power(min(load / found.cards, 4.0))
    assert one is not None
    assert found.power_w == pytest.approx(found.cards * fmean(one.values))


def test_a_multiple_of_the_highest_rate_takes_no_card_too_many() -> None:
    curve = Curve("a", (a_load(0.1, 100.0),))
    assert [cost(curve, n * 0.1, LIMITS).cards for n in range(1, 8)] == list(range(1, 8))
    assert ceil(3 * 0.1 / 0.1) == 4  # as floating point has it


def test_twice_the_load_on_twice_the_cards_costs_twice_the_power() -> None:
    once, twice = cost(a_curve(), 4.0, LIMITS), cost(a_curve(), 8.0, LIMITS)
    assert twice.cards == 2
    assert twice.power_w == pytest.approx(2 * (once.power_w or 0))
    assert twice.wh_per_day == pytest.approx(24 * 2 * fmean(200 * s for s in SCATTER))
    assert twice.j_per_request == pytest.approx(once.j_per_request)


def test_below_the_lowest_load_power_comes_from_the_idle_baseline_and_without_one_is_unknown() -> None:
    found = cost(a_curve(), 0.5, LIMITS)
    assert found.power_w == pytest.approx(75.0)
    assert found.between == (0.0, 1.0)
    without = cost(a_curve(idle_w=None), 0.5, LIMITS)
    assert (without.power, without.unknown) == (None, UNMEASURED)
    assert cost(a_curve(idle_w=None), 1.0, LIMITS).idle_w is None


def test_a_load_that_passes_above_one_that_fails_is_not_the_highest() -> None:
    curve = Curve("a", (a_load(1.0, 100.0), a_load(2.0, 140.0, ttft_s=0.9), a_load(4.0, 200.0)))
    highest = curve.highest(LIMITS)
    assert highest is not None
    assert highest.rate_per_s == 1.0


def test_a_curve_without_a_passing_load_carries_nothing() -> None:
    found = choose([Curve("a", (a_load(1.0, 100.0, ttft_s=2.0),))], 1.0, LIMITS)
    assert found.chosen is None
    assert found.sure == "none"
    assert [each.unknown for each in found.refused] == [NONE_PASSES]


def test_a_limit_binds_the_percentile_that_is_asked_for_and_no_other() -> None:
    times = {"p50": 0.1, "p90": 0.4, "p99": 0.9}
    load = MeasuredLoad(1.0, tuple(
        LoadProcess(str(n), 100.0, **{name: {"ttft_s": value * SCATTER[n]} for name, value in times.items()})
        for n in range(3)
    ))  # fmt: skip
    for percentile, kept in ((50.0, True), (90.0, True), (99.0, False)):
        assert load.keeps(Limits(ttft_s=0.5, percentile=percentile)).passes is kept
    assert not load.keeps(Limits(ttft_s=0.3, percentile=90.0)).passes


def test_an_unknown_percentile_keeps_no_limit() -> None:
    load = a_load(1.0, 100.0)
    whole = replace(load, processes=tuple(replace(each, p99={}) for each in load.processes))
    assert not whole.keeps(Limits(tpot_s=1.0)).passes
    assert whole.keeps(Limits(tpot_s=1.0)).broken == ("tpot_s",)
    assert whole.keeps(Limits()).passes


def test_requests_without_an_answer_break_the_limit_whatever_the_others_took() -> None:
    load = a_load(1.0, 100.0)
    lost = replace(load, processes=tuple(replace(each, unanswered=0.02) for each in load.processes))
    assert load.keeps(LIMITS).passes
    assert lost.keeps(LIMITS).broken == ("answered",)


def test_an_engine_whose_queue_grows_does_not_pass_however_short_the_run() -> None:
    load = a_load(1.0, 100.0)
    slow = replace(load, processes=tuple(replace(each, kept_up=0.9) for each in load.processes))
    assert slow.keeps(LIMITS).broken == ("rate",)


def test_the_least_power_is_chosen_and_established_by_three_processes_a_side() -> None:
    found = choose([a_curve("dear", 1.5), a_curve("cheap")], 3.0, LIMITS)
    assert found.chosen is not None
    assert found.chosen.curve.name == "cheap"
    assert found.sure == "established"
    assert found.passing_established


def test_equal_settings_tie_and_single_processes_establish_nothing() -> None:
    assert choose([a_curve("a"), a_curve("b", 1.002)], 3.0, LIMITS).sure == "tie"
    assert choose([a_curve("a"), a_curve("b", 1.5, processes=1)], 3.0, LIMITS).sure == "open"
    assert choose([a_curve("a", processes=1)], 3.0, LIMITS).sure == "open"
    assert choose([a_curve("a")], 3.0, LIMITS).sure == "alone"


def test_a_power_between_two_loads_is_of_no_more_processes_than_either_has() -> None:
    curve = Curve("a", (a_load(1.0, 100.0, processes=5), a_load(2.0, 200.0, processes=2)))
    power = curve.power(1.5)
    assert power is not None
    assert power.processes == 2
    assert fmean(power.values) == pytest.approx(150.0, rel=0.02)


def test_a_result_is_within_a_limit_by_its_interval_between_processes() -> None:
    assert verdict.within(Cell((1.0, 1.1, 0.9)), 2.0).outcome == verdict.KEPT
    assert verdict.within(Cell((1.0, 1.1, 0.9)), 0.5).outcome == verdict.EXCEEDED
    assert verdict.within(Cell((1.0, 1.1, 0.9)), 1.05).outcome == verdict.NOT_ESTABLISHED
    few = verdict.within(Cell((1.0, 1.0)), 2.0)
    assert (few.outcome, few.kept) == (verdict.NOT_ESTABLISHED, True)
    assert not verdict.within(Cell(()), 2.0).kept
