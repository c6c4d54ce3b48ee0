"""A run over its time and over its windows, as series of points: what pages draw, computed from the record alone.

`system/…` has MLflow's own names where the quantity is the same (its system metrics monitor, which never runs here:
nothing samples beside a measurement), `windows/…` one value for each window, its number as the step.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from statistics import fmean

from joulemark.analysis import readings
from joulemark.analysis.energy_metrics import ESTIMATED, wh_per_1k
from joulemark.analysis.latency_metrics import latency_metrics
from joulemark.core import stats
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.core.record import Record
from joulemark.core.stats import product_of_all

SYSTEM, WINDOWS = "system/", "windows/"
OVER_TIME = (SYSTEM, WINDOWS)  # names that are no figure of the whole run
POINTS = 200  # of one series; of more, means of neighbours

Moment = tuple[float, float]  # seconds on the run's clock, value


@dataclass(frozen=True)
class Point:
    """One value of a series.

    Attributes:
        name: of the series
        value: in the unit that the name ends with
        at_ms: when, ms since the epoch
        step: its place in the series; the number of the window
    """

    name: str
    value: float
    at_ms: int
    step: int


def points(record: Record) -> list[Point]:
    """All points of the record, each series in order; of one whose moments nobody kept those of its windows alone."""
    return [*_system(record), *_windows(record)]


def _system(record: Record) -> Iterator[Point]:
    zero_s = record.measurement.clock_zero_s
    if zero_s is None:
        return
    series: dict[str, list[Moment]] = defaultdict(list)
    for name, at_s, value in (*_looks(record), *_powers(record), *_utilizations(record)):
        if value is not None and isfinite(value):
            series[SYSTEM + name].append((at_s, value))
    for name, moments in series.items():
        for step, (at_s, value) in enumerate(_thinned(sorted(moments))):
            yield Point(name, value, round((zero_s + at_s) * 1000), step)


def _thinned(moments: Sequence[Moment]) -> list[Moment]:
    """No more than POINTS: each the mean of as many neighbours, so that a peak is lower and the energy the same."""
    size = -(-len(moments) // POINTS)
    groups = [moments[start : start + size] for start in range(0, len(moments), size)]
    return [(fmean(at_s for at_s, _ in group), fmean(value for _, value in group)) for group in groups]


def _looks(record: Record) -> Iterator[tuple[str, float, float | None]]:
    """The GPUs between windows: of several the sum or the extreme that the record holds."""
    gpu = _gpu(record)
    for look in record.measurement.gpu_states:
        yield f"{gpu}_power_usage_watts", look.at_s, look.power_w
        yield f"{gpu}_temperature_celsius", look.at_s, look.temperature_c
        yield f"{gpu}_sm_clock_megahertz", look.at_s, product_of_all(look.sm_clock_hz, 1e-6)
        yield f"{gpu}_utilization_percentage", look.at_s, product_of_all(look.utilization, 100)
        yield f"{gpu}_memory_usage_megabytes", look.at_s, product_of_all(look.memory_bytes, 1e-6)


def _powers(record: Record) -> Iterator[tuple[str, float, float | None]]:
    """The mean power of every metered stretch at its middle, or its samples where a meter kept them."""
    for stretch in _stretches(record.measurement):
        for component in (*COMPONENTS, "wall"):
            trusted = readings.source(stretch, component)
            if trusted is None:
                continue
            estimated = "_estimated" if trusted.method.get(component) in ESTIMATED else ""
            name = f"{_gpu(record) if component == 'gpu' else component}_power_usage{estimated}_watts"
            traced = next((each for each in stretch if each.trace and set(each.method) == {component}), None)
            if traced is not None and traced.at_s is not None:
                yield from ((name, traced.at_s + at_s, watts) for at_s, watts in traced.trace)
            else:
                for each in stretch:
                    if each.meter == trusted.meter and (middle_s := _middle_s(each)) is not None:
                        yield name, middle_s, product_of_all(readings.joules(each, component), 1 / each.duration_s)


def _utilizations(record: Record) -> Iterator[tuple[str, float, float | None]]:
    for window in record.measurement.windows:
        for reading in window.readings:
            if (middle_s := _middle_s(reading)) is not None:
                yield f"{_gpu(record)}_utilization_percentage", middle_s, product_of_all(reading.gpu_utilization, 100)
        if (began_s := _began_s(window)) is not None:
            yield (
                "cpu_utilization_percentage",
                began_s + window.duration_s / 2,
                product_of_all(window.cpu_utilization, 100),
            )


def _stretches(measurement: Measurement) -> Iterator[Sequence[Reading]]:
    """What was metered in this run: an idle baseline of an earlier run of the process lies before it began."""
    yield measurement.load
    yield measurement.idle if measurement.idle_age_s is None else ()
    yield measurement.warmup
    yield from (window.readings for window in measurement.windows)
    yield from (stage.window.readings for stage in measurement.stages)


def _gpu(record: Record) -> str:
    """MLflow's name of the GPU, by the number that NVML gives it; `gpus` of several together."""
    return "gpus" if len(record.hardware.uuids) > 1 else f"gpu_{record.hardware.index}"


def _middle_s(reading: Reading) -> float | None:
    return None if reading.at_s is None or reading.duration_s <= 0 else reading.at_s + reading.duration_s / 2


def _began_s(window: Window) -> float | None:
    """When the work began: once the last meter, the most trusted one, had started."""
    return max((reading.at_s for reading in window.readings if reading.at_s is not None), default=None)


def _windows(record: Record) -> Iterator[Point]:
    """Of each window its own values, and of all until its end what the run's metrics would have been."""
    measurement = record.measurement
    began_ms = int(datetime.fromisoformat(record.started_at).timestamp() * 1000)
    joules = readings.total_j_per_request(measurement)
    spent_j = requests = 0.0
    for number, window in enumerate(measurement.windows, start=1):
        known = [value for value in joules[:number] if value is not None]  # of the windows that every mean is over
        own_j, interval = joules[number - 1], stats.estimate(known)
        if own_j is not None:
            spent_j, requests = spent_j + own_j * window.requests, requests + window.requests
        alone = latency_metrics(replace(measurement, windows=(window,)))
        values = {
            "energy_wh_per_1k": wh_per_1k(own_j),
            "energy_so_far_wh_per_1k": wh_per_1k(spent_j / requests if requests else None),
            "energy_so_far_ci95_rel": interval.relative if interval else None,
            "latency_mean_s": alone["latency/mean_s"],
            "latency_p95_s": alone["latency/p95_s"],
            "requests_per_s": alone["throughput/requests_per_s"],
            "units_per_s": alone["throughput/units_per_s"],
        }
        at_ms = _ended_ms(measurement, window) or began_ms
        for name, value in values.items():
            if value is not None and isfinite(value):
                yield Point(WINDOWS + name, value, at_ms, number)


def _ended_ms(measurement: Measurement, window: Window) -> int | None:
    began_s, zero_s = _began_s(window), measurement.clock_zero_s
    return None if began_s is None or zero_s is None else round((zero_s + began_s + window.duration_s) * 1000)
