"""The record of a run that has not begun: what is asked, of which model, and what makes it comparable."""

import hashlib
import json
import uuid
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any

from joulemark.analysis import lower_bound, named_metrics
from joulemark.config.run import Run
from joulemark.core.measurement import Measurement
from joulemark.core.record import Record
from joulemark.core.task import Inputs
from joulemark.hardware import devices, host


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
            "early_stop_against": [dict(one) for one in run.early_stop_against],
            "tuned": run.chosen.get("tuned"),
        },
        environment={
            **host.snapshot(),
            "gpu": dict(devices.gpu_state(run.hardware)),
            "calibration": asdict(known) if (known := lower_bound.kept(run.hardware)) else None,
        },
        measurement=Measurement(),
        scores={},
        config=dict(run.config),
    )
    return replace(record, flags=tuple(sorted((*named_metrics.input_flags(record), *named_metrics.host_flags(record)))))


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
