"""A part of the page after the built-in charts: made of a report's entries and configuration, by a plain function.

    def section(
        recommendations: Sequence[Recommendation], records: Mapping[str, Record], config: Mapping[str, Any]
    ) -> Section | None

`records` are the whole records of the runs that a reader sees first, by run id; `config` the options of the command.
Add the function to `FURTHER` in reporting/sections.py: that is the one line by which a section is plugged in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.markdown import Table


@dataclass(frozen=True)
class Chart:
    """A Plotly figure as JSON values (`data` and `layout`), and what it shows in one sentence, for who cannot see it.

    The page gives it the colours of its theme; `text` is also its caption.
    """

    text: str
    figure: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, tables and charts in this order. Text is plain: the page escapes it.

    `id` is the anchor: lower-case letters and dashes. `folded`: charts come first, and tables unfold below.
    """

    id: str
    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    folded: bool = False
