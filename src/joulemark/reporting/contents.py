"""All that the page of a report holds, from what was selected, decided and read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from joulemark.core import tracking
from joulemark.core.formatting import many
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.reporting import apart, constraints, impact, own_use, page_data
from joulemark.reporting.entry import Entry
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.render import Page
from joulemark.reporting.request import ReportRequest
from joulemark.reporting.sections import sections
from joulemark.reporting.selection import LeftOut, Selection

LARGE = 20_000  # runs; above it the page is heavy, and says so


def page_of(
    request: ReportRequest,
    bounds: constraints.Constraints,
    uri: str,
    chosen: Selection,
    recommendations: tuple[Recommendation, ...],
    records: Mapping[str, Record],
) -> Page:
    """The page, but for what to take for a load and notes about a site."""
    entries, options = chosen.entries, asdict(request)
    recommendations = apart.told_apart(recommendations, records, request.private)
    differs = apart.differences(recommendations, records, request.private)
    ui = tracking.public(uri) if uri.startswith("http") else request.ui
    drawn = page_data.page_data(entries, recommendations, differs, ui)
    metric = recommendations[0].group.first.metric if len({entry.metric for entry in entries}) == 1 else "quality"
    return Page(
        title=request.title,
        scope=_scope(entries, recommendations),
        made=f"Made by {program('report')} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {tracking.public(uri)}.",
        constraints=bounds.sentences(metric),
        recommendations=recommendations,
        differs=differs,
        left_out=chosen.left_out,
        sections=sections(recommendations, records, options),
        notes=_notes(entries, chosen.left_out),
        data={**drawn, "latencies": page_data.latencies(records, entries)},
        use=impact.requested_use(options),
        uses=own_use.uses(recommendations, options),
        mix=None if request.mix is None else str(request.mix["name"]),
    )


def _scope(entries: Sequence[Entry], recommendations: Sequence[Recommendation]) -> str:
    if not entries:
        return "no runs"
    tasks = len({entry.task for entry in entries})
    runs = many(sum(len(entry.run_ids) for entry in entries), "run")
    counted = f"{runs} of {many(tasks, 'task')} in {many(len(recommendations), 'group')}"
    return f"{counted} that may be ranked, {_when(entries)}"


def _when(entries: Sequence[Entry]) -> str:
    """The days on which our own runs began; what others measured often does not say when."""
    own = sorted(entry.began_ms for entry in entries if not entry.external)
    if not own:
        return "measured by other programs"
    first, last = (f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}" for ms in (own[0], own[-1]))
    when = f"measured {first}" if first == last else f"measured {first} to {last}"
    others = len(entries) - len(own)
    return f"{when}, {others} of them measured by other programs" if others else when


def _notes(entries: Sequence[Entry], left_out: Sequence[LeftOut]) -> list[str]:
    """Notes at the top of the page."""
    notes = []
    if not entries:
        more = "; below is why each was left out" if left_out else ": measure one with " + program("run")
        notes.append(f"There is no run to report on{more}.")
    if len(entries) == 1:
        notes.append("One setting is no choice: measure another model or setting to compare it with.")
    if entries and not any(entry.quality is not None for entry in entries):
        notes.append("No run here has a quality: what follows is about energy alone.")
    if len(entries) > LARGE:
        notes.append(f"{len(entries)} runs make a heavy page; tasks=[…] or sweep_id=… makes a lighter one.")
    return notes
