"""From the options of the command to its files: select, group, decide, draw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from joulemark.config.factories import site_of
from joulemark.core import tracking
from joulemark.core.machine import Site
from joulemark.core.progress import counted
from joulemark.core.record import Record
from joulemark.core.written import writing
from joulemark.reporting import (
    compared,
    constraints,
    engines,
    files,
    greenest,
    load,
    load_charts,
    request,
    rescored,
    site_notes,
    table_file,
)
from joulemark.reporting.answers import Answers
from joulemark.reporting.cells import merged
from joulemark.reporting.contents import page_of
from joulemark.reporting.decision import decide
from joulemark.reporting.destination import destination
from joulemark.reporting.group import groups
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.recommendation import Recommendation
from joulemark.reporting.render import Page, render
from joulemark.reporting.request import ReportRequest
from joulemark.reporting.selection import LeftOut, Selection, select
from joulemark.store import listing
from joulemark.store.listing import Choice


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        page: the file to open
        recommendations: one for each group
        runs: how many runs it covers
        left_out: the runs that it does not cover, each with the reason
        registered: the versions that were added to the model registry
        loads: what to take for the load that was asked for
        constraints: what a recommended run had to meet, as sentences
    """

    page: Path
    recommendations: tuple[Recommendation, ...]
    runs: int
    left_out: tuple[LeftOut, ...]
    registered: tuple[Mapping[str, Any], ...] = ()
    loads: tuple[LoadAnswer, ...] = ()
    constraints: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.page.parent


def make(wanted: ReportRequest, say: Callable[[str], None] = lambda line: None) -> Report:
    """Writes the requested report; UserError for what cannot be, before anything is written.

    `say` gets a line now and then while many runs and records are read.
    """
    bounds, uri = constraints.constraints(wanted.constraints or {}), tracking.resolve(wanted.tracking_uri)
    limits, site = load.limits(wanted.limits), site_of(wanted.site or {}, "unknown")
    request.check(wanted)
    place = destination(wanted, bounds, site)
    chosen = _selected(wanted, uri, site, say)
    constraints.check_currency(bounds, chosen.entries)
    constraints.check_quality(bounds, chosen.entries)
    entries = engines.named(engines.across(chosen.entries) if wanted.across_engines else chosen.entries)
    ranked, lacking = compared.compared(entries, wanted.quantity)
    chosen = replace(chosen, entries=merged(ranked), left_out=(*chosen.left_out, *lacking))
    answers = Answers(lambda run_id: listing.record(uri, chosen.held[run_id]))
    recommendations = tuple(decide(group, bounds, answers) for group in groups(chosen.entries))
    curves = load.curves(ranked)
    loads = load.answered(curves, wanted.load, limits, bounds, answers, load.doubts(ranked))
    if wanted.register:
        greenest.check(recommendations)
    records = _records(uri, chosen, site, _first(recommendations, wanted.records), say)
    page = page_of(wanted, bounds, uri, chosen, recommendations, records)
    notes = [*page.notes, *site_notes.notes(site, list(chosen.laid.values()))]
    page = replace(page, loads=loads, notes=notes, sections=(*load_charts.sections(curves, limits), *page.sections))
    place.write(_texts(page, asdict(bounds)))
    if wanted.figures:
        from joulemark.reporting.figures import write  # matplotlib, for who asks for it

        with writing("out", place.figures, "FOLDER"):
            write(place.figures, page.recommendations, wanted.figures)
    registered = greenest.register(uri, recommendations) if wanted.register else []
    runs = sum(len(entry.run_ids) for entry in chosen.entries)
    return Report(
        place.page,
        tuple(page.recommendations),
        runs,
        chosen.left_out,
        tuple(registered),
        loads,
        tuple(page.constraints),
    )


def _texts(page: Page, bounds: Mapping[str, Any]) -> dict[str, str]:
    """The files of a report by their kind."""
    return {
        "html": render(page),
        "md": files.markdown(page),
        "json": files.as_json(page, bounds),
        "csv": table_file.csv_of(page),
    }


def _selected(wanted: ReportRequest, uri: str, site: Site, say: Callable[[str], None]) -> Selection:
    """The chosen runs, at the report's own site where it names one; UserError where a task has none."""
    choice = Choice(wanted.tasks, wanted.runs, wanted.sweep_id, wanted.filter)
    chosen = select(uri, choice, wanted.records, wanted.private, say)
    there = {entry.task for entry in chosen.entries} | {run.task for run in chosen.left_out}
    request.check_tasks(wanted.tasks, there, uri)
    return replace(chosen, entries=rescored.at_site(chosen.entries, site)) if rescored.requested(site) else chosen


def _first(recommendations: Sequence[Recommendation], most: int) -> list[str]:
    """The runs that a reader sees first, at most so many: one of each group, the recommendations, the fronts."""
    first = [recommendation.group.first for recommendation in recommendations]
    best = [
        entry
        for recommendation in recommendations
        for entry in (recommendation.chosen, recommendation.runner_up)
        if entry is not None
    ]
    front = [entry for recommendation in recommendations for entry in recommendation.front]
    cheap = [
        entry
        for recommendation in recommendations
        for entry in sorted(recommendation.group.entries, key=lambda each: each.compared.mean)[:8]
    ]
    return list(dict.fromkeys(entry.run_id for entry in (*first, *best, *front, *cheap)))[:most]


def _records(
    uri: str, chosen: Selection, site: Site, ids: Sequence[str], say: Callable[[str], None]
) -> dict[str, Record]:
    """The whole records of these runs, each at the site that the page's figures are of."""
    records = {
        run_id: listing.record(uri, chosen.held[run_id]) for run_id in counted(ids, "records read", say, of=len(ids))
    }
    laid = {run_id: [over.site] if (over := chosen.laid.get(run_id)) else [] for run_id in ids}
    return {
        run_id: rescored.record_at(record, *laid[run_id], site)
        for run_id, record in records.items()
        if record is not None
    }
