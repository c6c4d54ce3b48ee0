"""The sections that are plugged into the page after its own charts: one line each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from src.report.entry import Entry
from src.report.section import Section

# Called in this order; one that has nothing to say returns None
FURTHER: tuple[Callable[[Sequence[Entry], Mapping[str, Any]], Section | None], ...] = ()


def sections(entries: Sequence[Entry], config: Mapping[str, Any]) -> tuple[Section, ...]:
    """Every further section that these runs give."""
    made = (make(entries, config) for make in FURTHER)
    return tuple(section for section in made if section is not None)
