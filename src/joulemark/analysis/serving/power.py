"""The energy of a window over its time, component by component: by a power trace where there is one, else evenly.

A trace gives the shape, the component's most trusted reading the whole: the trace is scaled so that its joules over the
window are those of the reading. Without a trace the mean power of the window stands for every moment of it, which is
said with whatever is computed from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from joulemark.analysis import readings as energy
from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window

# Seconds below which a sensor tells nothing. NVML's and AMD's counters and NVML's power are refreshed every 20 to
# 100 ms; RAPL's counters every millisecond; NVML's average power is of the last second. Known watts hold at any moment.
RESOLUTION_S = {"counter": 0.1, "rapl": 0.001, "replayed": 0.0}
TRACE_RESOLUTION_S = {"instant": 0.1, "average": 1.0}


@dataclass(frozen=True)
class Power:
    """One component's energy over the time of the traffic.

    Attributes:
        at_s: moments in ascending order, s after the traffic began; the first and last are the window's ends
        joules: J from the window's beginning to each; in between power is constant
        method: `trace`, or `mean_power` of the whole window
        evidence: how the whole came to be known, one of core.measurement.METHODS
        idle_w: idle power, W; None without a baseline
        resolution_s: seconds below which the sensor tells nothing; infinite where one reading stands for the window
    """

    at_s: Sequence[float]
    joules: Sequence[float]
    method: str
    evidence: str
    idle_w: float | None
    resolution_s: float

    @property
    def measured(self) -> bool:
        """Whether a sensor read it: an estimate has no resolution in time."""
        return self.evidence not in ESTIMATED

    def until(self, moments_s: Any) -> Any:
        """J from the window's beginning to each of the moments, s after the traffic began."""
        import numpy

        return numpy.interp(moments_s, self.at_s, self.joules)

    def between(self, start_s: float, end_s: float) -> float:
        """J between two moments."""
        return float(self.until(end_s) - self.until(start_s))


def powers(measurement: Measurement, window: Window, began_s: float = 0.0) -> Mapping[str, Power]:
    """The power of each component whose energy over the window's work is known.

    `began_s` is when the traffic began, s after the window's work did.
    """
    found = {}
    for component in COMPONENTS:
        reading = energy.source(window.readings, component)
        whole_j = energy.window_j(measurement, window, component)
        if reading is None or whole_j is None:
            continue
        found[component] = _power(
            window, began_s, component, whole_j, reading.method[component], energy.idle_w(measurement, component)
        )
    return found


def _power(
    window: Window, began_s: float, component: str, whole_j: float, evidence: str, idle_w: float | None
) -> Power:
    traced = next((reading for reading in window.readings if _traces(reading, component, window)), None)
    shape = None if traced is None else _shape(traced, window)
    if traced is None or shape is None:
        ends = (-began_s, window.duration_s - began_s)
        return Power(ends, (0.0, whole_j), "mean_power", evidence, idle_w, RESOLUTION_S.get(evidence, inf))
    at_s, joules = shape
    resolution_s = _resolution(traced)
    return Power(at_s - began_s, joules * (whole_j / joules[-1]), "trace", evidence, idle_w, resolution_s)


def _traces(reading: Reading, component: str, window: Window) -> bool:
    """Whether the reading holds the power of this component alone, over the whole window."""
    return len(reading.trace) > 2 and set(reading.method) == {component} and reading.duration_s >= window.duration_s


def _shape(reading: Reading, window: Window) -> tuple[Any, Any] | None:
    """Moments after the window's beginning and J until each, by the trace alone; None of one that has no energy.

    The stretch of the trace is longer than the work, by the other meters' waiting for their ticks at both ends: the
    work is taken to lie in its middle, off by at most half of the excess (0.1 s with NVML's counter).
    """
    import numpy

    seconds, watts = numpy.array(reading.trace, dtype=float).T
    watts = numpy.maximum(watts, 0.0)
    steps = numpy.diff(seconds) * (watts[1:] + watts[:-1]) / 2
    until = numpy.concatenate(([0.0], numpy.cumsum(steps)))
    seconds = seconds - (reading.duration_s - window.duration_s) / 2
    inside = seconds[(seconds > 0) & (seconds < window.duration_s)]
    at_s = numpy.concatenate(([0.0], inside, [window.duration_s]))
    joules = numpy.interp(at_s, seconds, until)
    joules = joules - joules[0]
    return (at_s, joules) if joules[-1] > 0 else None


def _resolution(reading: Reading) -> float:
    """The longer of the time between two samples and what the sensor itself resolves, s."""
    import numpy

    spacing_s = float(numpy.median(numpy.diff([at_s for at_s, _ in reading.trace])))
    return max(spacing_s, TRACE_RESOLUTION_S.get(reading.sensor or "", 0.0))
