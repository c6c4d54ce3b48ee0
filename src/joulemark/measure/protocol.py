"""The protocol of one run: a workload and instruments in, a Measurement out.

load ── idle ── warm up ──┬── window ──┐        (each metered)
                          │  [pause]   │  until the interval is narrow, or the limit is reached
                          └────────────┘
then, for each stage of an inference: its own window over what the stage before returned
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from joulemark.analysis import readings as energy
from joulemark.core import stats
from joulemark.core.measurement import GpuState, Measurement, Reading
from joulemark.core.procedure import Procedure
from joulemark.core.spill import Spilled
from joulemark.core.task import Prediction
from joulemark.measure.instruments import Instruments
from joulemark.measure.warm_up import warm_up
from joulemark.measure.window import Workload, measure_window, units_of

T = TypeVar("T")


def measure(
    workload: Workload,
    procedure: Procedure,
    instruments: Instruments,
    start: Measurement,
    *,
    kept: Spilled[Prediction],
    stop_early: Callable[[Measurement], bool] = lambda measurement: False,
) -> Iterator[tuple[str, Measurement]]:
    """Yields the step just ended and everything measured so far, after each step, so that a failure loses nothing.

    `start` holds what was measured before, an idle baseline that serves this run too among it. `kept` receives the
    predictions of the first pass of the first window: the calls whose energy is reported are the calls that are scored.
    The GPU's state is read before the baseline, before each window and after the last. Once `stop_early` holds for what
    was measured, no further window follows.
    """
    instruments.progress("idle", 0.0)
    measured = replace(start, batch_sizes=tuple(workload.sizes))
    measured = with_state(measured, instruments.read_gpu_state())
    if procedure.idle_s and not measured.idle:
        measured = replace(measured, idle=baseline(procedure, instruments))
    yield "idle", measured

    (latencies, converged), readings = metered_if_possible(
        instruments, lambda: warm_up(workload, procedure, instruments)
    )
    measured = replace(measured, warmup=readings, warmup_batch_s=latencies, warmup_converged=converged)
    yield "warm-up", measured

    first = replace(workload, units=_keeping(kept))
    before_first: GpuState | None = None
    while not (measured.converged or measured.stopped_early) and _may_go_on(measured, procedure):
        if measured.windows:
            instruments.clock.sleep(procedure.pause_s)
        state = _cooled(before_first, procedure, instruments)
        measured, before_first = with_state(measured, state), before_first or state
        stopped = instruments.suspensions()
        window = measure_window(workload if measured.windows else first, procedure.window_s, instruments)
        if instruments.suspensions() > stopped and measured.suspended_windows < procedure.max_windows:
            measured = replace(measured, suspended_windows=measured.suspended_windows + 1)
            if not measured.windows:
                kept.clear()  # of the window that is measured again
            yield "suspended window", measured
            continue
        measured = replace(measured, windows=(*measured.windows, window))
        measured = replace(measured, converged=_converged(measured, procedure))
        more = not measured.converged and _may_go_on(measured, procedure)
        measured = replace(measured, stopped_early=more and stop_early(measured))
        if measured.stopped_early or not more:
            measured = with_state(measured, instruments.read_gpu_state())
        yield f"window {len(measured.windows)}", measured


def baseline(procedure: Procedure, instruments: Instruments) -> tuple[Reading, ...]:
    """The readings of doing nothing, part after part: repeats, without which its power would have no interval."""
    part_s = procedure.idle_s / procedure.idle_parts
    parts = [instruments.metered(lambda: instruments.clock.sleep(part_s)) for _ in range(procedure.idle_parts)]
    return tuple(reading for _, readings in parts for reading in readings)


def metered_if_possible(instruments: Instruments, work: Callable[[], T]) -> tuple[T, tuple[Reading, ...]]:
    """The work with its readings, or without where it was too short for a meter: no number of the run rests on them."""
    results: list[T] = []
    try:
        _, readings = instruments.metered(lambda: results.append(work()))
    except RuntimeError:
        if not results:  # the work itself broke
            raise
        readings = ()
    return results[0], readings


def with_state(measured: Measurement, state: GpuState | None) -> Measurement:
    """The measurement with the GPUs' state added, where there is one."""
    return measured if state is None else replace(measured, gpu_states=(*measured.gpu_states, state))


def _cooled(first: GpuState | None, procedure: Procedure, instruments: Instruments) -> GpuState | None:
    """The GPU's state before a window, once the GPU is about as warm as before the first one, or the limit is over."""
    clock = instruments.clock
    started, limit_s = clock.now(), procedure.cool_max_s or 0.0
    while (state := instruments.read_gpu_state()) is not None:
        if not _too_warm(state, first, procedure.cool_c) or clock.now() - started >= limit_s:
            break
        clock.sleep(min(1.0, limit_s))
    return state


def _too_warm(state: GpuState, first: GpuState | None, cool_c: float | None) -> bool:
    """Whether the GPU is more than `cool_c` degrees above its first state; False where a sensor does not tell."""
    if first is None or cool_c is None or state.temperature_c is None or first.temperature_c is None:
        return False
    return state.temperature_c - first.temperature_c > cool_c


def _may_go_on(measured: Measurement, procedure: Procedure) -> bool:
    """Whether the protocol allows one more window."""
    count = len(measured.windows)
    spent_s = sum(window.duration_s for window in measured.windows)
    in_time = procedure.measure_max_s is None or spent_s < procedure.measure_max_s
    return count < procedure.min_windows or (count < procedure.max_windows and in_time)


def _converged(measured: Measurement, procedure: Procedure) -> bool:
    """Whether the interval of the energy per inference is as narrow as the protocol asks."""
    if len(measured.windows) < procedure.min_windows:
        return False
    per_request = [j for j in energy.total_j_per_request(measured) if j is not None]
    estimate = stats.estimate(per_request)
    return estimate is not None and estimate.relative is not None and estimate.relative <= procedure.ci95_rel


def _keeping(kept: Spilled[Prediction]) -> Callable[[list[Prediction], int], int]:
    """Counts the units of predictions, and keeps those of the first pass."""

    def count(predictions: list[Prediction], passes: int) -> int:
        if passes == 0:
            kept.extend(predictions)
        return units_of(predictions, passes)

    return count
