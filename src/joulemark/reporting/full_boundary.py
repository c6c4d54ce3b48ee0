"""The full boundary of the recommendations on the page: what their sites add to the measured figure, line by line."""

from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.analysis.boundary import EMBODIED, LOCATED, WH, Boundary, boundary
from joulemark.config.factories import site_of
from joulemark.core.formatting import quantity, spoken
from joulemark.core.markdown import Table
from joulemark.core.record import Record
from joulemark.reporting.exports.run import at
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.section import Section

NOTE = (
    "Of one process of each recommendation. Only accelerator, CPU and DRAM are part of the measured figure; the others "
    "are what the site declares. n/a: not declared. Embodied emissions are declared to an export."
)


def section(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """A table of each recommendation whose site declares more than a factor; None where none does."""
    typed = site_of(config.get("site") or {}, "unknown")
    tables = []
    for recommendation in recommendations:
        entry = recommendation.chosen
        if entry is None or entry.external or entry.run_id not in records:
            continue
        record = at(records[entry.run_id], typed)
        made = boundary(record, record.site)
        if _declared(made):
            tables.append(_table(f"{spoken(entry.task)}: {entry.named}", made))
    return Section("full-boundary", "The full boundary", (), tables) if tables else None


def _declared(made: Boundary) -> bool:
    """Whether a line beyond the measured ones and the factor is known."""
    return any(line.value is not None and not line.measured and line.name != LOCATED for line in made.lines)


def _table(title: str, made: Boundary) -> Table:
    rows = [(line.name, quantity(line.value, line.unit), line.known_by) for line in made.lines if line.name != EMBODIED]
    energies = sum(line.unit == WH for line in made.lines)
    rows.insert(energies, ("energy of the lines that are known", quantity(made.building_wh, WH), "their sum"))
    return Table(title, ("line, of 1,000 requests", "value", "how it is known"), rows, NOTE)
