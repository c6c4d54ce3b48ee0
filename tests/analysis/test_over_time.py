"""A run over its time and its windows: each point is something that was read, at the moment when it was."""

from collections import defaultdict
from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics, over_time
from joulemark.core.measurement import GpuState, Reading
from tests.fakes import FakeClock
from tests.records import a_record

ZERO_MS = FakeClock().zero() * 1000
LAST_ARE_THE_RUNS = {
    "windows/energy_so_far_wh_per_1k": "energy/total_wh_per_1k",
    "windows/energy_so_far_ci95_rel": "energy/ci95_rel",
}


def series(record):
    """Name -> its points, (step, ms after the clock was zero, value)."""
    found = defaultdict(list)
    for point in over_time.points(record):
        found[point.name].append((point.step, point.at_ms - ZERO_MS, point.value))
    return found


def on_a_card(record, *looks, **hardware):
    card = replace(record.hardware, device="cuda", uuid="GPU-a", index=2, **hardware)
    return replace(record, hardware=card, measurement=replace(record.measurement, gpu_states=looks))


def with_gpu(record, **reading):
    """The record whose windows a meter of the GPU read, beside the others."""
    reading = {"method": {"gpu": "counter"}, **reading}
    windows = tuple(
        replace(w, readings=(Reading("gpu", w.duration_s, at_s=w.readings[0].at_s, **reading), *w.readings))
        for w in record.measurement.windows
    )
    return replace(record, measurement=replace(record.measurement, windows=windows))


def test_every_window_is_a_step_and_the_last_step_of_all_so_far_is_the_runs_own_figure():
    record = a_record()
    found, metrics = series(record), named_metrics.metrics(record)
    count = len(record.measurement.windows)
    assert [step for step, _, _ in found["windows/energy_wh_per_1k"]] == list(range(1, count + 1))
    for name, of_run in LAST_ARE_THE_RUNS.items():
        assert found[name][-1][::2] == (count, pytest.approx(metrics[of_run]))
    requests = sum(window.requests for window in record.measurement.windows)
    rates = [value for _, _, value in found["windows/requests_per_s"]]
    assert rates == [pytest.approx(w.requests / w.duration_s) for w in record.measurement.windows]
    mean = sum(
        value * window.requests
        for (_, _, value), window in zip(found["windows/latency_mean_s"], record.measurement.windows, strict=True)
    )
    assert mean / requests == pytest.approx(metrics["latency/mean_s"])


def test_no_series_has_the_name_of_a_metric_of_the_whole_run():
    record = on_a_card(with_gpu(a_record(), gpu_j=600.0), GpuState(1.0, 40.0, 1e9, 70.0, 0.1, memory_bytes=1e9))
    names = set(series(record))
    assert not names & set(named_metrics.metrics(record))
    assert all(name.startswith(over_time.OVER_TIME) for name in names)


def test_a_look_at_the_card_is_drawn_at_its_moment_under_mlflows_names():
    look = GpuState(3.5, temperature_c=61.0, sm_clock_hz=1.98e9, power_w=310.0, utilization=0.4, memory_bytes=2e9)
    found = series(on_a_card(a_record(), look))
    assert found["system/gpu_2_temperature_celsius"] == [(0, 3500, 61.0)]
    assert found["system/gpu_2_sm_clock_megahertz"] == [(0, 3500, pytest.approx(1980))]
    assert found["system/gpu_2_power_usage_watts"] == [(0, 3500, 310.0)]
    assert found["system/gpu_2_utilization_percentage"] == [(0, 3500, pytest.approx(40))]
    assert found["system/gpu_2_memory_usage_megabytes"] == [(0, 3500, pytest.approx(2000))]
    dark = series(on_a_card(a_record(), GpuState(3.5)))
    assert not [name for name in dark if "gpu" in name]  # not reported is no point, never a zero


def test_several_cards_together_are_not_drawn_as_one_of_them():
    found = series(on_a_card(a_record(), GpuState(1.0, power_w=140.0), beside=((3, "GPU-b"),)))
    assert found["system/gpus_power_usage_watts"] == [(0, 1000, 140.0)]
    assert not [name for name in found if "gpu_" in name]


def test_what_was_estimated_is_called_so_and_has_the_power_of_each_stretch_at_its_middle():
    record = a_record()
    found = series(record)
    assert "system/cpu_power_usage_watts" not in found
    powers = found["system/cpu_power_usage_estimated_watts"]
    assert {round(watts, 6) for _, _, watts in powers} == {50.0}
    assert [step for step, _, _ in powers] == list(range(len(powers)))
    moments = [at_ms for _, at_ms, _ in powers]
    assert moments == sorted(moments)
    window = record.measurement.windows[-1]
    reading = next(each for each in window.readings if each.cpu_j is not None)
    assert round(1000 * (reading.at_s + reading.duration_s / 2)) in moments


def test_samples_of_a_trace_stand_for_its_windows_and_are_thinned_to_the_same_mean():
    record = a_record()
    count = len(record.measurement.windows)
    trace = tuple((number / 100, float(number % 50)) for number in range(5000))
    found = series(on_a_card(with_gpu(record, gpu_j=1.0, trace=trace)))["system/gpu_2_power_usage_watts"]
    assert 0 < len(found) <= over_time.POINTS
    size = 5000 * count / len(found)
    assert size == int(size)
    assert sum(watts for _, _, watts in found) / len(found) == pytest.approx(24.5)


def test_an_idle_baseline_of_an_earlier_run_is_not_drawn_within_this_one():
    record = a_record()
    own = len(series(record)["system/cpu_power_usage_estimated_watts"])
    borrowed = replace(record, measurement=replace(record.measurement, idle_age_s=60.0))
    idle = sum(reading.cpu_j is not None for reading in record.measurement.idle)
    assert idle
    assert len(series(borrowed)["system/cpu_power_usage_estimated_watts"]) == own - idle


def test_a_record_that_kept_no_moments_has_its_windows_alone_at_the_runs_beginning():
    record = a_record()
    older = replace(record, measurement=replace(record.measurement, clock_zero_s=None))
    found = series(older)
    assert found
    assert all(name.startswith("windows/") for name in found)
    assert len({at_ms for points in found.values() for _, at_ms, _ in points}) == 1
