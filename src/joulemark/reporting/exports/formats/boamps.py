"""BoAmps 1.1 (Boavizta and Data4Good): one energy report of one run, as JSON.

The fields are those of the five Draft-4 schemas of github.com/Boavizta/BoAmps, folder `model`. A field that a record
does not know is left out; where the schema asks for it, `infraType` is `other` until the user says what it is.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from joulemark.analysis import caveats
from joulemark.core.errors import UserError
from joulemark.core.formatting import spoken
from joulemark.core.serving import TRANSFORMERS
from joulemark.core.suggest import choose
from joulemark.reporting.exports.boamps_machine import INFRA_TYPES, calibration, components, environment
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".json", False, True

VERSION = "1.1.0"
SPECIFICATION = "https://github.com/Boavizta/BoAmps/tree/main/model"

# Half of the interval over the mean, up to which the schema calls a report's quality so
QUALITIES = ((0.10, "high"), (0.25, "medium"), (0.50, "low"))

# What goes in and what comes out, by task; of another task by its unit
DATA = {
    "image_captioning": ("image", "text"), "image_classification": ("image", "text"),
    "image_generation": ("text", "image"), "object_detection": ("image", "object"),
    "speech_recognition": ("audio", "text"), "sentence_similarity": ("text", "other"),
}  # fmt: skip
TEXT = ("chat", "masked_language_modelling", "question_answering", "summarization", "text_classification",
        "text_generation", "token_classification")  # fmt: skip


def write(runs: Sequence[Run], options: Options) -> Document:
    """The report of one run; UserError for one without energy, which the schema asks for."""
    (run,) = runs
    if run.kwh("total") is None:
        raise UserError(f"run {run.name} cannot be exported as boamps: its energy is not available")
    if options.infra_type is not None and options.infra_type not in INFRA_TYPES:
        raise UserError(choose("infra_type", options.infra_type, INFRA_TYPES))
    place, quality = environment(run), _quality(run)
    report = {
        "header": _header(run, options),
        "task": _task(run),
        "measures": [_measure(run)],
        **({"system": {"os": run.record.environment.os}} if run.record.environment.os else {}),
        "software": _known({"language": "python", "version": run.record.environment.python}),
        "infrastructure": {"infraType": options.infra_type or "other", "components": components(run)},
        **({"environment": place} if place else {}),
        **({"quality": quality} if quality else {}),
    }
    text = json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False)
    return Document(f"{text}\n", tuple(_left_out(run, options, place, quality)))


def _header(run: Run, options: Options) -> Mapping[str, Any]:
    return {
        "formatVersion": VERSION,
        "formatVersionSpecificationUri": SPECIFICATION,
        "reportId": run.record.id,
        "reportDatetime": _time(options.made_at),
        "reportStatus": "final" if run.doubt is None else "draft",
    }


def _task(run: Run) -> Mapping[str, Any]:
    task, quality = run.record.task, run.record.scores.get("primary")
    accurate = task.metric == "accuracy" and quality is not None and 0 <= quality <= 1
    return _known({
        "taskStage": "inference",
        "taskFamily": spoken(task.name),
        "nbRequest": run.requests,
        "algorithms": [_algorithm(run)],
        "dataset": _datasets(run),
        "measuredAccuracy": quality if accurate else None,
        "taskDescription": _description(run),
    })  # fmt: skip


def _description(run: Run) -> str:
    record, quality = run.record, run.record.scores.get("primary")
    parts = [
        f"{run.energy_text} per 1,000 requests; {run.settings_text}; protocol {record.protocol.name}; "
        f"audit {run.verdict}",
        f"quality: {record.task.metric} {quality:.4g}" if quality is not None else "quality: not available",
        *(f"{flag}: {caveats.EXPLAINED.get(flag, flag)}" for flag in record.flags),
        *([f"{record.status}: {run.error}"] if record.status != "finished" else []),
    ]
    return "; ".join(parts)


def _algorithm(run: Run) -> Mapping[str, Any]:
    record, model = run.record, run.record.model
    ours = record.engine.name == TRANSFORMERS
    return _known({
        "foundationModelName": run.checkpoint,
        "foundationModelUri": run.hub_address,
        "parametersNumber": None if model.parameters is None else model.parameters / 1e9,
        "framework": record.engine.name,
        "frameworkVersion": record.environment.packages.get(TRANSFORMERS) if ours else record.engine.version,
        "quantization": record.settings.precision,
    })  # fmt: skip


def _datasets(run: Run) -> list[Mapping[str, Any]]:
    task = run.record.task
    given, back = DATA.get(task.name, ("text", "text") if task.name in TEXT else ("other", "other"))
    public = task.revision is not None  # only a dataset of the Hub has a commit
    came_in = {
        "dataUsage": "input", "dataType": given, "dataQuantity": task.samples,
        "source": "public" if public else None,
    }  # fmt: skip
    return [_known(came_in), {"dataUsage": "output", "dataType": back}]


def _measure(run: Run) -> Mapping[str, Any]:
    record, metrics = run.record, run.metrics
    idle_kwh, idle_s = calibration(record.measurement)
    return _known({
        "measurementMethod": "joulemark",
        "version": record.environment.git_revision,
        "cpuTrackingMode": run.evidence["cpu"],
        "gpuTrackingMode": run.evidence["gpu"],
        "averageUtilizationCpu": metrics["utilization/cpu"],
        "averageUtilizationGpu": metrics["utilization/gpu"],
        "powerCalibrationMeasurement": idle_kwh,
        "durationCalibrationMeasurement": idle_s,
        "powerConsumption": run.kwh("total"),
        "measurementDuration": run.seconds,
        "measurementDateTime": _time(record.started_at),
    })  # fmt: skip


def _quality(run: Run) -> str | None:
    """How far the figure is off at most, in the schema's steps; None where an estimate makes that unknown."""
    half, estimated = run.metrics["energy/ci95_rel"], run.metrics["energy/estimated_share"]
    if half is None or estimated is None or estimated > run.record.site.estimated_limit:
        return None
    return next((name for limit, name in QUALITIES if half <= limit), None)


def _left_out(run: Run, options: Options, place: Mapping[str, Any] | None, quality: str | None) -> list[str]:
    lines = ["publisher, licensing: yours to add", "system.distribution, cloud: not in a record"]
    if options.infra_type is None:
        lines.append(f"infraType: other, since a record does not know it; type infra_type={' or '.join(INFRA_TYPES)}")
    if place is None:
        lines.append("environment: left out without a country; type site.zone=FRA or another zone")
    if quality is None:
        lines.append(
            "quality: left out, since the interval is wider than 50 %, unknown, or not that of estimated energy"
        )
    if run.record.environment.os is None:
        lines.append("system: left out, since the operating system is unknown")
    return [*lines, "components: one processor and one memory are written; how many there are is not in a record"]


def _time(moment: str) -> str:
    """As the schema writes a time: to the second, in UTC."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S}"


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
