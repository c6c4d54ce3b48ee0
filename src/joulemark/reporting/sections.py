"""The sections that are plugged into the page after its own charts: one line each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joulemark.core.record import Record
from joulemark.reporting import full_boundary, impact, study_tables
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.section import Section

Make = Callable[[Sequence[Recommendation], Mapping[str, Record], Mapping[str, Any]], Section | None]

# Called in this order; one that has nothing to say returns None
FURTHER: tuple[Make, ...] = (
    impact.equivalents,
    impact.portfolio,
    impact.training,
    impact.published,
    full_boundary.section,
    study_tables.study,
)


def sections(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> tuple[Section, ...]:
    """Every further section of these recommendations; preliminary ones only where there is nothing else."""
    quoted = [
        recommendation for recommendation in recommendations if not recommendation.group.preliminary
    ] or recommendations
    made = (make(quoted, records, config) for make in FURTHER)
    return tuple(section for section in made if section is not None)
