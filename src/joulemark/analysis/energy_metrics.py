"""The energy and power of a run by name, from its readings.

Energies are per 1,000 inferences in Wh, gross unless the name says dynamic. A value that is not available is None.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import hypot
from statistics import fmean

from joulemark.analysis import readings as energy
from joulemark.core import stats
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.core.units import J_PER_WH, PER

ESTIMATED = ("estimated", "constant")  # methods of components that no sensor measured

Metrics = dict[str, float | None]


def energy_metrics(measurement: Measurement, quality: float | None) -> Metrics:
    """Energy by component, its interval, and the energy per unit and per correct prediction."""
    parts = {component: component_j(measurement, component) for component in COMPONENTS}
    total = total_j(measurement)
    totals = [joules for joules in energy.total_j_per_request(measurement) if joules is not None]
    interval = stats.estimate(totals)
    windows = energy.complete_windows(measurement)
    requests, units = sum(window.requests for window in windows), sum(window.units for window in windows)
    correct = max(0.0, quality or 0.0)  # a rank correlation may be below zero: no share of predictions is
    return {
        "energy/total_wh_per_1k": wh_per_1k(total),
        **{f"energy/{component}_wh_per_1k": wh_per_1k(joules) for component, joules in parts.items()},
        **idle_metrics(measurement),
        "energy/ci95_rel": interval.relative if interval else None,
        "energy/estimated_share": estimated_share(measurement),
        "energy/j_per_unit": total * requests / units if total is not None and units else None,
        "energy/j_per_correct": total / correct if total is not None and correct else None,
        "energy/load_wh": _stretch_wh(measurement.load),
        "energy/warmup_wh": _stretch_wh(measurement.warmup),
        "energy/run_wh": run_wh(measurement),
        "energy/run_s": run_s(measurement),
    }


def run_wh(measurement: Measurement) -> float | None:
    """Wh of all that was metered in the run; None where nothing was.

    Importing, scoring and the moments between windows have no reading: a lower bound of what the run took. `run_s` is
    the time that it covers.
    """
    all_j = [_reading_j(readings, component) for readings in _stretches(measurement) for component in COMPONENTS]
    if measurement.idle_age_s is None:  # else it is in the Wh of the run that measured it
        all_j += [energy.idle_j(measurement, component) for component in COMPONENTS]
    read = [joules for joules in all_j if joules is not None]
    return sum(read) / J_PER_WH if read else None


def run_s(measurement: Measurement) -> float | None:
    """Seconds of all that was metered in the run, by the meter that was on longest; None where nothing was."""
    seconds: dict[str, float] = defaultdict(float)
    own_idle = measurement.idle if measurement.idle_age_s is None else ()
    for readings in (*_stretches(measurement), own_idle):
        for reading in readings:
            seconds[reading.meter] += reading.duration_s
    return max(seconds.values(), default=None)


def _stretches(measurement: Measurement) -> tuple[Sequence[Reading], ...]:
    """What was metered, less the idle baseline, whose readings are those of several parts."""
    windows = (*measurement.windows, *(stage.window for stage in measurement.stages))
    return (measurement.load, measurement.warmup, *(window.readings for window in windows))


def _stretch_wh(readings: Sequence[Reading]) -> float | None:
    """Wh of all components of one stretch; None where none was read."""
    read = [joules for component in COMPONENTS if (joules := _reading_j(readings, component)) is not None]
    return sum(read) / J_PER_WH if read else None


def component_j(measurement: Measurement, component: str) -> float | None:
    """Gross joules per request of one component, pooled over windows: all its joules over all their requests."""
    windows = energy.windows_with(measurement, component)
    joules = [energy.window_j(measurement, window, component) or 0.0 for window in windows]
    return sum(joules) / sum(window.requests for window in windows) if windows else None


def total_j(measurement: Measurement) -> float | None:
    """Gross joules per request of all components that were read; None where no window has all of them."""
    if not energy.complete_windows(measurement):
        return None
    read = [joules for c in COMPONENTS if (joules := component_j(measurement, c)) is not None]
    return sum(read) if read else None


def idle_metrics(measurement: Measurement) -> Metrics:
    """Gross energy as idle (static) and dynamic energy, over the components that have an idle reading.

    Idle energy is idle power times the time of an inference, dynamic energy is gross less that: also the marginal cost,
    what one more inference adds to a machine that is on, loaded and waiting. On a machine that is never idle one more
    inference needs more machine, and costs gross.
    """
    parts = {
        component: (gross_j, idle_j)
        for component in COMPONENTS
        if (gross_j := component_j(measurement, component)) is not None
        and (idle_j := energy.idle_j_per_request(measurement, component)) is not None
    }
    dynamic = {component: gross_j - idle_j for component, (gross_j, idle_j) in parts.items()}
    return {
        "energy/gpu_dynamic_wh_per_1k": wh_per_1k(dynamic.get("gpu")),
        "energy/dynamic_wh_per_1k": wh_per_1k(sum(dynamic.values())) if dynamic else None,
        "energy/dynamic_ci95_rel": _dynamic_relative(measurement, tuple(parts)),
        "energy/idle_wh_per_1k": wh_per_1k(sum(idle_j for _, idle_j in parts.values())) if parts else None,
    }


def _dynamic_relative(measurement: Measurement, components: Sequence[str]) -> float | None:
    """Half of the within-run interval of dynamic energy over its mean, from the scatter of windows and of idle power.

    None where windows leave the scatter unknown, and where the mean is not above zero, of which nothing is a share.
    """
    values = []
    windows = energy.complete_windows(measurement)
    for window in windows:
        parts = [(energy.window_j(measurement, window, each), energy.idle_w(measurement, each)) for each in components]
        known = [(joules, watts) for joules, watts in parts if joules is not None and watts is not None]
        if components and len(known) == len(components):
            values.append(sum(joules - watts * window.duration_s for joules, watts in known) / window.requests)
    estimate = stats.estimate(values)
    if estimate is None or estimate.half_width is None or estimate.mean <= 0:
        return None
    seconds = sum(window.duration_s for window in windows) / sum(window.requests for window in windows)
    idle = [(energy.idle_half_width_w(measurement, component) or 0.0) * seconds for component in components]
    return hypot(estimate.half_width, *idle) / estimate.mean


def estimated_share(measurement: Measurement) -> float | None:
    """The share of the total energy that no sensor measured, in [0, 1]."""
    parts = {c: joules for c in COMPONENTS if (joules := component_j(measurement, c)) is not None}
    if not parts or not measurement.windows or not sum(parts.values()):
        return None
    readings = measurement.windows[0].readings
    return sum(j for c, j in parts.items() if energy.method(readings, c) in ESTIMATED) / sum(parts.values())


def wall_metrics(measurement: Measurement) -> Metrics:
    """Energy at the socket as an external meter read it, never part of the total, and the components' share of it."""
    wall = component_j(measurement, "wall")
    parts = [joules for c in COMPONENTS if (joules := component_j(measurement, c)) is not None]
    return {
        "energy/wall_wh_per_1k": wh_per_1k(wall),
        "energy/wall_share": sum(parts) / wall if wall and parts else None,
    }


