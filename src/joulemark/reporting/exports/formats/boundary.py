"""The full boundary as CSV: what was measured and what the site adds to it, line by line, of 1,000 requests."""

from collections.abc import Sequence

from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".csv", False, False
COLUMNS = ("run", "model", "task", "line", "value", "unit per 1,000 requests", "measured", "how it is known")


def write(runs: Sequence[Run], options: Options) -> Document:
    """A row for each line of each run; a line that is not known is empty and says what to type."""
    rows = [
        (run.id, run.checkpoint, run.record.task.name, line.name, line.value, line.unit,
         "yes" if line.measured else "no", line.known_by)
        for run in runs
        for line in run.boundary.lines
    ]  # fmt: skip
    left_out = [f"run {run.name}: {', '.join(run.boundary.missing)}: not known" for run in runs if run.boundary.missing]
    return Document(csv_text(COLUMNS, rows), tuple(left_out))
