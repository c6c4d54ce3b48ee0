"""The example report: in the checkout without Plotly's script, which is five megabytes, on the site whole."""

import re
from pathlib import Path

from joulemark.reporting.render import digest

EXAMPLE = Path(__file__).resolve().parents[1] / "example" / "report.html"
SCRIPT, DIGEST = "/* Plotly's script: make docs */", "'the digest of that script'"
MOST_BYTES = 1_500_000


def without_plotly(page: str) -> str:
    """A report's page with a mark in place of Plotly's script and of the digest that lets it run."""
    plotly = _plotly()
    assert page.count(plotly) == 1, "the report holds another Plotly than is installed"
    return page.replace(plotly, SCRIPT).replace(digest(plotly), DIGEST)


def whole(page: str) -> str:
    """That page with the script of the Plotly that is installed."""
    plotly = _plotly()
    return page.replace(SCRIPT, plotly).replace(DIGEST, digest(plotly))


def paths_in(page: str) -> list[str]:
    """Paths of the machine that the page was made on, as far as their beginnings tell."""
    return re.findall(r"(?:/home/|/root/|/Users/|/srv/|/tmp/|/mnt/|[A-Z]:\\\\)[\w./-]*", page.replace(SCRIPT, ""))


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
