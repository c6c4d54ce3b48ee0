"""Readings that cannot be fail the audit, totals never lack a component in silence, and others' work is seen."""

from dataclasses import replace

import pytest

from joulemark.analysis import audit, caveats, energy_metrics, flags, latency_metrics, named_metrics, plausibility
from joulemark.core.environment import Environment
from joulemark.core.measurement import Measurement, Reading, StageWindow, Window
from joulemark.measure.instruments import Instruments
from joulemark.measure.scoring import flagged
from tests.fakes import FakeClock, FakeMeter
from tests.measure.test_runner import a_run, benched
from tests.records import a_record

HOST = Environment(cpu_cores=8, memory_bytes=16 * 2**30)


def window(seconds=10.0, requests=10, **joules):
    method = {name.removesuffix("_j"): "estimated" for name in joules}
    return Window(seconds, (Reading("mine", seconds, **joules, method=method),), 1, requests, requests, [seconds])


@pytest.mark.parametrize(
    ("joules", "says"),
    [
        ({"cpu_j": 1.656e13}, "more than the 480 W that this machine can draw"),
        ({"cpu_j": -5.0}, "gave -5 J"),
        ({"cpu_j": 0.0}, "gave 0 J"),
        ({"ram_j": 1e6}, "more than the 80 W"),
        ({"cpu_j": float("nan")}, "gave nan"),
    ],
)
def test_an_energy_that_cannot_be_is_named_with_its_meter(joules, says):
    (found,) = plausibility.impossible(Measurement(windows=(window(**joules),)), HOST)
    assert says in str(found)
    assert str(found).startswith("window 1: mine claims ")


def test_a_component_that_a_meter_claims_and_does_not_give_is_one_too():
    claimed = replace(window(cpu_j=100.0).readings[0], method={"cpu": "rapl", "ram": "rapl"})
    (found,) = plausibility.impossible(Measurement(windows=(replace(window(), readings=(claimed,)),)), HOST)
    assert str(found) == "window 1: mine claims RAM energy and gave none"


def test_what_a_machine_can_draw_is_possible():
    assert plausibility.impossible(Measurement(windows=(window(cpu_j=4000.0, ram_j=60.0),)), HOST) == []


@pytest.mark.parametrize("watts", [-5.0, 0.0, 4.6e9])
def test_a_run_with_an_impossible_meter_fails_with_its_numbers_kept(watts):
    clock = FakeClock()
    record = benched(a_run(clock, [FakeMeter(clock, {"cpu": watts}, "custom", "estimated")]), clock)
    assert (record.status, bool(record.measurement.windows)) == ("failed", True)
    assert record.error.startswith("the audit failed: window 1: custom claims CPU energy")
    assert audit.verdict(record)[0] == "failed"


def test_a_meter_that_gives_no_number_fails_the_run_by_its_name():
    clock = FakeClock()
    record = benched(a_run(clock, [FakeMeter(clock, {"cpu": float("nan")}, "custom", "estimated")]), clock)
    assert (record.status, record.error) == ("failed", "RuntimeError: meter custom gave nan J of CPU")


def test_a_window_that_lacks_a_component_is_in_no_mean_interval_or_rate_and_flagged():
    whole = window(cpu_j=100.0, ram_j=50.0)
    lacking = replace(whole, readings=(replace(whole.readings[0], ram_j=None, cpu_j=900.0),))
    measurement = Measurement(windows=(whole, lacking, whole), batch_sizes=(10,))
    metrics = energy_metrics.energy_metrics(measurement, None)
    assert metrics["energy/total_wh_per_1k"] == pytest.approx(15.0 * 1000 / 3600)
    assert metrics["energy/ci95_rel"] == 0.0
    assert "incomplete_windows" in flags.measurement_flags(measurement, "hub")


def test_without_a_complete_window_there_is_no_total():
    a, b = window(cpu_j=100.0), window(ram_j=50.0)
    metrics = energy_metrics.energy_metrics(Measurement(windows=(a, b)), None)
    assert metrics["energy/total_wh_per_1k"] is None
    assert metrics["energy/cpu_wh_per_1k"] == pytest.approx(10.0 * 1000 / 3600)


def test_pooled_energy_is_power_over_throughput_also_where_windows_are_uneven():
    windows = (window(10.0, 10, cpu_j=100.0), window(30.0, 90, cpu_j=450.0))
    measurement = Measurement(windows=windows, batch_sizes=(10,))
    joules = energy_metrics.total_j(measurement)
    rate = latency_metrics.latency_metrics(measurement)["throughput/requests_per_s"]
    assert joules == pytest.approx(5.5)
    assert joules * rate == pytest.approx(550.0 / 40.0)


def test_a_total_says_what_it_does_not_hold():
    record = flagged(a_record(), a_record().measurement)
    assert "partial_total" not in record.flags
    alone = replace(
        record.measurement,
        windows=tuple(replace(each, readings=each.readings[:1]) for each in record.measurement.windows),
    )
    partial = flagged(record, alone)
    assert "partial_total" in partial.flags
    assert any("(not available: RAM)" in line for line in caveats.warnings(partial))


@pytest.mark.parametrize(("times", "flagged_", "ahead"), [(0.5, True, True), (1.0, False, False), (54.0, True, False)])
def test_stages_that_do_not_add_up_to_the_whole_are_flagged_but_for_more_where_batches_are_prepared_ahead(
    times, flagged_, ahead
):
    stages = (StageWindow("a", window(cpu_j=40.0 * times)), StageWindow("b", window(cpu_j=50.0 * times)))
    measurement = Measurement(windows=(window(cpu_j=100.0),), stages=stages)
    assert ("stages_disagree" in flags.measurement_flags(measurement, "hub")) is flagged_
    assert ("stages_disagree" in flags.measurement_flags(measurement, "hub", overlapping=True)) is ahead


def test_a_window_within_which_the_process_was_stopped_is_measured_again():
    clock, stopped = FakeClock(), [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    run = a_run(clock)
    from joulemark.core.task import Inputs
    from joulemark.measure import runner
    from joulemark.measure.draft import draft
    from tests.measure.test_runner import SAMPLES

    counts = iter(stopped[1:])
    instruments = Instruments(clock=clock, suspensions=lambda: next(counts))
    record = runner.bench(run, draft(run, Inputs(SAMPLES)), SAMPLES, lambda step, record: None, instruments)
    assert record.status == "finished"
    assert record.measurement.suspended_windows == 1
    assert "suspended" in record.flags
    assert len(record.requests) == len(SAMPLES)


@pytest.mark.parametrize(("own", "flag"), [(0.9, False), (0.2, True)])
def test_others_work_on_the_hosts_processors_contaminates_a_run_on_them_with_how_much(own, flag):
    clock = FakeClock()
    from joulemark.core.task import Inputs
    from joulemark.measure import runner
    from joulemark.measure.draft import draft
    from tests.fakes import procedure
    from tests.measure.test_runner import SAMPLES

    run = a_run(clock, procedure=procedure(busy_max=0.15))
    instruments = Instruments(clock=clock, busy_s=lambda: clock.now(), own_busy_s=lambda servers: own * clock.now())
    record = runner.bench(run, draft(run, Inputs(SAMPLES)), SAMPLES, lambda step, record: None, instruments)
    assert ("contaminated" in record.flags) is flag
    if flag:
        assert any("80% of the host's cores" in line for line in caveats.warnings(record))
    assert named_metrics.metrics(record)
