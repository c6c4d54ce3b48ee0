"""From the options of the command to its files: select, group, decide, draw."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import comparability
from joulemark.config.factories import site_of
from joulemark.core import paths, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.paths import program
from joulemark.core.private_files import private_files
from joulemark.core.record import Record
from joulemark.core.suggest import choose
from joulemark.reporting import (
    compared,
    constraints,
    engines,
    files,
    greenest,
    impact,
    load,
    load_charts,
    page_data,
    private_data,
    rescored,
)
from joulemark.reporting.answers import Answers
from joulemark.reporting.cells import merged
from joulemark.reporting.decision import Recommendation, decide
from joulemark.reporting.entry import Entry
from joulemark.reporting.group import Group, groups
from joulemark.reporting.load import LoadAnswer
from joulemark.reporting.render import Page, render
from joulemark.reporting.sections import sections
from joulemark.reporting.selection import LeftOut, Selection, select
from joulemark.store import listing
from joulemark.store.listing import Choice

NAME = re.compile(r"[A-Za-z0-9_.-]+")
FIGURES = ("svg", "png")
LARGE = 20_000  # runs; above it the page is heavy, and says so


@dataclass(frozen=True)
class ReportRequest:
    """The options of the command; conf/report.yaml documents each."""

    tasks: tuple[str, ...] = ()
    sweep_id: str | None = None
    runs: tuple[str, ...] = ()
    filter: str | None = None
    constraints: Mapping[str, Any] | None = None
    load: float | None = None
    limits: Mapping[str, Any] | None = None
    across_engines: bool = False
    quantity: str = compared.AUTO
    private: bool = True
    records: int = 200
    figures: tuple[str, ...] = ()
    use: Mapping[str, Any] | None = None
    mix: Mapping[str, Any] | None = None
    site: Mapping[str, Any] | None = None
    register: bool = False
    study: str | None = None
    name: str | None = None
    out: str | None = None
    title: str = "Which model to run, and what it costs"
    ui: str = "http://127.0.0.1:5000"
    tracking_uri: str | None = None


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        folder: where its files are
        recommendations: one for each group
        runs: how many runs it covers
        left_out: the runs that it does not cover, each with the reason
        registered: the versions that were added to the model registry
        loads: what to take for the load that was asked for
        constraints: what a recommended run had to meet, as sentences
    """

    folder: Path
    recommendations: tuple[Recommendation, ...]
    runs: int
    left_out: tuple[LeftOut, ...]
    registered: tuple[Mapping[str, Any], ...] = ()
    loads: tuple[LoadAnswer, ...] = ()
    constraints: tuple[str, ...] = ()


def request_of(config: DictConfig, choices: Mapping[str, str | None]) -> ReportRequest:
    """The report that a composed configuration asks for; `choices` are those of its groups.

    Raises:
        UserError: for a value of the wrong type
    """
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    for group in ("mix", "site"):
        if values.get(group) is not None:
            values[group]["name"] = choices[group]
    return typed(ReportRequest, values, "report")


def make(request: ReportRequest) -> Report:
    """Writes the requested report; UserError for what cannot be, before anything is written."""
    bounds, uri = constraints.constraints(request.constraints or {}), tracking.resolve(request.tracking_uri)
    folder, limits = _folder(request), load.limits(request.limits)
    load.check(request.load)
    impact.requested_use(asdict(request))
    impact.requested_mix(asdict(request))
    for kind in request.figures:
        if kind not in FIGURES:
            raise UserError(choose("figures", kind, FIGURES))
    compared.check(request.quantity)
    site = site_of(request.site or {}, "unknown")
    chosen = select(
        uri, Choice(request.tasks, request.runs, request.sweep_id, request.filter), request.records, request.private
    )
    if rescored.requested(site):
        chosen = replace(chosen, entries=rescored.at_site(chosen.entries, site))
    check_tasks(request.tasks, _tasks(chosen), uri)
    constraints.check_currency(bounds, chosen.entries)
    entries = engines.named(engines.across(chosen.entries) if request.across_engines else chosen.entries)
    ranked, lacking = compared.compared(entries, request.quantity)
    chosen = replace(chosen, entries=merged(ranked), left_out=(*chosen.left_out, *lacking))
    answers = Answers(lambda run_id: listing.record(uri, chosen.held[run_id]))
    recommendations = tuple(decide(group, bounds, answers) for group in groups(chosen.entries))
    curves = load.curves(ranked)
    loads = load.answered(curves, request.load, limits, bounds, answers, load.doubts(ranked))
    if request.register:
        greenest.check(recommendations)
    page = page_of(
        request, bounds, uri, chosen, recommendations, _records(uri, chosen, recommendations, request.records)
    )
    page = replace(page, loads=loads, sections=(*load_charts.sections(curves, limits), *page.sections))
    if rescored.requested(site):
        page = replace(page, notes=[*page.notes, rescored.note(site)])
    texts = {
        "report.html": render(page),
        "report.md": files.markdown(page),
        "report.json": files.as_json(page, asdict(bounds)),
    }
    _write(folder, texts)
    if request.figures:
        from joulemark.reporting.figures import write  # matplotlib, for who asks for it

        with private_files():
            write(folder, recommendations, request.figures)
    registered = greenest.register(uri, recommendations) if request.register else []
    runs = sum(len(entry.run_ids) for entry in chosen.entries)
    return Report(folder, recommendations, runs, chosen.left_out, tuple(registered), loads, tuple(page.constraints))


