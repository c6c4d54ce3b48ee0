"""The page: one HTML file that needs nothing else. Scripts run by their digest alone, so none can be smuggled in."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from joulemark.analysis.impact.usage import Use
from joulemark.core import formatting
from joulemark.reporting import alternatives, amounts, claim, load_text, own_use, recommendation_text, site_notes
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.own_use import OwnUse
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.section import Section
from joulemark.reporting.selection import LeftOut

FOLDER = Path(__file__).parent / "page"
SCRIPTS = (
    "elements",
    "read",
    "numbers",
    "state",
    "theme",
    "verdict",
    "charts",
    "more_charts",
    "table",
    "main",
)  # in this order
LEFT_OUT_SHOWN = 200

# A browser keeps to this itself: nothing is fetched, and no script runs but those whose digest is here
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; script-src {}"


class Framed(Protocol):
    """What the frame of every page shows."""

    @property
    def title(self) -> str:
        """Its heading."""

    @property
    def made(self) -> str:
        """By which command, when, and from which store."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What its script reads."""


@dataclass(frozen=True)
class Page:
    """All that the page shows.

    Attributes:
        title: its heading
        scope: what it covers, in one line
        made: by which command, when, and from which store
        constraints: as sentences
        recommendations: one for each group
        differs: by the group's id, why it is not ranked with the first of its task
        left_out: the runs that it does not cover, each with the reason
        sections: what follows its own charts
        notes: at the top of the page
        data: what its script draws from
        loads: what to take for the load that was asked for, first on the page
        use: the reader's own use, as it was typed; None where none was
        uses: by the group's id, what a year of it takes with the recommended setting
        mix: the name of the mix of jobs that was asked about
    """

    title: str
    scope: str
    made: str
    constraints: Sequence[str]
    recommendations: Sequence[Recommendation]
    differs: Mapping[str, Sequence[str]]
    left_out: Sequence[LeftOut]
    sections: Sequence[Section]
    notes: Sequence[str]
    data: Mapping[str, Any]
    loads: Sequence[LoadAnswer] = ()
    use: Use | None = None
    uses: Mapping[str, OwnUse] = field(default_factory=dict)
    mix: str | None = None

    @property
    def tasks(self) -> list[Recommendation]:
        """The foremost group of each task, tasks with a recommendation first."""
        first: dict[str, Recommendation] = {}
        for each in sorted(self.recommendations, key=lambda one: one.weight, reverse=True):
            first.setdefault(each.group.task, each)
        return sorted(first.values(), key=lambda each: (each.chosen is None, each.group.task))

    @property
    def by_weight(self) -> list[Recommendation]:
        """Every group, those with a recommendation first."""
        return sorted(self.recommendations, key=lambda each: (each.chosen is None, each.group.task))


@dataclass(frozen=True)
class Assets:
    """What a page carries with it, the same on every page of its kind.

    Attributes:
        style: its CSS
        plotly: the script that draws
        script: its own, which tells that what to draw
    """

    style: str
    plotly: str
    script: str


def render(page: Page) -> str:
    """The page as HTML."""
    return one_file(
        page,
        FOLDER,
        _scripts(),
        sentences=recommendation_text,
        loads=load_text,
        amounts=amounts,
        alternatives=alternatives,
        claim=claim,
        use_text=own_use,
        sites=site_notes,
        formatting=formatting,
        shown=LEFT_OUT_SHOWN,
        **charts_of(page.sections),
    )


def report_assets() -> Assets:
    """What the page of a report carries with it."""
    return _assets(FOLDER, _scripts())


def _scripts() -> list[Path]:
    return [FOLDER / f"{name}.js" for name in SCRIPTS]


def charts_of(sections: Sequence[Section]) -> dict[str, Any]:
    """What a template needs to hand the charts of its sections to the script."""
    from markupsafe import Markup

    charts = [[chart.figure for chart in section.charts] for section in sections]
    return {"charts": charts, "quoted": lambda value: Markup(quoted(value))}


def one_file(page: Framed, folder: Path, scripts: Sequence[Path], **values: Any) -> str:
    """A page in the report's frame, style and policy as HTML, from the template and style, if any, of its own folder.

    `scripts` are run in their order, as one; `values` are what the template reads beside the page.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    assets = _assets(folder, scripts)
    environment = Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["whole"] = formatting.unbroken
    return environment.get_template("page.html").render(
        page=page,
        policy=POLICY.format(f"{digest(assets.plotly)} {digest(assets.script)}"),
        style=Markup(assets.style),
        plotly=Markup(assets.plotly),
        script=Markup(assets.script),
        data=Markup(quoted(page.data)),
        **values,
    )


def _assets(folder: Path, scripts: Sequence[Path]) -> Assets:
    from plotly.offline import get_plotlyjs

    styles = [file for each in dict.fromkeys((FOLDER, folder)) if (file := each / "style.css").is_file()]
    style, body = ("".join(file.read_text(encoding="utf-8") for file in files) for files in (styles, scripts))
    return Assets(style, str(get_plotlyjs()), f'"use strict";\n(() => {{\n{body}}})();\n')


def quoted(value: Any) -> str:
    """JSON that stays JSON within a script element, whatever its strings say."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def digest(text: str) -> str:
    """The digest of a script by which a page's policy lets it run."""
    # A browser digests what it parsed, in which every line ends alike
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(unified.encode()).digest()).decode()}'"
