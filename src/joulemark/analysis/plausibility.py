"""Whether readings are possible at all: energies of components that a meter claims, and powers that a machine can draw.

Bounds are wide on purpose: what they catch is a wrong unit, a counter that ran over, a sensor that does not exist.
"""

from dataclasses import dataclass
from math import isfinite

from joulemark.analysis import energy_metrics, readings
from joulemark.core.environment import Environment
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.core.units import GIB

CORE_W = 60.0  # more than one busy core of any processor draws, its share of the package included
MEMORY_W_PER_GIB, MEMORY_LEAST_W = 5.0, 60.0  # a DIMM of 16 GiB draws 3 to 5 W; constants of guessed slots are higher

STAGES_RANGE = (0.5, 1.5)  # the stages' sum over the whole, outside of which they are not parts of it


@dataclass(frozen=True)
class Impossible:
    """A reading that cannot be.

    Attributes:
        window: number of the window, the first is 1
        message: what was read, of which component and meter
    """

    window: int
    message: str

    def __str__(self) -> str:
        return f"window {self.window}: {self.message}"


def impossible(measurement: Measurement, environment: Environment) -> list[Impossible]:
    """Every impossible reading of the windows."""
    limits = limits_w(environment)
    return [
        Impossible(number, message)
        for number, window in enumerate(measurement.windows, start=1)
        for reading in window.readings
        for component in reading.method
        if (message := _wrong(window, reading, component, limits.get(component))) is not None
    ]


def limits_w(environment: Environment) -> dict[str, float]:
    """The most that the processor and the memory of a machine can draw, watts; without what is unknown of it."""
    limits = {}
    if environment.cpu_cores:
        limits["cpu"] = CORE_W * environment.cpu_cores
    if environment.memory_bytes:
        limits["ram"] = max(MEMORY_LEAST_W, MEMORY_W_PER_GIB * environment.memory_bytes / GIB)
    return limits


def _wrong(window: Window, reading: Reading, component: str, limit_w: float | None) -> str | None:
    joules = readings.claimed_j(reading, component)
    claimed = f"{reading.meter} claims {component.upper()} energy"
    if joules is None:
        return f"{claimed} and gave none"
    if not isfinite(joules):
        return f"{claimed} and gave {joules}"
    if joules < 0 or (joules == 0 and component in COMPONENTS):
        return f"{claimed} and gave {joules:g} J"
    if limit_w is not None and reading.duration_s > 0 and joules / reading.duration_s > limit_w:
        watts = joules / reading.duration_s
        return f"{claimed} of {watts:.3g} W on average, more than the {limit_w:.3g} W that this machine can draw"
    return None


def stages_share(measurement: Measurement) -> float | None:
    """The energy of all stages over that of a whole inference; None where one of them is not available."""
    metrics = energy_metrics.stage_metrics(measurement)
    parts = [metrics[f"stages/{stage.name}_wh_per_1k"] for stage in measurement.stages]
    known = [part for part in parts if part is not None]
    whole = energy_metrics.wh_per_1k(energy_metrics.total_j(measurement))
    return sum(known) / whole if known and len(known) == len(parts) and whole else None


def stages_disagree(measurement: Measurement, overlapping: bool = False) -> bool:
    """Whether the stages' sum is far from the whole; where batches are prepared while the device works on others it is
    above the whole by design, since each stage is measured alone."""
    share, (least, most) = stages_share(measurement), STAGES_RANGE
    return share is not None and (share < least or (share > most and not overlapping))
