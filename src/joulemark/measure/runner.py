"""One run, from the checked words to its Record. Touches no file of its own, no network and no tracker."""

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from joulemark.analysis import audit
from joulemark.analysis.early_stopping import early_stopped
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement, Meter
from joulemark.core.model import Loaded
from joulemark.core.record import ModelFacts, Record
from joulemark.core.signals import Interrupted
from joulemark.core.task import Prediction, Sample
from joulemark.data.batching import order, put_back, split
from joulemark.hardware import devices, host
from joulemark.hardware.gpu_state import Card
from joulemark.measure.protocol import Clock, Progress, measure, metered
from joulemark.measure.scoring import flagged, scored
from joulemark.measure.stages import measure_stages

# Told after each phase, never inside a window: the phase that ended and the record as it would be if all stopped here.
Watch = Callable[[str, Record], None]


def bench(
    run: Run,
    begun: Record,
    samples: Sequence[Sample],
    watch: Watch,
    progress: Progress,
    clock: Clock | None = None,
    busy_s: Callable[[], float] = host.busy_s,
    card: Card | None = None,
) -> Record:
    """Loads, measures and scores; returns the record also when that fails or is interrupted.

    `watch` is told of each phase as it ends, so that a run that is killed leaves what was measured until then.
    A run whose sensors contradict each other, or the possible, is a failed one with its numbers kept.
    Raises UserError where a meter that the user asked for cannot be read: then nothing has begun.
    """
    record, clock = begun, clock or Clock()
    card = card or Card(run.hardware, clock.now)
    try:
        for phase, record in _phases(run, begun, samples, progress, clock, busy_s, card):
            watch(phase, record)
    except Interrupted as stop:
        return replace(record, status="interrupted", error=f"interrupted by {stop}")
    except UserError:
        raise
    except Exception as error:  # the run's boundary: whatever broke, the record says so and keeps what was measured
        return replace(record, status="failed", error=_reason(error, run), traceback=traceback.format_exc())
    finally:
        for meter in run.meters:
            meter.close()
    wrong = [check for check in audit.of(record) if not check.passed]
    if wrong:
        return replace(record, status="failed", error=f"the audit failed: {wrong[0]}")
    return replace(record, status="finished", error=None)


def _phases(
    run: Run,
    begun: Record,
    samples: Sequence[Sample],
    progress: Progress,
    clock: Clock,
    busy_s: Callable[[], float],
    card: Card,
) -> Iterator[tuple[str, Record]]:
    progress("meters", 0.0)
    meters, absent = open_meters(run)
    record = replace(begun, environment=replace(begun.environment, meters_absent=absent))
    device = devices.isolate(run.hardware)  # before torch comes: with torchao it opens the cards as it is imported
    yield "meters", record

    progress("loading", 0.0)
    card.open()
    before = card.look()
    loaded, reading = metered(meters, lambda: run.model.load(run.task, device, run.settings), clock)
    card.loaded()
    _check_cards(run.hardware, device)
    start = Measurement(load=reading, gpu_states=() if before is None else (before,))
    record = replace(record, measurement=start, model=_loaded_facts(begun.model, loaded.facts))
    yield "load", record

    run.task.score((), ())  # the metric's library is imported now, not between the last inference and the exit
    places = order(samples, run.sort)
    batches = split([samples[place].input for place in places], run.batch_size)
    kept: list[Prediction] = []
    steps = measure(
        loaded.predict,
        batches,
        meters,
        run.procedure,
        kept=kept,
        start=record.measurement,
        clock=clock,
        busy_s=busy_s,
        progress=progress,
        look=card.look,
        compiles=bool(run.compile),
        enough=lambda found: early_stopped(found, run.early_stop_against),
    )
    for phase, found in steps:
        yield phase, (record := flagged(record, replace(found, peak_memory_bytes=loaded.peak_memory_bytes())))

    progress("scoring", 0.0)
    record = scored(record, run, loaded, samples, put_back(kept, places), places)
    yield "scoring", record

    # last, so that whatever goes wrong here takes nothing from the run: its calls are measured and scored
    stages = () if record.measurement.stopped_early else loaded.stages
    for stage in measure_stages(stages, batches, meters, run.procedure, clock, busy_s, progress):
        found = record.measurement
        record = replace(record, measurement=replace(found, stages=(*found.stages, stage)))
        yield stage.name, record

    progress("counting", 0.0)
    record = _counted(record, run, loaded, batches)
    yield "counting", record


def _loaded_facts(model: ModelFacts, facts: Mapping[str, Any]) -> ModelFacts:
    """The model with what was found out when it was loaded: each attribute under its name, the rest in its `facts`."""
    known = {fact.name for fact in fields(ModelFacts)}
    attributes = {name: value for name, value in facts.items() if name in known}
    return replace(model, **attributes, facts={name: value for name, value in facts.items() if name not in known})


def _check_cards(chosen: Hardware, device: str) -> None:
    """Raises where torch works on another card than the meters read: its energy would be that of an idle card."""
    if chosen.device != "cuda":
        return
    from joulemark.models.backend import placement

    used = placement.uuids(device)
    if used != chosen.uuids:
        raise RuntimeError(f"the model is on {', '.join(used)} and the meters read {', '.join(chosen.uuids)}")


def _counted(record: Record, run: Run, loaded: Loaded, batches: Sequence[Sequence[Any]]) -> Record:
    """The record with the work of one batch, that whose latency is nearest the mean of the first pass.

    A call that the counter cannot follow leaves it unknown and takes nothing from a run that is measured and scored.
    """
    from joulemark.models.backend import flop_counting

    latencies = record.measurement.windows[0].batch_s[: len(batches)]
    mean = sum(latencies) / len(latencies)
    nearest = min(range(len(batches)), key=lambda place: abs(latencies[place] - mean))
    try:
        found = flop_counting.count(loaded.predict, batches[nearest])
    except Exception as error:  # a boundary of its own: torch's counter breaks in many ways, the run is done by now
        return replace(record, environment=replace(record.environment, work_not_counted=_reason(error, run)))
    return replace(record, measurement=replace(record.measurement, work=found))


def open_meters(run: Run) -> tuple[list[Meter], dict[str, str]]:
    """The meters that can be read here, most trusted first, and why each of the others cannot.

    With `required` in the meter's YAML an absent one is an error; at least one must be there.
    """
    opened: list[Meter] = []
    absent: dict[str, str] = {}
    refusals: list[str] = []
    for meter in run.meters:
        try:
            meter.open(run.hardware)
            opened.append(meter)
        except UserError as error:
            if run.meters_required:
                raise
            refusals.append(str(error))
            if meter.capability.reads(run.hardware):  # another maker's sensor is no loss here
                absent[meter.name] = str(error)
    if not opened:
        raise UserError(f"no meter can be read: {'; '.join(refusals)}")
    return opened, absent


def _reason(error: Exception, run: Run) -> str:
    """One line that says what broke; for memory, the batch size that did not fit."""
    kind = type(error).__name__
    text = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in text:
        return f"out of memory at batch_size={run.batch_size}: {kind}: {text}"
    return f"{kind}: {text}"
