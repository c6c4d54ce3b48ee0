"""The 2023 study's tables on the page, computed from its raw data, each with the corrected figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from joulemark.analysis.external import formats, study_tables
from joulemark.core.record import Record
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.section import Section

INTRODUCTION = (
    "Tables 2, 3 and 5 of Power Hungry Processing (Luccioni, Jernite, Strubell, 2023, arXiv 2311.16863), computed from "
    "its published data: what was counted there (eight GPUs of which seven were idle, constants for processor and "
    "memory), and next to it the least that the working GPU took.",
)


def study(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
) -> Section | None:
    """The tables of the folder that `study=FOLDER` names; UserError where it does not hold the study's files."""
    folder = config.get("study")
    if folder is None:
        return None
    ingested = formats.read([Path(str(folder))])
    return Section("the-study", "The study's tables", INTRODUCTION, tuple(study_tables.tables(ingested.results)))
