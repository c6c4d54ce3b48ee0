"""What a run shows of its record: its name, tags and files; knows MLflow's names for them, not MLflow."""

import getpass
import json
from collections.abc import Mapping

import yaml

from joulemark.analysis import audit, breakdown, comparability, description, energy_metrics
from joulemark.analysis.impact import published_text
from joulemark.analysis.serving import table as traffic
from joulemark.core import stats
from joulemark.core.palette import color_of
from joulemark.core.record import Record
from joulemark.core.record_json import to_json
from joulemark.core.serving import BATCH
from joulemark.measure.request_files import SHOWN
from joulemark.measure.request_files import TABLE as REQUESTS
from joulemark.store import figures
from joulemark.store.mlflow_internals import pages

FULL = "fp32"  # the precision that a name leaves out


def import_packages() -> None:
    """Imports what the page of a record takes, so that making it is that alone."""
    figures.import_packages()
    stats.import_packages()


def run_name(record: Record) -> str:
    """What the run is called in a list, which cuts names: what differs first, full precision left out."""
    how = f"b{record.settings.batch_size}" if record.scenario.name == BATCH else traffic.load(record)
    precision = str(record.settings.precision)
    return " ".join((how, *(() if precision == FULL else (precision,)), record.model.name))


def tags(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """What a list of runs is filtered by, and what its pages show."""
    evidence = {f"method.{c}": how for c, how in energy_metrics.methods(record.measurement).items() if how is not None}
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    values = {
        # MLflow shows them in this order: of a table's columns the last are beyond its edge
        "verdict": audit.verdict(record)[0],
        "flags": ", ".join(record.flags) or None,
        "model": record.model.name,
        "role": record.model.role,
        "task": record.task.name,
        "metric": record.task.metric,
        "hardware": record.hardware.gpu_name or record.hardware.name,
        "protocol": record.protocol.name,
        "weights": record.model.weights,
        "dataset": record.task.dataset,
        "device": record.device_name,
        "gpus": ", ".join(cards) if len(cards := record.hardware.uuids) > 1 else None,
        "command": record.origin.command,
        "sweep_id": record.origin.sweep_id,
        "tuned": record.origin.tuned,
        "status": record.status,
        "error": record.error,
        **comparability.tags(record),
        "parameters": record.model.parameters,
        "process": None if record.origin.shared_process is None else "shared",
        "shared_process": record.origin.shared_process,
        "shared": "cpu, ram" if record.origin.shared_host else None,
        **evidence,
        breakdown.TAG: breakdown.text(parts) if (parts := breakdown.of(record)) and parts.bounded else None,
        **published_text.tags(record, metrics),
        "record.id": record.id,
        "record.schema": record.schema,
        "git.revision": record.environment.git_revision,
        "git.dirty": record.environment.git_dirty,
        "mlflow.user": user,
        "mlflow.source.name": "joulemark run",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": record.environment.git_revision,
        pages.COLOR: color_of(record.model.name),
        "mlflow.note.content": description.markdown(record, metrics),
        **pages.tables([REQUESTS] if record.requests or record.request_summary else []),
    }
    return {key: str(value) for key, value in values.items() if value is not None}


def files(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """The run's files by name: the record, its configuration, and the figures there are.

    Its requests are files already (measure/request_files.py), but for those that a record still holds itself.
    """
    values = to_json(record)
    rows = values["requests"][:SHOWN]
    table = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]} if rows else None
    texts = {
        "record.json": json.dumps(values, allow_nan=False, indent=1),
        "config.yaml": yaml.safe_dump(dict(record.config), sort_keys=False, allow_unicode=True),
        REQUESTS: None if table is None else json.dumps(table, ensure_ascii=False),
        "traceback.txt": record.traceback,
        "latency.svg": figures.latency(record),
        "energy.svg": figures.energy(record, metrics),
    }
    return {name: text for name, text in texts.items() if text is not None}
