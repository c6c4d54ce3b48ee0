"""The example report: in the checkout its content alone, on the site with the style and the scripts of every report."""

import re
from collections.abc import Mapping
from pathlib import Path

from joulemark.reporting.render import digest, report_assets

EXAMPLE = Path(__file__).resolve().parents[1] / "example" / "report.html"
MOST_BYTES = 1_500_000


def content(page: str) -> str:
    """A report's page with a mark in place of what every report carries, and of the digests that let scripts run."""
    for mark, text in _carried().items():
        assert page.count(text) == 1, f"the report holds another one: {mark}"
        page = page.replace(text, mark)
    return page


def whole(page: str) -> str:
    """That page with what is carried now."""
    for mark, text in _carried().items():
        page = page.replace(mark, text)
    return page


def paths_in(page: str) -> list[str]:
    """Paths of the machine that the page was made on, as far as their beginnings tell."""
    found = page
    for mark in _carried():
        found = found.replace(mark, "")
    return re.findall(r"(?:/home/|/root/|/Users/|/srv/|/tmp/|/mnt/|[A-Z]:\\\\)[\w./-]*", found)


def _carried() -> Mapping[str, str]:
    """What stands where a mark is."""
    carried = report_assets()
    return {
        "/* Plotly's script: make docs */": carried.plotly,
        "/* the report's script: make docs */": carried.script,
        "/* the report's style: make docs */": carried.style,
        "sha256 of Plotly's script": _unquoted(carried.plotly),
        "sha256 of the report's script": _unquoted(carried.script),
    }


def _unquoted(script: str) -> str:
    """A script's digest as an attribute has it, in which quotes are escaped."""
    return digest(script).strip("'")
