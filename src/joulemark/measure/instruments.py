"""What a run is measured with: the meters, the clock, and what is read of the host and its GPU beside them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, TypeVar

from joulemark.core.measurement import COMPONENTS, GpuState, Meter, Reading

T = TypeVar("T")


class Clock:
    """The time of this process; tests replace it by one that moves only when something sleeps."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        return time.perf_counter()

    def zero(self) -> float:
        """When `now` was zero, seconds since the epoch, by the time of day of this moment."""
        return time.time() - time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Does nothing for that long."""
        time.sleep(seconds)


# Called between batches by the measuring thread: the step of the run, and how far it is, in [0, 1]
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Instruments:
    """What a run is measured with.

    Attributes:
        meters: opened meters, most trusted first
        clock: this program's clock
        busy_s: busy seconds of the host's processors since boot, averaged over its cores
        own_busy_s: of these, those of this process, its children and the processes it is given; None where not known
        servers: ids of the processes of the engine that answers, where they are not this one's children
        suspensions: how often the process or the machine was stopped and went on since the run began
        progress: what shows the progress, called between batches
        watch_traffic: what shows served traffic, called a few times a second between events
        read_gpu_state: the GPU's state now, None without one; called between windows only
    """

    meters: Sequence[Meter] = ()
    clock: Clock = field(default_factory=Clock)
    busy_s: Callable[[], float] = lambda: 0.0
    own_busy_s: Callable[[Sequence[int]], float | None] = lambda servers: None
    servers: Sequence[int] = ()
    suspensions: Callable[[], int] = lambda: 0
    progress: Progress = lambda step, share: None
    watch_traffic: Callable[[Any], None] = lambda now: None
    read_gpu_state: Callable[[], GpuState | None] = lambda: None

    def metered(self, work: Callable[[], T]) -> tuple[T, tuple[Reading, ...]]:
        """Does the work between the meters' start and stop; the readings come most trusted first.

        The most trusted meter starts last and stops first, so that no other meter's own cost is in its reading.
        """
        with self.running() as readings:
            result = work()
        return result, tuple(readings)

    @contextmanager
    def running(self) -> Iterator[list[Reading]]:
        """The same for a stretch of code: the list is empty until it is left, and stays so where it raises."""
        now = self.clock.now
        started = {}
        for meter in reversed(self.meters):
            before = now()
            meter.start()
            started[meter.name] = (before, now())
        readings: list[Reading] = []
        try:
            yield readings
        except BaseException:  # what broke the work is reported, not a meter that had too little of it
            with suppress(BaseException):
                self._stopped(started)
            raise
        readings += self._stopped(started)

    def _stopped(self, started: Mapping[str, tuple[float, float]]) -> tuple[Reading, ...]:
        """Each meter's reading with its two edges by this program's clock; all are stopped, whichever fails."""
        now = self.clock.now
        readings, failure = [], None
        for meter in self.meters:
            before_s, after_s = started[meter.name]
            within_s = now() - after_s
            try:
                reading = meter.stop()
            except BaseException as error:  # of a plugin, in whatever language it is written
                failure = failure or error
            else:
                failure = failure or _not_finite(reading)
                readings.append(replace(reading, within_s=within_s, around_s=now() - before_s, at_s=after_s))
        if failure is not None:
            raise failure
        return tuple(readings)


def _not_finite(reading: Reading) -> RuntimeError | None:
    """The failure of a meter that gave no number; None of one that did."""
    energies = {name: getattr(reading, f"{name}_j") for name in (*COMPONENTS, "wall")}
    wrong = {name: joules for name, joules in energies.items() if joules is not None and not isfinite(joules)}
    if not wrong:
        return None
    name, joules = next(iter(wrong.items()))
    return RuntimeError(f"meter {reading.meter} gave {joules} J of {name.upper()}")
