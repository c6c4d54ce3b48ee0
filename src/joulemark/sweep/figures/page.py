"""The page of a sweep: the recommendation in words, its table, and the figures, in the report's frame and style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulemark.reporting import render
from joulemark.reporting.section import Section

FOLDER = Path(__file__).parent / "template"
SHARED = ("elements", "theme")  # the report's own scripts, before that of this page


@dataclass(frozen=True)
class SweepPage:
    """All that the page shows.

    Attributes:
        title: names the model, the task and the sweep
        made: by which command and when
        headline: what to run
        sure: how sure it is that this takes less than the reference, in the verdict's words
        level: the badge's colour, as the report names it: `established`, `tie`, `open`, `alone` or `none`
        because: why that one, in a sentence
        command: that measures it again; empty where nothing is recommended
        columns, rows: the table of the reference, the front and the recommended setting
        sentences: what else is to be known
        sections: the figures
        data: nothing; the frame of every page has it
    """

    title: str
    made: str
    headline: str
    sure: str
    level: str
    because: str
    command: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    sentences: Sequence[str]
    sections: Sequence[Section]
    data: Mapping[str, Any] = field(default_factory=dict)


def page(content: SweepPage) -> str:
    """The page as HTML: one file that opens offline, under the report's policy."""
    scripts = [render.FOLDER / f"{name}.js" for name in SHARED]
    return render.one_file(content, FOLDER, [*scripts, FOLDER / "main.js"], **render.charts_of(content.sections))
