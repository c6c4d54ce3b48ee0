"""The protocol of one run: a callable and meters in, a Measurement out.

    load ── idle ── warm up ──┬── window ──┐        (each metered)
                              │  [pause]   │  until the interval is narrow, or the cap is reached
                              └────────────┘
    then, for each stage of an inference: its own window over what the stage before gave
    window:  meters start ─ pass ─ pass ─ … ─ meters stop
             (a pass is every batch once; the passes go on until the window is long enough)

Nothing but the model's own calls, two clock reads a batch and the progress callback happens inside a window.
"""

import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from statistics import median
from typing import Any, TypeVar

from joulemark.analysis import readings as energy
from joulemark.core import stats
from joulemark.core.measurement import GpuState, Measurement, Meter, Reading, Window
from joulemark.core.procedure import Procedure
from joulemark.core.task import Predict, Prediction

T = TypeVar("T")


class Clock:
    """The time of this process; tests replace it by one that stands still until told."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Does nothing for that long."""
        time.sleep(seconds)


# Called between batches by the measuring thread: the phase, and how far it is, in [0, 1].
Progress = Callable[[str, float], None]


def metered(
    meters: Sequence[Meter], work: Callable[[], T], clock: Clock | None = None
) -> tuple[T, tuple[Reading, ...]]:
    """Does the work between the meters' start and stop; the readings come most trusted first.

    The most trusted meter starts last and stops first, so that no other meter's own cost is in its reading.
    """
    now = (clock or Clock()).now
    began = {}
    for meter in reversed(meters):
        before = now()
        meter.start()
        began[meter.name] = (before, now())
    try:
        result = work()
    except BaseException:  # what broke the work is what is said, not a meter that had too little of it
        with suppress(Exception):
            _stopped(meters, began, now)
        raise
    return result, _stopped(meters, began, now)


def _stopped(
    meters: Sequence[Meter], began: Mapping[str, tuple[float, float]], now: Callable[[], float]
) -> tuple[Reading, ...]:
    """Each meter's reading with what this program's clock says of its two edges; all are stopped, whichever fails."""
    readings, broken = [], None
    for meter in meters:
        before_s, after_s = began[meter.name]
        within_s = now() - after_s
        try:
            reading = meter.stop()
        except Exception as error:
            broken = broken or error
        else:
            readings.append(replace(reading, within_s=within_s, around_s=now() - before_s))
    if broken is not None:
        raise broken
    return tuple(readings)


def measure(
    predict: Predict,
    batches: Sequence[Sequence[Any]],
    meters: Sequence[Meter],
    procedure: Procedure,
    *,
    kept: list[Prediction],
    start: Measurement,
    clock: Clock,
    busy_s: Callable[[], float] = lambda: 0.0,
    progress: Progress = lambda phase, share: None,
    look: Callable[[], GpuState | None] = lambda: None,
    compiles: bool = False,
    enough: Callable[[Measurement], bool] = lambda found: False,
) -> Iterator[tuple[str, Measurement]]:
    """Yields the phase just ended and everything measured so far, after each phase, so that a failure loses nothing.

    `kept` receives the predictions of the first pass of the first window: the calls whose energy is reported are the
    calls that are scored. `busy_s` gives the busy seconds of the host's processors, averaged over its cores; `look`
    the card's state, which is asked for before the baseline, before each window and after the last. Where `enough` says
    so of what was measured, the windows still to come are spared.
    """
    progress("idle", 0.0)
    found = _seen(replace(start, batch_sizes=tuple(len(batch) for batch in batches)), look)
    if procedure.idle_s:
        found = replace(found, idle=_baseline(meters, procedure, clock))
    yield "idle", found

    (latencies, steady), readings = _metered_if_it_can(
        meters, lambda: warm_up(predict, batches, procedure, clock, progress, compiles), clock
    )
    found = replace(found, warmup=readings, warmup_batch_s=latencies, warmup_converged=steady)
    yield "warm-up", found

    while not (found.converged or found.stopped_early) and _may_go_on(found, procedure):
        if found.windows:
            clock.sleep(procedure.pause_s)
        found = _cooled(found, procedure, clock, look)
        sink = None if found.windows else kept
        window = one_window(predict, batches, meters, procedure.window_s, clock, busy_s, progress, _counter(sink))
        found = replace(found, windows=(*found.windows, window))
        found = replace(found, converged=_narrow(found, procedure))
        more = not found.converged and _may_go_on(found, procedure)
        found = replace(found, stopped_early=more and enough(found))
        if found.stopped_early or not more:
            found = _seen(found, look)
        yield f"window {len(found.windows)}", found


def _baseline(meters: Sequence[Meter], procedure: Procedure, clock: Clock) -> tuple[Reading, ...]:
    """The readings of doing nothing, part after part: repeats, without which its power would have no interval."""
    part_s = procedure.idle_s / procedure.idle_parts
    parts = [metered(meters, lambda: clock.sleep(part_s), clock) for _ in range(procedure.idle_parts)]
    return tuple(reading for _, readings in parts for reading in readings)


def _metered_if_it_can(meters: Sequence[Meter], work: Callable[[], T], clock: Clock) -> tuple[T, tuple[Reading, ...]]:
    """The work with its readings, or without where it was too short for a meter: no figure of the run rests on them."""
    done: list[T] = []
    try:
        _, readings = metered(meters, lambda: done.append(work()), clock)
    except RuntimeError:
        if not done:  # the work itself broke
            raise
        readings = ()
    return done[0], readings


def _seen(found: Measurement, look: Callable[[], GpuState | None]) -> Measurement:
    state = look()
    return found if state is None else replace(found, gpu_states=(*found.gpu_states, state))


