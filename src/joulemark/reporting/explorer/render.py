"""The explorer as one HTML file, under the report's own policy: scripts by their digest, no request."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulemark.core.paths import program
from joulemark.reporting.render import FOLDER as REPORT
from joulemark.reporting.render import one_file

FOLDER = Path(__file__).parent / "page"
SHARED = ("elements", "numbers")  # the report's own scripts, before those of this page
SCRIPTS = ("columns", "state", "rows", "marks", "chart", "table", "controls", "main")  # in this order


@dataclass(frozen=True)
class ExplorerPage:
    """All that the page shows.

    Attributes:
        title: its heading
        scope: what it covers, in one line
        made: by which command, when, and from which store
        left_out: how many runs a newer Joulemark wrote
        data: what its script reads
    """

    title: str
    scope: str
    made: str
    left_out: int
    data: Mapping[str, Any]


def render(page: ExplorerPage) -> str:
    """The page as HTML."""
    scripts = [REPORT / f"{name}.js" for name in SHARED] + [FOLDER / f"{name}.js" for name in SCRIPTS]
    return one_file(page, FOLDER, scripts, compare=program("compare"), report=program("report"))
