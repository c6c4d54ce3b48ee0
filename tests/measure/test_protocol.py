"""The protocol of one run, on a clock and watts that are known."""

from dataclasses import dataclass, replace

import pytest

from joulemark.analysis import energy_metrics, flags, named_metrics
from joulemark.analysis import readings as energy
from joulemark.core.measurement import Measurement
from joulemark.core.record_json import from_json, to_json
from joulemark.core.task import Prediction
from joulemark.measure.instruments import Instruments
from joulemark.measure.protocol import measure
from joulemark.measure.warm_up import warm_up
from joulemark.measure.window import Workload, measure_window
from tests.fakes import FakeClock, FakeMeter, procedure
from tests.records import a_record

BATCHES = [["a", "b"], ["c", "d"], ["e"]]


def run(clock, meters, plan, seconds=lambda call: 0.5, kept=None):
    calls = iter(range(10**9))

    def predict(inputs):
        clock.sleep(seconds(next(calls)))
        return [Prediction(text, units=3) for text in inputs]

    steps = list(
        measure(
            Workload(predict, BATCHES),
            plan,
            Instruments(meters, clock),
            Measurement(),
            kept=[] if kept is None else kept,
        )
    )
    return [phase for phase, _ in steps], steps[-1][1]


def test_the_phases_come_in_the_protocols_order_and_each_leaves_what_was_measured_so_far():
    clock = FakeClock()
    phases, measurement = run(clock, [FakeMeter(clock, {"gpu": 100.0})], procedure())
    assert phases == ["idle", "warm-up", "window 1", "window 2", "window 3"]
    assert sum(reading.duration_s for reading in measurement.idle) == 5.0
    assert measurement.converged


def test_the_idle_baseline_is_read_in_equal_parts_by_every_meter():
    clock = FakeClock()
    meters = [FakeMeter(clock, {"gpu": 100.0}, name="inner"), FakeMeter(clock, {"cpu": 9.0}, name="outer")]
    _, measurement = run(clock, meters, procedure(idle_s=6.0, idle_parts=3))
    assert [(reading.meter, reading.duration_s) for reading in measurement.idle] == [("inner", 2.0), ("outer", 2.0)] * 3
    _, measurement = run(clock, meters, procedure(idle_s=0.0))
    assert measurement.idle == ()


def test_a_window_is_made_of_whole_passes_and_is_as_long_as_the_protocol_asks():
    clock = FakeClock()
    _, measurement = run(clock, [FakeMeter(clock, {"gpu": 100.0})], procedure(window_s=10.0))
    window = measurement.windows[0]
    assert window.duration_s >= 10.0
    assert window.duration_s == pytest.approx(10.5)  # seven passes of 1.5 s
    assert (window.passes, window.requests, window.units) == (7, 35, 105)
    assert len(window.batch_s) == 7 * len(BATCHES)


@pytest.mark.parametrize(("records", "calls"), [(True, 40), (False, 10)])
def test_where_each_shape_is_recorded_the_warm_up_takes_every_batch_whatever_its_time(records, calls):
    clock, called = FakeClock(), []

    def predict(batch):
        called.append(batch[0])
        clock.sleep(1.0)
        return []

    batches = [[number] for number in range(36)]
    workload = Workload(predict, batches, compiles=records, records=records)
    _, converged = warm_up(workload, procedure(warmup_max_s=10.0, warmup_batches=4), Instruments([], clock))
    assert converged
    assert len(called) == calls
    assert (set(called) == set(range(36))) is records


@pytest.mark.parametrize(("rate", "share"), [(0.25, 0.25), (0.0, None), (-0.01, None), (1.5, 1.0)])
def test_a_host_whose_counters_go_backwards_has_no_utilization_and_the_record_can_be_read(rate, share):
    clock = FakeClock()

    def predict(inputs):
        clock.sleep(0.5)
        return []

    counted = Instruments([], clock, busy_s=lambda: rate * clock.now(), own_busy_s=lambda servers: 0.0)
    window = measure_window(Workload(predict, BATCHES), 1.0, counted)
    assert (window.cpu_utilization, window.others_cpu_share) == (share, share)
    record = a_record()
    windows = [replace(each, cpu_utilization=window.cpu_utilization) for each in record.measurement.windows]
    record = replace(record, measurement=replace(record.measurement, windows=windows))
    assert from_json(to_json(record)).measurement.windows[0].cpu_utilization == share