def stage_metrics(measurement: Measurement) -> Metrics:
    """Energy (Wh per 1,000 inferences, gross, all components read) and mean seconds of each stage of an inference."""
    metrics: Metrics = {}
    for stage in measurement.stages:
        parts = [energy.window_j(measurement, stage.window, component) for component in COMPONENTS]
        read = [joules for joules in parts if joules is not None]
        metrics[f"stages/{stage.name}_wh_per_1k"] = wh_per_1k(sum(read) / stage.window.requests) if read else None
        metrics[f"stages/{stage.name}_s"] = fmean(stage.window.batch_s)
    return metrics


def power_metrics(measurement: Measurement) -> Metrics:
    """Mean watts of the GPU at work and idle, and the utilization of GPU and CPU."""
    return {
        "power/gpu_mean_w": _gpu_mean_w(measurement),
        "power/idle_w": energy.idle_w(measurement, "gpu"),
        "power/idle_ci95_w": energy.idle_half_width_w(measurement, "gpu"),
        "utilization/gpu": _mean(measurement, _gpu_utilization),
        "utilization/cpu": _mean(measurement, lambda window: window.cpu_utilization),
    }


def methods(measurement: Measurement) -> dict[str, str | None]:
    """The evidence of each component's energy (one of core.measurement.METHODS); None where it is not available."""
    readings = measurement.windows[0].readings if measurement.windows else measurement.idle or measurement.load
    return {component: energy.method(readings, component) for component in COMPONENTS}


def _gpu_utilization(window: Window) -> float | None:
    return next((r.gpu_utilization for r in window.readings if r.gpu_utilization is not None), None)


def _reading_j(readings: Sequence[Reading], component: str) -> float | None:
    reading = energy.source(readings, component)
    return energy.joules(reading, component) if reading else None


def _gpu_mean_w(measurement: Measurement) -> float | None:
    """Mean watts of the GPU, pooled over windows."""
    windows = energy.windows_with(measurement, "gpu")
    seconds = sum(window.duration_s for window in windows)
    return sum(energy.window_j(measurement, window, "gpu") or 0.0 for window in windows) / seconds if seconds else None


def _mean(measurement: Measurement, value: Callable[[Window], float | None]) -> float | None:
    values: Sequence[float] = [v for window in measurement.windows if (v := value(window)) is not None]
    return fmean(values) if values else None


def wh_per_1k(j_per_request: float | None) -> float | None:
    """Wh of 1,000 requests."""
    return None if j_per_request is None else j_per_request * PER / J_PER_WH
