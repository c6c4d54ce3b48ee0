"""From readings to joules: which meter's view counts, per component, and what an inference cost."""

from collections.abc import Sequence

from joulemark.core import stats
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.core.quantities import LARGEST

READ = ("counter", "rapl", "sampled")  # methods of readings whose scatter says how well a component's power is known


def source(readings: Sequence[Reading], component: str) -> Reading | None:
    """The most trusted reading that saw the component, whatever it read; None if none did."""
    return next((reading for reading in readings if claimed_j(reading, component) is not None), None)


def joules(reading: Reading, component: str) -> float | None:
    """The reading's joules of `gpu`, `cpu` or `ram`; None where it does not see it, and for what no energy can be."""
    value = claimed_j(reading, component)
    return value if value is not None and 0 <= value <= LARGEST else None


def claimed_j(reading: Reading, component: str) -> float | None:
    """What the meter gave as joules of a component, impossible as it may be: for the audit."""
    value: float | None = getattr(reading, f"{component}_j")
    return value


def method(readings: Sequence[Reading], component: str) -> str | None:
    """How the component's energy came to be known (one of core.METHODS); None if it is not available."""
    reading = source(readings, component)
    return reading.method[component] if reading else None


def idle_w(measurement: Measurement, component: str) -> float | None:
    """Mean watts of the idle baseline, model loaded; None without a baseline or a sensor."""
    parts = _idle_parts(measurement, component)
    seconds = sum(duration_s for _, duration_s in parts)
    return sum(value for value, _ in parts) / seconds if seconds > 0 else None


def idle_j(measurement: Measurement, component: str) -> float | None:
    """Joules of the idle baseline, all its parts together; None without a baseline or a sensor."""
    parts = _idle_parts(measurement, component)
    return sum(value for value, _ in parts) if parts else None


def idle_half_width_w(measurement: Measurement, component: str) -> float | None:
    """Half of Student's 95 % interval of the idle power in watts, over the parts of its baseline.

    None where no sensor read it, and where the baseline is one part, which has no spread. The parts follow each
    other at once: idle power that drifts afterwards is not in it.
    """
    trusted = source(measurement.idle, component)
    if trusted is None or trusted.method.get(component) not in READ:
        return None
    estimate = stats.estimate([value / duration_s for value, duration_s in _idle_parts(measurement, component)])
    return estimate.half_width if estimate else None


def _idle_parts(measurement: Measurement, component: str) -> list[tuple[float, float]]:
    """Joules and seconds of each part of the idle baseline, as the component's most trusted meter saw it."""
    trusted = source(measurement.idle, component)
    return [
        (value, reading.duration_s)
        for reading in measurement.idle
        if trusted is not None and reading.meter == trusted.meter
        if (value := joules(reading, component)) is not None and reading.duration_s > 0
    ]


def idle_j_per_request(measurement: Measurement, component: str) -> float | None:
    """Idle (static) joules per request: idle power for as long as a request took, over the complete windows."""
    watts, windows = idle_w(measurement, component), complete_windows(measurement)
    if watts is None or not windows:
        return None
    return watts * sum(window.duration_s for window in windows) / sum(window.requests for window in windows)


def complete_windows(measurement: Measurement) -> tuple[Window, ...]:
    """The windows in which each component that any window's meters read is available: those of every mean and total."""
    read = [each for each in COMPONENTS if any(source(window.readings, each) for window in measurement.windows)]
    return tuple(
        window
        for window in measurement.windows
        if all(window_j(measurement, window, component) is not None for component in read)
    )


def windows_with(measurement: Measurement, component: str) -> tuple[Window, ...]:
    """The windows that tell a component's energy: the complete ones, where there are none those that read it."""
    windows = complete_windows(measurement) if component in COMPONENTS else ()
    known = windows or measurement.windows
    return tuple(window for window in known if window_j(measurement, window, component) is not None)


def window_j(measurement: Measurement, window: Window, component: str) -> float | None:
    """Gross joules of the component over the window's work alone; None if it is not available, or
    is not distinguishable from idle.

    A meter's stretch is a little longer than the work (it waits for its sensor to tick; outer meters hold inner
    ones): the excess is taken off at idle power. Without an idle baseline it stays in, an upper bound. Where less than
    nothing is left the window was too short for the meter: no work gives energy back.
    """
    value = signed_j(measurement, window, component)
    return value if value is not None and 0 <= value <= LARGEST else None


def signed_j(measurement: Measurement, window: Window, component: str) -> float | None:
    """What is left of the reading when its excess is taken off, below nothing too: for whoever doubts the meter."""
    reading = source(window.readings, component)
    if reading is None:
        return None
    excess_s = max(0.0, reading.duration_s - window.duration_s)
    value = claimed_j(reading, component)
    return None if value is None else value - excess_s * (idle_w(measurement, component) or 0.0)


def total_j_per_request(measurement: Measurement) -> list[float | None]:
    """Gross joules per request of each window, all components that were read; None where one of them is missing."""
    complete = complete_windows(measurement)
    totals: list[float | None] = []
    for window in measurement.windows:
        parts = [window_j(measurement, window, component) for component in COMPONENTS] if window in complete else []
        read = [part for part in parts if part is not None]
        totals.append(sum(read) / window.requests if read else None)
    return totals
