"""CSV: the table of the chosen runs, a row each, every metric under its own name (docs/what-a-run-leaves.md).

Any run has a row, whatever became of it: its status, verdict and flags stand beside the figures. Intervals are metrics
too (`energy/ci95_rel`, `quality/ci95_low`, …). A value that is not available is an empty cell.
"""

from collections.abc import Sequence

from joulemark.core.measurement import COMPONENTS
from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".csv", False, False

FACTS = ("run_id", "record_id", "started_at", "status", "verdict", "flags", "model", "checkpoint", "revision",
         "weights", "task", "dataset", "inputs", "unit", "device", "precision", "batch_size", "scenario", "engine",
         "protocol", "zone", "pue", *(f"method.{component}" for component in COMPONENTS))  # fmt: skip


def write(runs: Sequence[Run], options: Options) -> Document:
    """A row for each run; of rows of one name that only some have, the others are empty."""
    names = sorted({name for run in runs for name in run.metrics})
    rows = [[*_facts(run), *(run.metrics.get(name) for name in names)] for run in runs]
    return Document(csv_text((*FACTS, *names), rows))


def _facts(run: Run) -> list[object]:
    record = run.record
    return [
        run.run_id, record.id, record.started_at, record.status, run.verdict, ", ".join(record.flags),
        record.model.name, run.checkpoint, record.model.revision, run.weights, record.task.name,
        record.task.dataset, record.task.samples, record.task.unit, record.device_name, record.settings.precision,
        record.settings.batch_size, record.scenario.name, record.engine.name, record.protocol.name, record.site.zone,
        record.site.pue, *(run.evidence[component] for component in COMPONENTS),
    ]  # fmt: skip
