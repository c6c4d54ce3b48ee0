"""The sections that are plugged into the page after its own charts: one line each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from src.core import Record
from src.report import meanings, tables
from src.report.decision import Answer
from src.report.section import Section

Make = Callable[[Sequence[Answer], Mapping[str, Record], Mapping[str, Any]], Section | None]

# Called in this order; one that has nothing to say returns None
FURTHER: tuple[Make, ...] = (
    meanings.in_other_words,
    meanings.portfolio,
    meanings.training,
    meanings.published,
    tables.study,
)


def sections(
    answers: Sequence[Answer], records: Mapping[str, Record], config: Mapping[str, Any]
) -> tuple[Section, ...]:
    """Every further section that these answers give; a sweep's first looks only where there is nothing else."""
    quoted = [answer for answer in answers if answer.group.quotable] or answers
    made = (make(quoted, records, config) for make in FURTHER)
    return tuple(section for section in made if section is not None)
