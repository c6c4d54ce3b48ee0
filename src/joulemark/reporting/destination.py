"""Where the files of a report go: a folder for the runs that it is of, a file name for what was asked of them.

So a page under other constraints, at another site or for another use stands beside the first one.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from joulemark.analysis import emissions
from joulemark.analysis.emissions import FACTOR_FACTS
from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.written import writing
from joulemark.reporting import compared
from joulemark.reporting.constraints import QUALITY_LOSS, Constraints
from joulemark.reporting.request import ReportRequest

# What the label of a site says
LABELLED = ("g_per_kwh", "pue", "price_per_kwh", "currency", "heat_reuse", "heat_replaces")

NAME = re.compile(r"[A-Za-z0-9_.-]+")
SUFFIXES = (".html", ".md", ".json", ".csv")  # of the files of a report, in which the name of no folder ends
PLAIN = "report"  # the name of the files where nothing but the runs was asked for
LONGEST, LISTED = 80, 4  # letters of a file's name; runs that a folder's name lists


@dataclass(frozen=True)
class Destination:
    """The files of one report.

    Attributes:
        folder: where they are
        stem: their name without what follows the dot
    """

    folder: Path
    stem: str = PLAIN

    @property
    def page(self) -> Path:
        """The page itself."""
        return self.folder / f"{self.stem}.html"

    @property
    def figures(self) -> Path:
        """The folder of figures for a paper."""
        return self.folder / ("figures" if self.stem == PLAIN else f"{self.stem}-figures")

    def write(self, texts: Mapping[str, str]) -> None:
        """Writes a text for each kind of file; UserError where the folder cannot be had."""
        with writing("out", self.folder, "FOLDER"):
            self.folder.mkdir(parents=True, exist_ok=True)
            for kind, text in texts.items():
                (self.folder / f"{self.stem}.{kind}").write_text(text, encoding="utf-8")


def destination(request: ReportRequest, bounds: Constraints, site: Site) -> Destination:
    """Where a requested report goes; UserError for a name that is none, and for an `out` that is a file."""
    stem = _short("-".join([PLAIN, *_asked(request, bounds, site)]))
    if request.out is not None:
        folder = Path(request.out).expanduser()
        if folder.is_file():
            raise UserError(f"out={request.out}: it is a file; type out=FOLDER")
        if folder.suffix in SUFFIXES and not folder.is_dir():
            raise UserError(f"out={request.out}: a report is a folder of files; type out={folder.with_suffix('')}")
        return Destination(folder, stem)
    listed = request.runs if len(request.runs) <= LISTED else (*request.runs[: LISTED - 1], _digest(*request.runs))
    parts = [request.sweep_id or "", *request.tasks, *(run[:12] for run in listed)]
    parts += [f"filter_{_digest(request.filter)}"] if request.filter else []
    name = request.name if request.name is not None else _short("-".join(part for part in parts if part)) or "all"
    if not NAME.fullmatch(name) or set(name) == {"."}:
        raise UserError(f"name={name}: letters, digits, dots, dashes and underscores only; type name=…")
    return Destination(paths.home() / "reports" / name, stem)


def _asked(request: ReportRequest, bounds: Constraints, site: Site) -> list[str]:
    """What was asked of the runs other than by default, a word each."""
    stated = {key: value for key, value in vars(bounds).items() if value is not None}
    loss = stated.pop("quality_loss", None)
    if bounds.quality is None and request.constraints is not None and loss != QUALITY_LOSS:
        stated["quality_loss"] = "any" if loss is None else loss
    limits = {key: value for key, value in (request.limits or {}).items() if value is not None}
    use = request.use or {}
    words = {
        **stated,
        "load": request.load,
        **(limits if request.load is not None else {}),
        "site": _site(site),
        "use": None if use.get("count") is None else f"{use['count']:g}_a_{use.get('per', 'week')}",
        "mix": None if request.mix is None else request.mix["name"],
        "study": None if request.study is None else _digest(request.study),
    }
    plain = [
        *(["across_engines"] if request.across_engines else []),
        *([request.quantity] if request.quantity != compared.AUTO else []),
        *([] if request.private else ["not_private"]),
    ]
    return [*(f"{key}_{_word(value)}" for key, value in words.items() if value is not None), *plain]


def _site(site: Site) -> str | None:
    """All that a site changes, as one word; None where it says nothing."""
    if site == Site(site.name):
        return None
    labelled = vars(Site(site.name, zone=site.zone, **{key: getattr(site, key) for key in LABELLED}))
    others = {key: value for key, value in vars(site).items() if key not in FACTOR_FACTS and value != labelled[key]}
    return "-".join([emissions.label(site), *(f"{key}{value:g}" for key, value in others.items())])


def _word(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float | int) else str(value)
    return "".join(letter if NAME.fullmatch(letter) else "_" for letter in text)


def _short(name: str) -> str:
    """The name, or its beginning and a digest of the whole where it is too long."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{_digest(name)}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
