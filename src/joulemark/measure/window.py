"""One measured window: whole passes over the same calls, between one start and one stop of the meters.

window:  meters start ─ pass ─ pass ─ … ─ meters stop
         (a pass is every batch once; the passes go on until the window is long enough)

Nothing but the calls themselves, two clock reads a call and the progress callback happens inside a window. With
prefetch a window starts with nothing prepared and ends with nothing under way; the next pass is begun while the last
batches of the one before are under way.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from joulemark.core.measurement import Reading, Window
from joulemark.core.model import Steps
from joulemark.core.task import Prediction
from joulemark.measure.instruments import Clock, Instruments
from joulemark.measure.pipeline import Calls, in_turn, overlapped

T = TypeVar("T")


def units_of(predictions: Sequence[Prediction], passes: int) -> int:
    """The units of work of one call's predictions, whichever pass it was in."""
    return sum(prediction.units for prediction in predictions)


@dataclass(frozen=True)
class Workload:
    """The calls that are measured: one pass is every batch once, in order.

    Attributes:
        call: takes a batch and returns when the device is done
        batches: what it is called with
        units: units of work in what a call returned, given the number of the pass
        batch_sizes: requests of each batch; None where that is its length
        compiles: whether the first calls compile the model, which takes minutes
        steps: the call as steps that may overlap; needed with `prefetch` alone
        prefetch: batches that are prepared ahead while the device works; 0: the calls come in turn
        records: whether the first call of a shape records it as a CUDA graph, which belongs to no window
    """

    call: Callable[[Any], Any]
    batches: Sequence[Any]
    units: Callable[[Any, int], int] = units_of
    batch_sizes: Sequence[int] | None = None
    compiles: bool = False
    records: bool = False
    steps: Steps | None = None
    prefetch: int = 0

    def calls(self, batches: Iterator[Any], clock: Clock) -> Calls:
        """The calls on these batches, in order, each given as it ends; to be closed."""
        if not self.prefetch:
            return in_turn(self.call, batches, clock)
        assert self.steps is not None, "a kind of model that overlaps has steps"
        return overlapped(self.steps, batches, self.prefetch, clock)

    @property
    def requests(self) -> int:
        """Requests of one pass."""
        return sum(self.sizes)

    @property
    def sizes(self) -> Sequence[int]:
        """Requests of each batch."""
        return [len(batch) for batch in self.batches] if self.batch_sizes is None else self.batch_sizes


def measure_window(workload: Workload, window_s: float, instruments: Instruments) -> Window:
    """Whole passes over the workload until `window_s` is over."""
    clock, progress = instruments.clock, instruments.progress
    batches, units_in, count = workload.batches, workload.units, len(workload.batches)
    latencies = array("d")
    units = passes = 0
    started = ended = 0.0

    def whole_passes() -> Iterator[Any]:
        nonlocal passes
        while passes == 0 or ended - started < window_s:
            yield from batches
            passes += 1

    def repeat() -> float:
        nonlocal units, started, ended
        started = ended = clock.now()
        with closing(workload.calls(whole_passes(), clock)) as calls:
            for result, began, ended in calls:
                units += units_in(result, len(latencies) // count)
                latencies.append(ended - began)
                over = max((ended - started) / window_s, 0.0) if window_s else 1.0
                progress("measuring", min(1.0, over, len(latencies) / count))  # a window holds one whole pass at least
        return clock.now() - started

    duration_s, host = watched(repeat, instruments)
    return Window(
        duration_s=duration_s,
        readings=host.readings,
        passes=passes,
        requests=passes * workload.requests,
        units=units,
        batch_s=latencies,
        cpu_utilization=host.utilization(duration_s),
        others_cpu_share=host.others_cpu_share,
    )


@dataclass(frozen=True)
class Host:
    """The meters and the host over a stretch of work.

    Attributes:
        readings: reading of each meter, most trusted first
        busy_s: busy seconds of the host's processors within it, the mean over its cores
        others_cpu_share: share of all host cores that other processes kept busy; None where unknown
    """

    readings: tuple[Reading, ...]
    busy_s: float
    others_cpu_share: float | None

    def utilization(self, duration_s: float) -> float | None:
        """The busy share of all cores over the work's own time; None where no tick was counted, or some taken back.

        A virtual machine's counters of waiting and stolen time may go backwards.
        """
        return (
            min(1.0, self.busy_s / duration_s) if duration_s and self.busy_s > 0 else None
        )  # ticks may round it above


def watched(work: Callable[[], T], instruments: Instruments) -> tuple[T, Host]:
    """Does the work under the meters; its result, and what they and the host show."""

    def counted() -> tuple[T, float]:
        busy_s = instruments.busy_s()
        return work(), instruments.busy_s() - busy_s

    before = _host_times(instruments)
    (result, busy_s), readings = instruments.metered(counted)
    return result, Host(readings, busy_s, _others_cpu_share(before, _host_times(instruments)))


def _host_times(instruments: Instruments) -> tuple[float, float, float | None]:
    """Now, busy seconds of the host, and this run's own: read outside the meters' stretch, since it takes a while."""
    return instruments.clock.now(), instruments.busy_s(), instruments.own_busy_s(instruments.servers)


def _others_cpu_share(
    before: tuple[float, float, float | None], after: tuple[float, float, float | None]
) -> float | None:
    """The share of the host's cores that others kept busy in between."""
    seconds, busy_s = after[0] - before[0], after[1] - before[1]
    if before[2] is None or after[2] is None or seconds <= 0 or busy_s <= 0:
        return None
    return min(1.0, max(0.0, (busy_s - (after[2] - before[2])) / seconds))