def test_even_a_window_of_no_length_holds_one_whole_pass():
    clock = FakeClock()
    _, measurement = run(clock, [FakeMeter(clock, {"gpu": 100.0})], procedure(window_s=0.0, min_windows=1))
    assert measurement.windows[0].passes == 1
    assert measurement.windows[0].requests == 5


@pytest.mark.parametrize(
    ("window_s", "shares"),
    [
        (1.0, [1 / 3, 2 / 3, 1.0]),  # its length is over before its one pass is
        (3.0, [1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0]),
        (0.0, [1 / 3, 2 / 3, 1.0]),
    ],
)
def test_a_window_is_at_its_end_once_its_length_and_a_whole_pass_are_over(window_s, shares):
    clock, seen = FakeClock(), []

    def predict(inputs):
        clock.sleep(0.5)
        return []

    instruments = Instruments([], clock, progress=lambda step, share: seen.append(share))
    measure_window(Workload(predict, BATCHES), window_s, instruments)
    assert seen == pytest.approx(shares)


def test_known_watts_give_exact_joules_per_request():
    clock = FakeClock()
    _, measurement = run(clock, [FakeMeter(clock, {"gpu": 200.0, "cpu": 40.0})], procedure())
    assert energy.total_j_per_request(measurement) == pytest.approx([240.0 * 1.5 / 5] * 3)


def test_what_a_meters_own_edges_take_is_not_charged_to_the_work():
    clock = FakeClock()
    slow = FakeMeter(clock, {"gpu": 100.0}, edge_s=0.25)
    _, measurement = run(clock, [slow], procedure())
    window = measurement.windows[0]
    assert window.readings[0].duration_s == pytest.approx(window.duration_s + 0.5)
    assert energy.window_j(measurement, window, "gpu") == pytest.approx(100.0 * window.duration_s)


def test_no_work_gives_energy_back_a_window_too_short_for_its_meter_has_none():
    clock = FakeClock()
    _, measurement = run(clock, [FakeMeter(clock, {"cpu": 100.0}, edge_s=0.25)], procedure())
    window = measurement.windows[0]
    low = replace(window.readings[0], cpu_j=49.0)  # less than its edges would have taken at idle power
    assert energy.signed_j(measurement, replace(window, readings=(low,)), "cpu") == pytest.approx(-1.0)
    assert energy.window_j(measurement, replace(window, readings=(low,)), "cpu") is None


def test_the_most_trusted_meter_starts_last_and_stops_first():
    clock, events = FakeClock(), []
    inner = FakeMeter(clock, {"gpu": 1.0}, name="inner", events=events)
    outer = FakeMeter(clock, {"gpu": 1.0}, name="outer", events=events)
    _, readings = Instruments([inner, outer]).metered(lambda: events.append("work"))
    assert events == ["outer start", "inner start", "work", "inner stop", "outer stop"]
    assert [reading.meter for reading in readings] == ["inner", "outer"]


def test_the_most_trusted_reading_of_a_component_counts_and_the_others_are_kept():
    clock = FakeClock()
    counter = FakeMeter(clock, {"gpu": 100.0}, name="counter", method="counter")
    estimate = FakeMeter(clock, {"gpu": 150.0, "cpu": 30.0}, name="estimate", method="estimated")
    _, measurement = run(clock, [counter, estimate], procedure())
    assert energy_metrics.methods(measurement) == {"gpu": "counter", "cpu": "estimated", "ram": None}
    assert energy_metrics.component_j(measurement, "gpu") == pytest.approx(100.0 * 1.5 / 5)
    assert len(measurement.windows[0].readings) == 2


def test_windows_repeat_until_the_interval_is_narrow():
    clock = FakeClock()
    # the first window runs at another speed than the rest, so three are not enough
    _, measurement = run(
        clock,
        [FakeMeter(clock, {"gpu": 100.0})],
        procedure(window_s=0.0, max_windows=50, ci95_rel=0.1),
        seconds=lambda call: 0.5 if call < 10 else 0.6,
    )
    assert 3 < len(measurement.windows) < 50
    assert measurement.converged


