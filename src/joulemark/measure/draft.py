"""The record of a run that has not begun: what is requested, of which model, and what makes it comparable."""

import hashlib
import json
import uuid
from array import array
from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from joulemark.analysis import flags, lower_bound
from joulemark.config.run import Run
from joulemark.core import record_json
from joulemark.core.environment import Environment
from joulemark.core.measurement import Measurement
from joulemark.core.record import ModelFacts, Origin, Record, TaskFacts
from joulemark.core.serving import BATCH, EngineFacts, ScenarioFacts
from joulemark.core.task import Inputs
from joulemark.data import first_rows
from joulemark.hardware import devices, host


def draft(
    run: Run, inputs: Inputs | None = None, begun: Record | None = None, shared_process: str | None = None
) -> Record:
    """The record of a run that has not begun: what is requested and where, `failed` until something says otherwise.

    Without `inputs` it is that of a run whose inputs are not read yet; the draft that follows keeps the id of `begun`.
    `shared_process` is the id of the first record of its process where that measures several runs; empty: this one's.
    """
    checkpoint = run.model.checkpoint
    record_id = uuid.uuid4().hex if begun is None else begun.id
    record = Record(
        id=record_id,
        status="failed",
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        error="the run did not end",
        model=ModelFacts(
            name=run.label,
            kind=run.model.kind,
            role=run.model.role,
            checkpoint=checkpoint.id,
            weights=checkpoint.weights,
            revision=checkpoint.revision,
            capabilities=run.model.capabilities,
        ),
        task=_task(run, inputs),
        hardware=run.hardware,
        protocol=run.procedure,
        site=run.site,
        settings=run.settings,
        environment=replace(
            _environment(run) if begun is None else begun.environment,
            gpu=devices.gpu_state(run.hardware),
            calibration=lower_bound.kept(run.hardware),
        ),
        measurement=Measurement(),
        scores={},
        origin=Origin(
            command=run.command,
            sweep_id=run.sweep_id,
            shared_host=run.shared_host,
            early_stop_against=run.early_stop_against,
            tuned=run.chosen.get("tuned"),
            shared_process=None if shared_process is None else shared_process or record_id,
        ),
        engine=EngineFacts(run.engine.name, options=dict(run.engine.options)),
        scenario=_scenario(run),
        config=dict(run.config),
    )
    return replace(record, flags=tuple(sorted((*flags.input_flags(record), *flags.host_flags(record)))))


def _environment(run: Run) -> Environment:
    """Where the program runs; without this machine's processor and memory where another one answers."""
    here = host.snapshot()
    if run.hardware.machine is None:
        return here
    return replace(here, cpu=None, cpu_cores=None, usable_cores=None, omp_threads=None, memory_bytes=None)


def _scenario(run: Run) -> ScenarioFacts:
    """The scenario with its values; of a trace its digest, wherever the file lies."""
    name = run.names.get("scenario", BATCH)
    if name == BATCH:
        return ScenarioFacts()
    options: dict[str, Any] = record_json.plain(run.scenario)
    if digest := getattr(run.scenario, "digest", None):
        options["trace"] = digest
    return ScenarioFacts(name, options)


def _task(run: Run, inputs: Inputs | None) -> TaskFacts:
    """What makes two runs comparable: every option of the task, and a digest of the inputs and references themselves.

    A specialist never sees the prompt, so its record has none.
    """
    options = {field.name: getattr(run.task, field.name) for field in fields(run.task)}  # type: ignore[arg-type]
    del options["dataset"]
    prompt = options.pop("prompt", None)
    return TaskFacts(
        name=options.pop("name"),
        unit=options.pop("unit"),
        metric=options.pop("metric"),
        samples=run.samples,
        seed=run.seed,
        prompt=prompt if run.model.role == "general_purpose" else None,
        min_new_tokens=options.pop("min_new_tokens", None),
        max_new_tokens=options.pop("max_new_tokens", None),
        dataset=run.dataset.name,
        source=run.dataset.source,
        config=run.dataset.config,
        split=run.dataset.split,
        revision=run.dataset.revision,
        shuffle=run.dataset.shuffle,
        options=options,
        **({} if inputs is None else _of_inputs(run, inputs)),
    )


def _of_inputs(run: Run, inputs: Inputs) -> dict[str, Any]:
    digest, distinct = _digest(inputs)
    held = _labels(run, inputs)
    return {
        "digest": digest,
        "distinct": distinct,
        "classes": len(held) or None,
        "sampling_bias": inputs.sampling_bias or _few(run, held),
        "skipped": inputs.skipped,
    }


def _digest(inputs: Inputs) -> tuple[str, int]:
    """The digest of inputs and references as one JSON list, and how many inputs differ; one sample at a time."""
    import numpy

    digest, seen = hashlib.sha256(b"["), array("q")
    for number, sample in enumerate(inputs.samples):
        text = json.dumps([sample.id, sample.input, sample.target], default=str)
        digest.update(f", {text}".encode() if number else text.encode())
        seen.append(hash(json.dumps(sample.input, default=str)))
    digest.update(b"]")
    return digest.hexdigest()[:16], len(numpy.unique(numpy.asarray(seen, "q")))


def _labels(run: Run, inputs: Inputs) -> Counter[str]:
    """The labels of the references with their numbers; empty where a reference is none."""
    return Counter(
        sample.target for sample in inputs.samples if run.task.gives == "label" and sample.target is not None
    )


def _few(run: Run, held: Counter[str]) -> str | None:
    """That rows in their own order hold few of the labels that are declared, by the data or for it by the task."""
    declared = set(run.dataset.labels) or set(getattr(run.task, "labels", ()))
    if run.dataset.shuffle is not None or not held or not set(held) <= declared:
        return None
    return first_rows.few(len(held), len(declared), held.total())
