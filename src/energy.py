"""From readings to joules: which meter's view counts, per component, and what an inference cost."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from src import stats
from src.core import COMPONENTS, Measurement, Reading, Window

TICK_S = 0.1  # the longest interval at which an NVIDIA card is known to refresh its counter (H100, 97 to 103 ms)
PARTS = 5  # of a trace of samples: neighbours hang together, so whole stretches are compared


def source(readings: Sequence[Reading], component: str) -> Reading | None:
    """The most trusted reading that saw the component; None if none did."""
    return next((reading for reading in readings if joules(reading, component) is not None), None)


def joules(reading: Reading, component: str) -> float | None:
    """The reading's joules of `gpu`, `cpu` or `ram`; None where it does not see it."""
    value: float | None = getattr(reading, f"{component}_j")
    return value


def method(readings: Sequence[Reading], component: str) -> str | None:
    """How the component's energy came to be known (one of core.METHODS); None if it was not read."""
    reading = source(readings, component)
    return reading.method[component] if reading else None


def idle_w(measurement: Measurement, component: str) -> float | None:
    """Mean watts of the idle baseline, model loaded; None without a baseline or a sensor."""
    reading = source(measurement.idle, component)
    if reading is None or reading.duration_s <= 0:
        return None
    value = joules(reading, component)
    return None if value is None else value / reading.duration_s


def idle_half_width_w(measurement: Measurement, component: str) -> float | None:
    """Half the width of the interval, in watts, that holds the idle power; None where nothing tells it.

    The idle baseline is one stretch and one reading, so there are no repeats to take a deviation from. Two things bound
    it, and the wider counts: one tick of a counter more or less (`TICK_S` of idle power over the baseline; never
    exceeded, so more than 95 %), and, where a meter of the baseline kept samples, Student's 95 % interval over the
    means of its `PARTS` parts. Neither sees idle power that drifts after the baseline. A modelled, constant or replayed
    reading has neither.
    """
    reading, watts = source(measurement.idle, component), idle_w(measurement, component)
    if reading is None or watts is None:
        return None
    bounds = [watts * TICK_S / reading.duration_s] if reading.method.get(component) == "counter" else []
    trace = next((r.trace for r in measurement.idle if r.trace), ()) if component == "gpu" else ()
    if len(trace) >= 2 * PARTS:
        edges = [round(part * len(trace) / PARTS) for part in range(PARTS + 1)]
        parts = stats.estimate([fmean(w for _, w in trace[low:high]) for low, high in pairwise(edges)])
        if parts is not None and parts.half_width is not None:
            bounds.append(parts.half_width)
    return max(bounds, default=None)


def on_j_per_request(measurement: Measurement, component: str) -> float | None:
    """Joules per request of merely being on: idle power for as long as a request took, the mean over windows."""
    watts = idle_w(measurement, component)
    if watts is None or not measurement.windows:
        return None
    return watts * fmean(window.duration_s / window.requests for window in measurement.windows)


def window_j(measurement: Measurement, window: Window, component: str) -> float | None:
    """Gross joules of the component over the window's work alone; None if it was not read.

    A meter's stretch is a little longer than the work (it waits for its sensor to tick; outer meters hold inner
    ones): the excess is taken off at idle power. Without an idle baseline it stays in, an upper bound.
    """
    reading = source(window.readings, component)
    if reading is None:
        return None
    excess_s = max(0.0, reading.duration_s - window.duration_s)
    value = joules(reading, component)
    return None if value is None else value - excess_s * (idle_w(measurement, component) or 0.0)


def total_j_per_request(measurement: Measurement) -> list[float | None]:
    """Gross joules per request of each window, all components that were read; None where none was."""
    totals: list[float | None] = []
    for window in measurement.windows:
        parts = [window_j(measurement, window, component) for component in COMPONENTS]
        read = [part for part in parts if part is not None]
        totals.append(sum(read) / window.requests if read else None)
    return totals
