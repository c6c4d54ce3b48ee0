"""From readings to joules: which meter's view counts, per component, and what an inference cost."""

from collections.abc import Sequence

from src.core import COMPONENTS, Measurement, Reading, Window


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