def _cooled(found: Measurement, procedure: Procedure, clock: Clock, look: Callable[[], GpuState | None]) -> Measurement:
    """With the card's state before a window, which waits until the card is about as warm as before the first one."""
    began, first = clock.now(), found.gpu_states[1] if len(found.gpu_states) > 1 else None
    while True:
        state = look()
        if state is None:
            return found
        too_warm = (
            first is not None
            and state.temperature_c is not None
            and first.temperature_c is not None
            and procedure.cool_c is not None
            and state.temperature_c - first.temperature_c > procedure.cool_c
        )
        limit_s = procedure.cool_max_s or 0.0
        if not too_warm or clock.now() - began >= limit_s:
            return replace(found, gpu_states=(*found.gpu_states, state))
        clock.sleep(min(1.0, limit_s))


def _may_go_on(found: Measurement, procedure: Procedure) -> bool:
    """Whether the protocol allows one more window."""
    done = len(found.windows)
    spent_s = sum(window.duration_s for window in found.windows)
    in_time = procedure.measure_max_s is None or spent_s < procedure.measure_max_s
    return done < procedure.min_windows or (done < procedure.max_windows and in_time)


def _narrow(found: Measurement, procedure: Procedure) -> bool:
    """Whether the interval of the energy per inference is as narrow as the protocol asks."""
    if len(found.windows) < procedure.min_windows:
        return False
    per_request = [j for j in energy.total_j_per_request(found) if j is not None]
    estimate = stats.estimate(per_request)
    return estimate is not None and estimate.relative is not None and estimate.relative <= procedure.ci95_rel


def warm_up(
    predict: Predict,
    batches: Sequence[Sequence[Any]],
    procedure: Procedure,
    clock: Clock,
    progress: Progress,
    compiles: bool = False,
) -> tuple[Sequence[float], bool]:
    """Runs batches until the latency is steady; returns the batch latencies in seconds and whether it was.

    The same few batches, spread over the inputs so that short and long ones are among them, are run in cycles: only
    equal work can be compared. Steady means that two cycles in a row differ by less than the protocol says. Then comes
    each batch once, or as many of them, evenly spread, as the protocol's time allows: on a GPU every new shape of input
    costs its first call up to a second of loading and planning, which belongs to no inference. Where a model `compiles`
    its first calls take minutes: the first cycle is then outside the protocol's time, and each batch comes twice, as
    torch records a CUDA graph in the second call of a shape.
    """
    step = max(1, len(batches) // procedure.converge_batches)
    cycle = batches[::step][: procedure.converge_batches]
    latencies, previous, began = array("d"), None, clock.now()
    limit_s = procedure.warmup_max_s

    def once(batch: Sequence[Any]) -> None:
        at = clock.now()
        predict(batch)
        latencies.append(clock.now() - at)
        progress("warm-up", min(1.0, (clock.now() - began) / limit_s) if limit_s else 1.0)

    def left_s() -> float:
        return limit_s - (clock.now() - began)

    while True:
        for batch in cycle:
            once(batch)
        if compiles and previous is None:
            began = clock.now()
        current = median(latencies[-len(cycle) :])
        steady = previous is not None and abs(current - previous) <= procedure.converge_rel * previous
        if len(latencies) >= procedure.warmup_batches and steady:
            break
        if left_s() <= 0:
            return latencies, False
        previous = current
    calls = 2 if compiles else 1
    each_s = calls * current
    fitting = len(batches) if each_s * len(batches) <= left_s() else int(left_s() / each_s)
    for place in range(fitting):
        for _ in range(calls):
            if left_s() > 0:
                once(batches[place * len(batches) // fitting])
    return latencies, True


def one_window(
    call: Callable[[Any], Any],
    batches: Sequence[Any],
    meters: Sequence[Meter],
    window_s: float,
    clock: Clock,
    busy_s: Callable[[], float],
    progress: Progress,
    count: Callable[[Any, int], int],
    sizes: Sequence[int] | None = None,
) -> Window:
    """Whole passes over the batches until `window_s` is over, between one start and one stop of the meters.

    `count` is told what a call gave and in which pass, and says how many units that was; `sizes` are the requests of
    each batch where its length is not that.
    """
    latencies = array("d")
    units = passes = 0

    def passes_over_the_inputs() -> tuple[float, float]:
        nonlocal units, passes
        busy, began = busy_s(), clock.now()
        ended = began
        while passes == 0 or ended - began < window_s:
            for batch in batches:
                at = clock.now()
                given = call(batch)
                ended = clock.now()
                latencies.append(ended - at)
                units += count(given, passes)
                progress("measuring", min(1.0, max((ended - began) / window_s, 0.0)) if window_s else 1.0)
            passes += 1
        return clock.now() - began, busy_s() - busy

    (duration_s, busy), readings = metered(meters, passes_over_the_inputs, clock)
    return Window(
        duration_s=duration_s,
        readings=readings,
        passes=passes,
        requests=passes * sum(sizes or [len(batch) for batch in batches]),
        units=units,
        batch_s=latencies,
        cpu_utilization=min(1.0, busy / duration_s) if duration_s and busy else None,  # ticks may round it above
    )


def _counter(kept: list[Prediction] | None) -> Callable[[list[Prediction], int], int]:
    """Counts the units of predictions, and keeps those of the first pass."""

    def count(predictions: list[Prediction], passes: int) -> int:
        if kept is not None and passes == 0:
            kept.extend(predictions)
        return sum(prediction.units for prediction in predictions)

    return count
