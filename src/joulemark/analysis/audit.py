"""The self-audit of a run: do the views of one window agree, and are they possible at all?

Pure functions over a Measurement: an old record can be audited again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from joulemark.analysis import readings
from joulemark.analysis.plausibility import Impossible, impossible
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.procedure import Procedure
from joulemark.core.record import Record
from joulemark.hardware.gpu_state import POWER_CAP, THROTTLED

LONG_S_BEFORE = 10.0  # of records from before their protocol said it


@dataclass(frozen=True)
class Check:
    """One comparison: what was compared in which window, by how much it is off, and how much it may be."""

    what: str
    window: int
    off_rel: float
    limit_rel: float

    @property
    def passed(self) -> bool:
        """Whether the two are as close as they must be."""
        return self.off_rel <= self.limit_rel

    def __str__(self) -> str:
        return f"window {self.window}: {self.what} off by {self.off_rel:.2%}, at most {self.limit_rel:.0%} is allowed"


def of(record: Record) -> list[Check]:
    """Every check of a record; none of one that was measured before there was an audit."""
    return checks(record.measurement, record.protocol, record.hardware.power_limit_w)


def failures(record: Record) -> list[Check | Impossible]:
    """Every check that failed and every reading that cannot be, the impossible ones first."""
    failed = [check for check in of(record) if not check.passed]
    return [*impossible(record.measurement, record.environment), *failed]


def checks(measurement: Measurement, protocol: Procedure, power_limit_w: float | None) -> list[Check]:
    """Every check that the readings allow; a run with one sensor and no limit has few, which its verdict says."""
    return [
        check
        for number, window in enumerate(measurement.windows, start=1)
        for check in (
            *_sensors(measurement, number, window, protocol),
            *_clocks(number, window, protocol),
            *_power(measurement, number, window, protocol, power_limit_w),
        )
    ]


def _sensors(measurement: Measurement, number: int, window: Window, protocol: Procedure) -> Iterator[Check]:
    """The card's energy by each meter against the most trusted one, each freed of its own excess at idle power."""
    views = [
        (reading, joules) for reading in window.readings if (joules := _gpu_j(measurement, window, reading)) is not None
    ]
    for reading, joules in views[1:]:
        first, trusted = views[0]
        counted = reading.method["gpu"] == first.method["gpu"] == "counter"
        long_s = LONG_S_BEFORE if protocol.audit_long_s is None else protocol.audit_long_s
        if (counted and window.duration_s < long_s) or trusted <= 0:
            continue
        limit = protocol.audit_rel if counted else protocol.audit_sampled_rel
        if limit is not None:
            yield Check(
                f"GPU energy by {reading.meter} against {first.meter}", number, abs(joules / trusted - 1), limit
            )


def _gpu_j(measurement: Measurement, window: Window, reading: Reading) -> float | None:
    if reading.gpu_j is None:
        return None
    return reading.gpu_j - max(0.0, reading.duration_s - window.duration_s) * (
        readings.idle_w(measurement, "gpu") or 0.0
    )


def _clocks(number: int, window: Window, protocol: Procedure) -> Iterator[Check]:
    """A meter's own duration must lie between what passed within its edges and what passed around them."""
    if protocol.audit_clock_rel is None:
        return
    for reading in window.readings:
        if reading.within_s is None or reading.around_s is None or window.duration_s <= 0:
            continue
        short, long = reading.within_s - reading.duration_s, reading.duration_s - reading.around_s
        off = max(0.0, short, long) / window.duration_s
        yield Check(f"the duration of {reading.meter}", number, off, protocol.audit_clock_rel)


def _power(
    measurement: Measurement, number: int, window: Window, protocol: Procedure, limit_w: float | None
) -> Iterator[Check]:
    """Mean power cannot lie below the idle baseline's, nor above the card's limit."""
    joules, idle_w = readings.signed_j(measurement, window, "gpu"), readings.idle_w(measurement, "gpu")
    if joules is None or window.duration_s <= 0:
        return
    mean_w = joules / window.duration_s
    if idle_w and protocol.audit_sampled_rel is not None:
        below = max(0.0, 1 - mean_w / idle_w)
        yield Check("mean GPU power below idle", number, below, protocol.audit_sampled_rel)
    if limit_w and protocol.audit_power_rel is not None:
        above = max(0.0, mean_w / limit_w - 1)
        yield Check("mean GPU power above the card's limit", number, above, protocol.audit_power_rel)


def others(measurement: Measurement) -> list[int]:
    """The process ids that computed on the card beside this run, before, during or after it."""
    return sorted({pid for look in measurement.gpu_states for pid in look.others or ()})


def contaminated(measurement: Measurement, busy_max: float | None) -> bool:
    """Whether others used the card: seen as processes, or as work on it before this run began (ids may be hidden)."""
    busy = measurement.gpu_states[0].utilization if measurement.gpu_states else None
    return bool(others(measurement)) or (busy is not None and busy_max is not None and busy > busy_max)


def flags(measurement: Measurement, busy_max: float | None) -> tuple[str, ...]:
    """The words of warning that the card's state calls for."""
    raised = {
        "contaminated": contaminated(measurement, busy_max),
        "power_capped": power_capped(measurement),
        "throttled": bool(held_back(measurement)),
    }
    return tuple(name for name, on in raised.items() if on)


def held_back(measurement: Measurement) -> list[str]:
    """What slowed the card down between the windows, in words."""
    reasons = _reasons(measurement)
    return [word for bit, word in THROTTLED.items() if reasons & bit]


def power_capped(measurement: Measurement) -> bool:
    """Whether the power limit held the clock."""
    return bool(_reasons(measurement) & POWER_CAP)


def _reasons(measurement: Measurement) -> int:
    reasons = 0
    for look in measurement.gpu_states:
        reasons |= look.reasons or 0
    return reasons


DOUBTFUL = (
    "contaminated",
    "preliminary",
    "estimated",
    "shared",
    "throttled",
    "errors",
    "overloaded",
    "not_converged",
    "warmup_not_converged",
    "one_class",
    "sorted_rows",
    "skipped_rows",
    "host_busy",
    "incomplete_windows",
    "stages_disagree",
    "suspended",
)


def verdict(record: Record) -> tuple[str, str]:
    """One word for the run's face, and why: `failed`, `doubtful` or `sound`."""
    made = of(record)
    wrong = failures(record)
    if record.status != "finished" or wrong:
        return "failed", str(wrong[0]) if wrong else record.error or record.status
    doubts = [flag for flag in record.flags if flag in DOUBTFUL]
    if doubts:
        return "doubtful", ", ".join(doubts)
    return "sound", f"{len(made)} checks passed" if made else "no second view to check it against"
