"""One run, from its checked options to its Record. Touches no file of its own, no network and no tracker."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from joulemark.analysis import audit
from joulemark.analysis.early_stopping import early_stopped
from joulemark.analysis.latency_metrics import request_latencies
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.model import Loaded
from joulemark.core.record import Record
from joulemark.core.signals import Interrupted
from joulemark.core.task import Sample
from joulemark.data.batching import Batches, in_order_of_samples, order
from joulemark.hardware import devices, host
from joulemark.hardware.gpu_state import GpuMonitor
from joulemark.measure import serving
from joulemark.measure.instruments import Instruments
from joulemark.measure.loading import check_gpus, close_meters, loaded_facts, open_meters, with_facts
from joulemark.measure.predictions import kept_predictions
from joulemark.measure.protocol import measure
from joulemark.measure.resident import Resident
from joulemark.measure.scoring import batch_rows, flagged, scored, unscored
from joulemark.measure.stages import measure_stages
from joulemark.measure.thinning import Thinner
from joulemark.measure.workload import workload_of

# Called after each step, never inside a window: the step that ended and the record as it would be if all stopped here.
Watch = Callable[[str, Record], None]


def bench(
    run: Run,
    begun: Record,
    samples: Sequence[Sample],
    watch: Watch,
    instruments: Instruments | None = None,
    gpu: GpuMonitor | None = None,
    files: Callable[[], Path] | None = None,
    resident: Resident | None = None,
) -> Record:
    """Loads, measures and scores; returns the record also when that fails or is interrupted.

    `watch` is called with each step as it ends, so that a run that is killed leaves what was measured until then. The
    run's own meters and the state of its GPU complete the `instruments`. The rows of the requests go into the folder
    that `files` gives once they are scored, else into the record. A run whose sensors contradict each other, or
    the possible, is a failed one with its numbers kept. What a `resident` has is used again and left to
    whoever has it; it must not refuse the run.

    The first cause is the reason: what breaks while a run ends, or a stop that comes then, takes nothing from it.

    Raises:
        UserError: a meter that the user requires cannot be read, the weights do not fit; then nothing was measured
    """
    record, instruments = begun, instruments or Instruments(busy_s=host.busy_s)
    gpu = gpu or GpuMonitor(run.hardware, instruments.clock.now)
    try:
        for step, record in _steps(run, begun, samples, instruments, gpu, files, resident or Resident()):
            watch(step, record)
        ended = _audited(record)
    except BaseException as error:  # the run's boundary: whatever broke, in whatever language it is written
        if isinstance(error, UserError) and not record.measurement.windows:
            close_meters(run.meters)
            raise
        try:
            ended = _broken(record, error, run)
        except Interrupted:  # it comes once
            ended = _broken(record, error, run)
    unclosed = close_meters(run.meters) if resident is None else None
    if unclosed is not None and ended.status == "finished":
        return replace(ended, status="failed", error=unclosed)
    return ended


def _audited(record: Record) -> Record:
    failed = audit.failures(record)
    if failed:
        return replace(record, status="failed", error=f"the audit failed: {failed[0]}")
    return replace(record, status="finished", error=None)


def _broken(record: Record, error: BaseException, run: Run) -> Record:
    """The record of a run that was stopped or broke, with what was measured until then."""
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return replace(record, status="interrupted", error=f"interrupted by {error or 'SIGINT'}")
    lines = "".join(traceback.format_exception(error))
    return replace(record, status="failed", error=_reason(error, run), traceback=lines)


def _steps(
    run: Run,
    begun: Record,
    samples: Sequence[Sample],
    instruments: Instruments,
    gpu: GpuMonitor,
    files: Callable[[], Path] | None,
    resident: Resident,
) -> Iterator[tuple[str, Record]]:
    progress, schedule = instruments.progress, run.scenario.schedule(run.samples, run.seed)
    progress("meters", 0.0)
    record = _opened(run, begun, resident)
    instruments = replace(instruments, meters=resident.meters, read_gpu_state=gpu.read)
    yield "meters", record

    progress("loading", 0.0)
    if resident.loaded is None:
        gpu.open()
    if schedule is not None:
        asked = serving.Asked(run, schedule, samples)
        yield from serving.steps(asked, record, resident.device, instruments, gpu, files)
        return
    loaded, start = _loaded(run, resident, instruments, gpu)
    record = replace(record, measurement=start, model=loaded_facts(begun.model, loaded.facts))
    yield "load", record

    run.task.score((), ())  # the metric's library is imported now, not between the last inference and the exit
    places = order(samples, run.settings.sort)
    workload, batches, facts = workload_of(run.settings, loaded, samples, places)
    record = replace(record, model=with_facts(record.model, facts))
    predictions = kept_predictions()
    steps = measure(
        workload,
        run.procedure,
        instruments,
        start,
        kept=predictions,
        stop_early=lambda measured: early_stopped(measured, run.early_stop_against, resident.scatter),
    )
    measured, thinner = start, Thinner()
    for step, measured in steps:
        measured = resident.noted(measured, instruments.clock.now())
        known = replace(thinner.thinned(measured), peak_memory_bytes=loaded.peak_memory_bytes())
        record = replace(record, model=with_facts(record.model, loaded.later_facts()))
        yield step, (record := flagged(record, known))

    resident.measured.append(measured)
    progress("scoring", 0.0)
    predicted = in_order_of_samples(predictions, places)
    latencies = in_order_of_samples(request_latencies(measured), places)
    rows = partial(batch_rows, samples, predicted, latencies)
    record = unscored(record, len(samples), rows, files)
    yield "predictions", record
    record = scored(record, run, loaded, samples, predicted, rows, files)
    yield "scoring", record

    # last, so that whatever goes wrong here takes nothing from the run: its calls are measured and scored
    yield from _looked_into(run, record, loaded, batches, instruments, measured.windows[0].batch_s)


def _opened(run: Run, begun: Record, resident: Resident) -> Record:
    """The record with the sensors that are absent; meters and device are opened by the first run of the process."""
    if resident.loaded is None:
        resident.begin(run, begun.id)
        resident.meters, resident.absent = open_meters(run)
        resident.device = devices.isolate(run.hardware)  # before torch comes: torchao opens the cards at its import
    return replace(begun, environment=replace(begun.environment, meters_absent=resident.absent))


def _loaded(run: Run, resident: Resident, instruments: Instruments, gpu: GpuMonitor) -> tuple[Loaded, Measurement]:
    """The model, loaded under the meters where the process has none for this run, and what its run begins with."""
    resident.release(run)
    state, start = gpu.read(), resident.start(instruments.clock.now())
    if resident.loaded is None:
        load = partial(run.model.load, run.task, resident.device, run.settings)
        loaded, readings = instruments.metered(load)
        gpu.model_loaded()
        check_gpus(run.hardware, resident.device)
        resident.keep(loaded, run)
        start = replace(start, load=readings)
    else:
        loaded = resident.again()
    states = () if state is None else (state,)
    return loaded, replace(start, gpu_states=states, clock_zero_s=instruments.clock.zero())


def _looked_into(
    run: Run,
    record: Record,
    loaded: Loaded,
    batches: Batches,
    instruments: Instruments,
    batch_s: Sequence[float],
) -> Iterator[tuple[str, Record]]:
    """The record with each stage measured alone, then with the work of a batch; `batch_s` is of the first window."""
    stages = () if record.measurement.stopped_early else loaded.stages
    for stage in measure_stages(stages, batches, run.procedure, instruments):
        measured = record.measurement
        record = replace(record, measurement=replace(measured, stages=(*measured.stages, stage)))
        yield stage.name, record

    instruments.progress("counting", 0.0)
    record = _counted(record, run, loaded, batches, batch_s)
    yield "counting", record


def _counted(record: Record, run: Run, loaded: Loaded, batches: Batches, batch_s: Sequence[float]) -> Record:
    """The record with the work of one batch, that whose time for a request is nearest the mean of the first pass.

    A call that the counter cannot follow leaves it unknown and takes nothing from a run that is measured and scored.
    """
    from joulemark.models.backend import flop_counting

    latencies, sizes = batch_s[: len(batches)], batches.sizes
    mean = sum(latencies) / sum(sizes)
    nearest = min(range(len(batches)), key=lambda place: abs(latencies[place] / sizes[place] - mean))
    try:
        work = flop_counting.count(loaded.predict, batches[nearest])
    except Exception as error:  # a boundary of its own: torch's counter breaks in many ways, the run is done by now
        return replace(record, environment=replace(record.environment, work_not_counted=_reason(error, run)))
    return replace(record, measurement=replace(record.measurement, work=work))


def _reason(error: BaseException, run: Run) -> str:
    """One line that says what broke; for memory, the batch size and the read-ahead that did not fit."""
    kind = type(error).__name__
    text = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in text:
        ahead, tokens = run.settings.prefetch, run.settings.batch_tokens
        budget = f" batch_tokens={tokens}" if tokens else ""
        beside = f" with prefetch={ahead} (type a smaller one, or prefetch=0)" if ahead else ""
        return f"out of memory at batch_size={run.settings.batch_size}{budget}{beside}: {kind}: {text}"
    return f"{kind}: {text}"