def test_at_the_cap_the_run_is_flagged_as_not_converged():
    clock = FakeClock()
    _, measurement = run(
        clock,
        [FakeMeter(clock, {"gpu": 100.0})],
        procedure(window_s=0.0, max_windows=4, ci95_rel=0.001),
        seconds=lambda call: 0.5 + 0.2 * (call // 3 % 2),
    )
    assert len(measurement.windows) == 4
    assert measurement.converged is False
    assert "not_converged" in flags.measurement_flags(measurement, "hub")


def test_past_the_time_the_protocol_gives_no_window_follows_the_fewest_it_asks_for():
    def windows(measure_max_s):
        clock = FakeClock()
        plan = procedure(window_s=0.0, measure_max_s=measure_max_s, ci95_rel=0.001)
        # passes of 1.5 s and 2.1 s in turn: never converged
        _, measurement = run(
            clock, [FakeMeter(clock, {"gpu": 100.0})], plan, seconds=lambda call: 0.5 + 0.2 * (call // 3 % 2)
        )
        return len(measurement.windows)

    assert windows(measure_max_s=1.0) == 3
    assert windows(measure_max_s=9.0) == 6  # five take 8.7 s or less, six more than 9
    assert windows(measure_max_s=600.0) == 10


def test_warm_up_goes_on_until_the_latency_is_steady_and_is_kept_apart():
    clock = FakeClock()
    _, measurement = run(
        clock,
        [FakeMeter(clock, {"gpu": 1.0})],
        procedure(),
        seconds=lambda call: 4.0 / (call + 1) if call < 16 else 0.25,
    )
    assert measurement.warmup_converged
    assert len(measurement.warmup_batch_s) > 4
    assert sum(map(len, (window.batch_s for window in measurement.windows))) % len(BATCHES) == 0


@pytest.mark.parametrize(("warmup_max_s", "seen"), [(60.0, {"a", "c", "e"}), (3.5, {"a", "c"})])
def test_warm_up_ends_with_each_batch_once_as_far_as_its_time_goes(warmup_max_s, seen):
    clock, calls = FakeClock(), []

    def predict(inputs):
        calls.append(inputs[0])
        clock.sleep(0.5)
        return []

    plan = procedure(warmup_max_s=warmup_max_s, converge_batches=1, warmup_batches=5)
    latencies, steady = warm_up(Workload(predict, BATCHES), plan, Instruments(clock=clock))
    assert steady
    assert set(calls[5:]) == seen  # the first five are cycles of one and the same batch
    assert len(latencies) == len(calls)


def warmed_up(count, **changes):
    """The places of the batches that a warm-up of so many calls, in the order of the calls; one takes a second."""
    clock, calls = FakeClock(), []

    def predict(inputs):
        calls.append(inputs[0])
        clock.sleep(1.0)
        return []

    workload = Workload(predict, [[place] for place in range(count)])
    warm_up(workload, procedure(**changes), Instruments(clock=clock))
    return calls


@pytest.mark.parametrize(
    ("count", "converge_batches", "cycle"),
    [(12, 3, [0, 4, 8]), (13, 3, [0, 4, 8]), (8, 4, [0, 2, 4, 6]), (3, 3, [0, 1, 2]), (2, 8, [0, 1])],
)
def test_warm_up_settles_on_a_few_batches_spread_evenly_over_the_inputs(count, converge_batches, cycle):
    calls = warmed_up(count, converge_batches=converge_batches, warmup_batches=1)
    assert calls[: 2 * len(cycle)] == [*cycle, *cycle]  # twice: two cycles are compared
    assert calls[2 * len(cycle) :] == list(range(count))


@pytest.mark.parametrize(
    ("count", "left_s", "seen"),
    [(12, 3.0, [0, 4, 8]), (10, 4.0, [0, 2, 5, 7]), (10, 9.0, [0, 1, 2, 3, 4, 5, 6, 7, 8]), (7, 1.0, [0])],
)
def test_warm_up_that_has_no_time_for_every_batch_spreads_what_it_has_evenly_over_them(count, left_s, seen):
    cycles_s = 2.0
    calls = warmed_up(count, converge_batches=1, warmup_batches=1, warmup_max_s=cycles_s + left_s)
    assert calls[2:] == seen


def test_what_compiling_takes_is_kept_in_the_warm_up_and_takes_none_of_its_time():
    def warmed(compiles):
        clock, calls = FakeClock(), []

        def predict(inputs):
            calls.append(inputs[0])
            clock.sleep(100.0 if len(calls) == 1 else 0.5)
            return []

        plan = procedure(warmup_max_s=10.0, converge_batches=1, warmup_batches=2)
        latencies, steady = warm_up(Workload(predict, BATCHES, compiles=compiles), plan, Instruments(clock=clock))
        return list(latencies), steady, calls

    assert warmed(False) == ([100.0], False, ["a"])
    latencies, steady, calls = warmed(True)
    assert (latencies[0], steady) == (100.0, True)
    # twice each at the end: the second call of a shape records its CUDA graph
    assert calls[-2 * len(BATCHES) :] == [batch[0] for batch in BATCHES for _ in range(2)]


def test_warm_up_that_never_settles_ends_at_its_limit_and_says_so():
    clock = FakeClock()
    _, measurement = run(
        clock, [FakeMeter(clock, {"gpu": 1.0})], procedure(warmup_max_s=20.0), seconds=lambda call: 1.0 + call // 2 % 2
    )
    assert measurement.warmup_converged is False
    assert "warmup_not_converged" in flags.measurement_flags(measurement, "hub")


def test_the_predictions_kept_are_those_of_the_first_measured_pass():
    clock, kept = FakeClock(), []
    run(clock, [FakeMeter(clock, {"gpu": 1.0})], procedure(), kept=kept)
    assert [prediction.output for prediction in kept] == ["a", "b", "c", "d", "e"]


def test_a_failure_in_a_window_stops_the_meters():
    clock, events = FakeClock(), []
    with pytest.raises(ZeroDivisionError):
        Instruments([FakeMeter(clock, {"gpu": 1.0}, events=events)]).metered(lambda: 1 / 0)
    assert events == ["fake start", "fake stop"]


def test_warming_up_is_metered_for_all_that_the_run_took():
    clock = FakeClock()
    _, measurement = run(clock, [FakeMeter(clock, {"gpu": 100.0})], procedure())
    (reading,) = measurement.warmup
    assert reading.duration_s == pytest.approx(sum(measurement.warmup_batch_s))
    seconds = 5.0 + reading.duration_s + sum(window.duration_s for window in measurement.windows)
    assert energy_metrics.run_wh(measurement) == pytest.approx(100.0 * seconds / 3600)
    assert energy_metrics.run_s(measurement) == pytest.approx(seconds)


@dataclass
class Coarse(FakeMeter):
    """A meter that refuses a stretch shorter than its tick, as CodeCarbon does on a GPU."""

    tick_s: float = 0.0

    def stop(self):
        reading = super().stop()
        if reading.duration_s < self.tick_s:
            raise RuntimeError("shorter than the counter's tick")
        return reading


def test_a_warm_up_too_short_for_a_meter_is_unknown_and_takes_nothing_from_the_run():
    clock = FakeClock()
    plan = procedure(warmup_batches=1, warmup_max_s=0.0, idle_parts=1)
    meters = [Coarse(clock, {"gpu": 100.0}, tick_s=2.0), FakeMeter(clock, {"cpu": 9.0}, name="other")]
    _, measurement = run(clock, meters, plan)
    assert (measurement.warmup, len(measurement.windows)) == ((), 3)
    assert named_metrics.metrics(replace(a_record(), measurement=measurement))["energy/warmup_wh"] is None


def test_what_broke_the_work_is_reported_and_not_a_meter_that_had_too_little_of_it():
    clock, events = FakeClock(), []
    meters = [
        Coarse(clock, {"gpu": 1.0}, events=events, tick_s=9.0),
        FakeMeter(clock, {"cpu": 1.0}, name="outer", events=events),
    ]
    with pytest.raises(ZeroDivisionError):
        Instruments(meters).metered(lambda: 1 / 0)
    assert events[-1] == "outer stop"
    with pytest.raises(RuntimeError, match="tick"):  # the work was done: nothing else is wrong
        Instruments(meters).metered(lambda: clock.sleep(1.0))
    assert events[-1] == "outer stop"
    plan = procedure(idle_s=0.0)
    with pytest.raises(ZeroDivisionError):
        run(clock, meters, plan, seconds=lambda call: 1 / 0)
