"""The warm-up: calls until the latency has converged, then each shape of input once."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from statistics import median
from typing import Any

from joulemark.core.procedure import Procedure
from joulemark.measure.instruments import Instruments
from joulemark.measure.window import Workload


def warm_up(workload: Workload, procedure: Procedure, instruments: Instruments) -> tuple[Sequence[float], bool]:
    """Runs batches until the latency has converged; returns the batch latencies in seconds and whether it has.

    The same few batches, spread over the inputs so that short and long ones are among them, are run in cycles: only
    equal work can be compared. Converged means that the medians of two cycles in a row differ by less than the protocol
    says. Then comes each batch once, or as many of them, evenly spread, as the protocol's time allows: on a GPU every
    new shape of input costs its first call up to a second of loading and planning, which belongs to no inference. The
    first calls of a model that `compiles` take minutes: its first cycle is then outside the protocol's time, and each
    batch comes twice, as torch records a CUDA graph in the second call of a shape. Of one that `records` each shape in
    its first call every batch comes once, whatever the time: a whole pass, as any window is.
    """
    batches, clock = workload.batches, instruments.clock
    step = max(1, len(batches) // procedure.converge_batches)
    cycle = batches[::step][: procedure.converge_batches]
    latencies, previous, started = array("d"), None, clock.now()
    limit_s = procedure.warmup_max_s

    def run(chosen: Iterator[Any]) -> float:
        """Runs these batches; the seconds of one."""
        began, before = clock.now(), len(latencies)
        with closing(workload.calls(chosen, clock)) as calls:
            for _, began_s, ended_s in calls:
                latencies.append(ended_s - began_s)
                instruments.progress("warm-up", min(1.0, (clock.now() - started) / limit_s) if limit_s else 1.0)
        return (clock.now() - began) / max(1, len(latencies) - before)

    def left_s() -> float:
        return limit_s - (clock.now() - started)

    converged = False
    while True:
        interval_s = run(iter(cycle))
        if workload.compiles and previous is None:
            started = clock.now()
        current = median(latencies[-len(cycle) :])
        converged = previous is not None and abs(current - previous) <= procedure.converge_rel * previous
        if len(latencies) >= procedure.warmup_batches and converged:
            break
        if left_s() <= 0:
            converged = False
            break
        previous = current
    if workload.records:
        run(iter(batches))
        return latencies, converged
    if not converged:
        return latencies, False
    calls = 2 if workload.compiles else 1
    # a batch that is prepared ahead waits, which its latency holds and the time of all does not
    batch_s = calls * (interval_s if workload.prefetch else current)
    fitting = len(batches) if batch_s * len(batches) <= left_s() else int(left_s() / batch_s)
    places = (place for place in range(fitting) for _ in range(calls))
    run(batches[place * len(batches) // fitting] for place in places if left_s() > 0)
    return latencies, True
