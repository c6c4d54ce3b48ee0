"""One run, from the checked words to its Record. Touches no file of its own, no network and no tracker."""

import hashlib
import json
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any

from src import audit, calibration, environment, hardware, summary
from src.batches import order, put_back
from src.card import Card
from src.config import Run
from src.core import (
    Hardware,
    Inputs,
    Interrupted,
    Loaded,
    Measurement,
    Meter,
    Prediction,
    Record,
    Request,
    Sample,
    Scores,
    UserError,
)
from src.measure import Clock, Progress, measure, metered
from src.phases import measure_phases
from src.site import modelled_limit

# Told after each phase, never inside a window: the phase that ended and the record as it would be if all stopped here.
Watch = Callable[[str, Record], None]


def draft(run: Run, inputs: Inputs) -> Record:
    """The record of a run that has not begun: what is asked and where, `failed` until something says otherwise."""
    checkpoint = run.model.checkpoint
    record = Record(
        id=uuid.uuid4().hex,
        status="failed",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        error="the run did not end",
        model={
            "name": run.label,
            "kind": run.model.kind,
            "role": run.model.role,
            "checkpoint": checkpoint.id,
            "weights": checkpoint.weights,
            "revision": checkpoint.revision,
        },
        task=_task(run, inputs),
        hardware=asdict(run.hardware),
        protocol=asdict(run.procedure),
        site=asdict(run.site),
        run={
            "batch_size": run.batch_size,
            **asdict(run.settings),
            "sort": run.sort,
            "samples": run.samples,
            "seed": run.seed,
            "command": run.command,
            "sweep_id": run.sweep_id,
            "shared_host": run.shared_host,
            "tuned": run.chosen.get("tuned"),
        },
        environment={
            **environment.snapshot(),
            "gpu": dict(hardware.gpu_state(run.hardware)),
            "calibration": asdict(known) if (known := calibration.kept(run.hardware)) else None,
        },
        measurement=Measurement(),
        scores={},
        config=dict(run.config),
    )
    return replace(record, flags=tuple(sorted((*summary.input_flags(record), *summary.host_flags(record)))))


def _task(run: Run, inputs: Inputs) -> dict[str, Any]:
    """What makes two runs comparable: every option of the task, and a digest of the inputs and references themselves.

    A specialist never sees the prompt, so its record has none.
    """
    options = {field.name: getattr(run.task, field.name) for field in fields(run.task)}  # type: ignore[arg-type]
    del options["dataset"]
    if "prompt" in options and run.model.role != "general":
        options["prompt"] = None
    text = json.dumps([[sample.id, sample.input, sample.target] for sample in inputs.samples], default=str)
    return {
        **options,
        "dataset": run.dataset.name,
        "source": run.dataset.source,
        "config": run.dataset.config,
        "split": run.dataset.split,
        "revision": run.dataset.revision,
        "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
        "distinct": len({json.dumps(sample.input, default=str) for sample in inputs.samples}),
        "skipped": list(inputs.skipped),
    }


def bench(
    run: Run,
    begun: Record,
    samples: Sequence[Sample],
    watch: Watch,
    progress: Progress,
    clock: Clock | None = None,
    busy_s: Callable[[], float] = environment.busy_s,
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
    record = replace(begun, environment={**begun.environment, "meters_absent": absent})
    device = hardware.isolate(run.hardware)  # before torch comes: with torchao it opens the cards as it is imported
    yield "meters", record

    progress("loading", 0.0)
    card.open()
    before = card.look()
    loaded, reading = metered(meters, lambda: run.model.load(run.task, device, run.settings), clock)
    card.loaded()
    _check_cards(run.hardware, device)
    start = Measurement(load=reading, looks=() if before is None else (before,))
    record = replace(record, measurement=start, model={**begun.model, **loaded.facts})
    yield "load", record

    run.task.score((), ())  # the metric's library is imported now, not between the last inference and the exit
    places = order(samples, run.sort)
    inputs = [samples[place].input for place in places]
    batches = [inputs[i : i + run.batch_size] for i in range(0, len(inputs), run.batch_size)]
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
    )
    for phase, found in steps:
        record = _with(record, replace(found, peak_memory_bytes=loaded.peak_memory_bytes()))
        yield phase, record

    progress("scoring", 0.0)
    record = _scored(record, run, loaded, samples, put_back(kept, places), places)
    yield "scoring", record

    # last, so that whatever goes wrong here takes nothing from the run: its calls are measured and scored
    for stage in measure_phases(loaded.stages, batches, meters, run.procedure, clock, busy_s, progress):
        found = record.measurement
        record = replace(record, measurement=replace(found, phases=(*found.phases, stage)))
        yield stage.name, record

    progress("counting", 0.0)
    record = _counted(record, run, loaded, batches)
    yield "counting", record


