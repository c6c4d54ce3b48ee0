"""From the options of the command to its files: select, group, decide, draw."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import comparability
from joulemark.core import paths, tracking
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.suggest import choose
from joulemark.reporting import constraints, files, greenest, impact, page_data
from joulemark.reporting.cells import merged
from joulemark.reporting.decision import Recommendation, decide
from joulemark.reporting.entry import Entry
from joulemark.reporting.group import Group, groups
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
    """The words of the command (conf/report.yaml says what each means)."""

    tasks: tuple[str, ...] = ()
    sweep_id: str | None = None
    runs: tuple[str, ...] = ()
    filter: str | None = None
    constraints: Mapping[str, Any] | None = None
    records: int = 200
    figures: tuple[str, ...] = ()
    use: Mapping[str, Any] | None = None
    mix: Mapping[str, Any] | None = None
    register: bool = False
    study: str | None = None
    name: str | None = None
    out: str | None = None
    title: str = "Which model to run, and what it costs"
    ui: str = "http://127.0.0.1:5000"
    tracking_uri: str | None = None


@dataclass(frozen=True)
class Report:
    """What was made: where it lies, the answers, how many runs are in it and left out, and what was registered."""

    folder: Path
    answers: tuple[Recommendation, ...]
    runs: int
    left_out: tuple[LeftOut, ...]
    registered: tuple[Mapping[str, Any], ...] = ()


def request_of(config: DictConfig, choices: Mapping[str, str | None]) -> ReportRequest:
    """The report that a composed configuration asks for; `choices` are those of its groups, of which a mix is named.

    Raises:
        UserError: for a value of the wrong type
    """
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    if values.get("mix") is not None:
        values["mix"]["name"] = choices["mix"]
    return typed(ReportRequest, values, "report")


def make(request: ReportRequest) -> Report:
    """Writes the report that was request for; UserError for what cannot be, before anything is written."""
    bounds, uri = constraints.constraints(request.constraints or {}), tracking.resolve(request.tracking_uri)
    folder = _folder(request)
    impact.asked_use(asdict(request))
    impact.asked_mix(asdict(request))
    for word in request.figures:
        if word not in FIGURES:
            raise UserError(choose("figures", word, FIGURES))
    chosen = select(uri, Choice(request.tasks, request.runs, request.sweep_id, request.filter), request.records)
    constraints.check_currency(bounds, chosen.entries)
    chosen = replace(chosen, entries=merged(chosen.entries))
    answers = tuple(decide(group, bounds) for group in groups(chosen.entries))
    if request.register:
        greenest.check(answers)
    page = page_of(request, bounds, uri, chosen, answers, _records(uri, chosen, answers, request.records))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(render(page), encoding="utf-8")
    (folder / "report.md").write_text(files.markdown(page), encoding="utf-8")
    (folder / "report.json").write_text(files.as_json(page, asdict(bounds)), encoding="utf-8")
    if request.figures:
        from joulemark.reporting.figures import write  # matplotlib, for who asks for it

        write(folder, answers, request.figures)
    registered = greenest.register(uri, answers) if request.register else []
    return Report(
        folder, answers, sum(len(entry.run_ids) for entry in chosen.entries), chosen.left_out, tuple(registered)
    )


def _folder(request: ReportRequest) -> Path:
    if request.out is not None:
        return Path(request.out)
    parts = [request.sweep_id or "", *request.tasks, *(run[:12] for run in request.runs[:4])]
    name = request.name if request.name is not None else "-".join(part for part in parts if part)[:100] or "all"
    if not NAME.fullmatch(name) or set(name) == {"."}:
        raise UserError(f"name={name}: letters, digits, dots, dashes and underscores only; type name=…")
    return paths.home() / "reports" / name


def _records(uri: str, chosen: Selection, answers: Sequence[Recommendation], most: int) -> dict[str, Record]:
    """The whole records of the runs that a reader looks at first: one of each group, the answers, the fronts."""
    first = [answer.group.first for answer in answers]
    best = [one for answer in answers for one in (answer.chosen, answer.runner_up) if one is not None]
    front = [entry for answer in answers for entry in answer.front]
    cheap = [entry for answer in answers for entry in sorted(answer.group.entries, key=lambda each: each.energy)[:8]]
    wanted = dict.fromkeys(one.run_id for one in (*first, *best, *front, *cheap))
    found = {run_id: listing.record(uri, chosen.held[run_id]) for run_id in list(wanted)[:most]}
    return {run_id: record for run_id, record in found.items() if record is not None}


def _differs(answers: Sequence[Recommendation], records: Mapping[str, Record]) -> dict[str, list[str]]:
    """For each group but the first of its task, what keeps its runs from being ranked with the first's."""
    first: dict[str, Group] = {}
    found: dict[str, list[str]] = {}
    for group in (answer.group for answer in answers):
        if group.task not in first:
            first[group.task] = group
            continue
        found[group.id] = _why_apart(first[group.task], group, records)
    return found


def _why_apart(main: Group, other: Group, records: Mapping[str, Record]) -> list[str]:
    if main.first.boundary != other.first.boundary:
        said = [one.first.boundary or "as this program measures" for one in (main, other)]
        return [f"boundary: {said[0]} and {said[1]}"]
    a, b = records.get(main.first.run_id), records.get(other.first.run_id)
    said = [] if a is None or b is None else list(comparability.differences(a, b))
    general = [next((entry for entry in group.entries if entry.prompt is not None), None) for group in (main, other)]
    if general[0] and general[1] and general[0].prompt != general[1].prompt:
        said = [line for line in said if not line.startswith("task prompt")] + [
            "task prompt: the general models are asked differently"
        ]
    return said or ["what makes runs comparable differs, and no record could be read to say how"]


def page_of(
    request: ReportRequest,
    bounds: constraints.Constraints,
    uri: str,
    chosen: Selection,
    answers: tuple[Recommendation, ...],
    records: Mapping[str, Record],
) -> Page:
    """All that the page shows, from what was selected, decided and read."""
    entries, differs = chosen.entries, _differs(answers, records)
    ui = tracking.public(uri) if uri.startswith("http") else request.ui
    drawn = page_data.page_data(entries, answers, differs, ui)
    metric = answers[0].group.first.metric if len({entry.metric for entry in entries}) == 1 else "quality"
    return Page(
        title=request.title,
        scope=_scope(entries, answers),
        made=f"Made by {program('report')} on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {tracking.public(uri)}.",
        constraints=bounds.words(metric),
        answers=answers,
        differs=differs,
        left_out=chosen.left_out,
        sections=sections(answers, records, asdict(request)),
        notes=_notes(entries, chosen.left_out),
        data={**drawn, "latencies": page_data.latencies(records, entries)},
    )


def _scope(entries: Sequence[Entry], answers: Sequence[Recommendation]) -> str:
    if not entries:
        return "no runs"
    tasks = len({entry.task for entry in entries})
    runs = _many(sum(len(entry.run_ids) for entry in entries), "run")
    counted = f"{runs} of {_many(tasks, 'task')} in {_many(len(answers), 'group')}"
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
    """What must be said before anything else."""
    said = []
    if not entries:
        more = "; below is why each was left out" if left_out else ": measure one with " + program("run")
        said.append(f"There is no run to report on{more}.")
    if len(entries) == 1:
        said.append("One setting is no choice: measure another model or setting to compare it with.")
    if entries and not any(entry.quality is not None for entry in entries):
        said.append("No run here has a quality: what follows is about energy alone.")
    if len(entries) > LARGE:
        said.append(f"{len(entries)} runs make a heavy page; tasks=[…] or sweep_id=… makes a lighter one.")
    return said


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
