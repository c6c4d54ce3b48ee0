"""From the options of the command to the page: list the runs, read their columns, write one file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joulemark.core import paths, tracking
from joulemark.core.formatting import many
from joulemark.core.paths import program
from joulemark.core.written import writing
from joulemark.reporting import selection
from joulemark.reporting.explorer import encoding
from joulemark.reporting.explorer.columns import KINDS, NUMBERS, TEXTS, external
from joulemark.reporting.explorer.render import ExplorerPage, render
from joulemark.reporting.request import check_tasks
from joulemark.reporting.stored_entry import PARAMS
from joulemark.store import listing
from joulemark.store.listing import Choice, StoredRun

NAME, SUFFIX = "explorer.html", ".html"


@dataclass(frozen=True)
class ExplorerRequest:
    """The options of the command; conf/explore.yaml documents each."""

    tasks: tuple[str, ...] = ()
    sweep_id: str | None = None
    runs: tuple[str, ...] = ()
    filter: str | None = None
    out: str | None = None
    title: str = "Every run and published result"
    ui: str = "http://127.0.0.1:5000"
    tracking_uri: str | None = None


@dataclass(frozen=True)
class Explorer:
    """A page that was written.

    Attributes:
        file: where it is
        own: how many runs of this program it shows
        external: how many results of other programs
        left_out: how many runs a newer Joulemark wrote
    """

    file: Path
    own: int
    external: int
    left_out: int


def make(request: ExplorerRequest, say: Callable[[str], None] = lambda line: None) -> Explorer:
    """Writes the page; UserError for what cannot be, before anything is written.

    `say` gets a line now and then while many runs are read.
    """
    uri, file = tracking.resolve(request.tracking_uri), _file(request.out)
    choice = Choice(request.tasks, request.runs, request.sweep_id, request.filter)
    listed = list(listing.runs(uri, choice, PARAMS, say))
    selection.all_found(choice.ids, [run.run_id for run in listed])
    check_tasks(request.tasks, {run.tags.get("task", "") for run in listed}, uri)
    runs = [run for run in listed if not selection.newer(run)]
    others, left_out = sum(map(external, runs)), len(listed) - len(runs)
    ui = tracking.public(uri) if uri.startswith("http") else request.ui
    page = ExplorerPage(
        title=request.title,
        scope=scope(len(runs) - others, others),
        made=f"Made by {program('explore')} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {tracking.public(uri)}.",
        left_out=left_out,
        data=data(runs, ui),
    )
    _write(file, render(page))
    return Explorer(file, len(runs) - others, others, left_out)


def data(runs: Sequence[StoredRun], ui: str) -> dict[str, Any]:
    """All that the page's script reads: columns in which something is known, and what each row is."""
    texts = {column.name: [column.read(run) for run in runs] for column in TEXTS}
    figures = {column.name: encoding.numbers([column.read(run) for run in runs]) for column in NUMBERS}
    return {
        "ui": ui.rstrip("/"),
        "rows": len(runs),
        "ids": encoding.ids([run.run_id for run in runs]),
        "experiments": encoding.numbered([run.experiment_id for run in runs]),
        "kinds": {name: encoding.bits([holds(run) for run in runs]) for name, holds in KINDS.items()},
        "texts": [
            {"name": column.name, "label": column.label, "several": column.several, "empty": column.empty}
            | encoding.numbered(values)
            for column in TEXTS
            if any(values := texts[column.name])
        ],
        "numbers": [
            {"name": column.name, "label": column.label, "format": column.format, "log": column.log} | known
            for column in NUMBERS
            if (known := figures[column.name]) is not None
        ],
    }


def scope(own: int, others: int) -> str:
    """What the page shows, in one line."""
    runs = many(own, "run")
    return f"{runs} and {many(others, 'result')} of other programs" if others else runs


def _file(out: str | None) -> Path:
    if out is None:
        return paths.home() / "reports" / NAME
    path = Path(out).expanduser()
    return path if path.suffix == SUFFIX else path / NAME


def _write(file: Path, text: str) -> None:
    with writing("out", file, f"NAME{SUFFIX}"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