def _check_cards(chosen: Hardware, device: str) -> None:
    """Raises where torch works on another card than the meters read: its energy would be that of an idle card."""
    if chosen.device != "cuda":
        return
    from src.models import placement

    used = placement.uuids(device)
    if used != chosen.uuids:
        raise RuntimeError(f"the model is on {', '.join(used)} and the meters read {', '.join(chosen.uuids)}")


def _scored(
    record: Record,
    run: Run,
    loaded: Loaded,
    samples: Sequence[Sample],
    answers: Sequence[Prediction],
    places: Sequence[int],
) -> Record:
    """The record with the quality of the answers, and a row for each request, whichever batch it was in."""
    scores = _scores(run, loaded, samples, answers)
    latencies = put_back(summary.request_latencies(record.measurement), places)
    record = replace(record, scores=scores.values, requests=_requests(samples, answers, scores, latencies))
    return _with(record, record.measurement)


def _counted(record: Record, run: Run, loaded: Loaded, batches: Sequence[Sequence[Any]]) -> Record:
    """The record with the work of one batch, that whose latency is nearest the mean of the first pass.

    A call that the counter cannot follow leaves it unknown and takes nothing from a run that is measured and scored.
    """
    from src.models import work

    latencies = record.measurement.windows[0].batch_s[: len(batches)]
    mean = sum(latencies) / len(latencies)
    nearest = min(range(len(batches)), key=lambda place: abs(latencies[place] - mean))
    try:
        found = work.count(loaded.predict, batches[nearest])
    except Exception as error:  # a boundary of its own: torch's counter breaks in many ways, the run is done by now
        return replace(record, environment={**record.environment, "work_not_counted": _reason(error, run)})
    return replace(record, measurement=replace(record.measurement, work=found))


def open_meters(run: Run) -> tuple[list[Meter], dict[str, str]]:
    """The meters that can be read here, most trusted first, and why each of the others cannot.

    With `required` in the meter's YAML an absent one is an error; at least one must be there.
    """
    opened: list[Meter] = []
    absent: dict[str, str] = {}
    for meter in run.meters:
        try:
            meter.open(run.hardware)
            opened.append(meter)
        except UserError as error:
            if run.meters_required:
                raise
            absent[meter.name] = str(error)
    if not opened:
        raise UserError(f"no meter can be read: {'; '.join(absent.values())}")
    return opened, absent


def _with(record: Record, found: Measurement) -> Record:
    flags = {
        *summary.flags(found, record.model["weights"], modelled_limit(record.site)),
        *summary.input_flags(record),
        *summary.host_flags(record),
        *audit.flags(found, record.protocol["busy_max"]),
    }
    return replace(record, measurement=found, flags=tuple(sorted(flags)))


def _scores(run: Run, loaded: Loaded, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """The task's metrics of the measured calls, its primary one also as `primary`; all None for random weights."""
    scores = run.task.score(samples, predictions)
    values = {**scores.values, **(loaded.judge(samples, predictions) if loaded.judge else {})}
    if run.model.checkpoint.weights == "random":
        return Scores(dict.fromkeys(["primary", *values]), [None] * len(samples))
    return Scores({"primary": values.get(run.task.metric), **values}, scores.each)


def _requests(
    samples: Sequence[Sample], predictions: Sequence[Prediction], scores: Scores, latencies: Sequence[float]
) -> tuple[Request, ...]:
    return tuple(
        Request(
            id=sample.id,
            output=str(prediction.output),
            reference=None if sample.target is None else str(sample.target),
            score=score,
            units=prediction.units,
            latency_s=latency,
            input_tokens=prediction.input_tokens,
            output_tokens=prediction.output_tokens,
            truncated=prediction.truncated,
        )
        for sample, prediction, score, latency in zip(samples, predictions, scores.each, latencies, strict=True)
    )


def _reason(error: Exception, run: Run) -> str:
    """One line that says what broke; for memory, the batch size that did not fit."""
    kind = type(error).__name__
    text = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in text:
        return f"out of memory at batch_size={run.batch_size}: {kind}: {text}"
    return f"{kind}: {text}"