def _tasks(chosen: Selection) -> set[str]:
    """The tasks of all runs that were chosen, left out or not."""
    return {entry.task for entry in chosen.entries} | {run.task for run in chosen.left_out}


def check_tasks(tasks: Sequence[str], there: Collection[str], uri: str) -> None:
    """Refuses a task of which the store holds no run: its page would be empty."""
    known = sorted({path.stem for path in (paths.CONF / "task").glob("*.yaml")} | set(there))
    for task in tasks:
        if task not in known:
            raise UserError(choose("tasks", task, known))
        if task not in there:
            store = tracking.public(uri)
            raise UserError(f"tasks=[{task}]: none of the chosen runs of {store}; type {program('run')} task={task}")


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes the files of a report; UserError where the folder cannot be had."""
    try:
        with private_files():
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"out={folder}: {error.strerror or error}; type out=FOLDER, one that can be written") from None


def _folder(request: ReportRequest) -> Path:
    if request.out is not None:
        return Path(request.out).expanduser()
    parts = [request.sweep_id or "", *request.tasks, *(run[:12] for run in request.runs[:4])]
    name = request.name if request.name is not None else "-".join(part for part in parts if part)[:100] or "all"
    if not NAME.fullmatch(name) or set(name) == {"."}:
        raise UserError(f"name={name}: letters, digits, dots, dashes and underscores only; type name=…")
    return paths.home() / "reports" / name


def _records(uri: str, chosen: Selection, recommendations: Sequence[Recommendation], most: int) -> dict[str, Record]:
    """The whole records of the runs that a reader sees first: one of each group, the recommendations, the fronts."""
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
    wanted = dict.fromkeys(entry.run_id for entry in (*first, *best, *front, *cheap))
    records = {run_id: listing.record(uri, chosen.held[run_id]) for run_id in list(wanted)[:most]}
    return {run_id: record for run_id, record in records.items() if record is not None}


def _differs(
    recommendations: Sequence[Recommendation], records: Mapping[str, Record], private: bool
) -> dict[str, list[str]]:
    """For each group but the first of its task, what keeps its runs from being ranked with the first's."""
    first: dict[str, Group] = {}
    differences: dict[str, list[str]] = {}
    for group in (recommendation.group for recommendation in recommendations):
        if group.task not in first:
            first[group.task] = group
            continue
        datasets = {each.dataset for one in (first[group.task], group) for each in one.entries if private}
        reasons = _why_apart(first[group.task], group, records)
        differences[group.id] = [private_data.difference(line, datasets) for line in reasons]
    return differences


def _why_apart(first: Group, second: Group, records: Mapping[str, Record]) -> list[str]:
    if first.first.boundary != second.first.boundary:
        boundaries = [group.first.boundary or "as this program measures" for group in (first, second)]
        return [f"boundary: {boundaries[0]} and {boundaries[1]}"]
    a, b = records.get(first.first.run_id), records.get(second.first.run_id)
    reasons = [] if a is None or b is None else list(comparability.differences(a, b))
    general = [next((entry for entry in group.entries if entry.prompt is not None), None) for group in (first, second)]
    if general[0] and general[1] and general[0].prompt != general[1].prompt:
        reasons = [line for line in reasons if not line.startswith("task prompt")] + [
            "task prompt: the general-purpose models have different prompts"
        ]
    return reasons or ["what makes runs comparable differs, and no record is available to say how"]


def page_of(
    request: ReportRequest,
    bounds: constraints.Constraints,
    uri: str,
    chosen: Selection,
    recommendations: tuple[Recommendation, ...],
    records: Mapping[str, Record],
) -> Page:
    """All that the page shows, from what was selected, decided and read."""
    entries, differs = chosen.entries, _differs(recommendations, records, request.private)
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
        sections=sections(recommendations, records, asdict(request)),
        notes=_notes(entries, chosen.left_out),
        data={**drawn, "latencies": page_data.latencies(records, entries)},
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
