"""The table of a sweep: the reference, the front and what is recommended, each against the reference."""

from collections.abc import Mapping

from joulemark.analysis import verdict
from joulemark.core.cell import Cell
from joulemark.core.formatting import times
from joulemark.sweep.cost import cell_of
from joulemark.sweep.figures.style import digits
from joulemark.sweep.objectives import SHORT, Goals, Metrics
from joulemark.sweep.recommendation import Recommendation
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import FULL, TrialResult

SETTING = "setting"  # the head of the one column of text


def columns(goals: Goals) -> tuple[str, ...]:
    """The heads of the table."""
    return (SETTING, "Wh per 1,000", "±, within-run", "p95 s", "quality", f"{goals.objectives[0].name} better")


def rows(
    recommendation: Recommendation, reference: TrialResult, goals: Goals, cells: Mapping[Point, Cell]
) -> list[tuple[str, ...]]:
    """The table: the reference, the front, and what is recommended or nearest without being on it.

    `cells` are the fresh processes of settings that were confirmed; of the others there is one process, the search's.
    """
    front = [
        (result, "" if result.stage == FULL else result.stage)
        for result in recommendation.front
        if result.point != reference.point
    ]
    recommended = recommendation.recommended
    table: list[tuple[str, ...]] = []
    for result, note in [(reference, "reference"), *front, *_beside_the_front(recommendation, reference)]:
        mark = "recommended" if recommended is not None and result.point == recommended.point else ""
        notes = ", ".join(part for part in (note, mark) if part)
        setting = result.name + (f" ({notes})" if notes else "")
        table.append((setting, *figures(result, reference, goals, cells)))
    return table


def figures(
    result: TrialResult, reference: TrialResult, goals: Goals, cells: Mapping[Point, Cell]
) -> tuple[str, str, str, str, str]:
    """What the table says of a setting, by the columns after its name."""
    cell = processes_of(result, cells)
    is_reference = result.point == reference.point
    better = "-" if is_reference else _better(result, reference, goals, cell, processes_of(reference, cells))
    return (*_figures(result.metrics, cell), better)


def _beside_the_front(recommendation: Recommendation, reference: TrialResult) -> list[tuple[TrialResult, str]]:
    """Rows beside the front: a recommended setting that ties with the front without being on it, and the nearest."""
    further = [
        (result, "violates a constraint") for result, _ in recommendation.nearest if result.point != reference.point
    ]
    recommended = recommendation.recommended
    if recommended is not None and recommended not in (*recommendation.front, reference):
        further.append((recommended, ""))
    return further


def processes_of(result: TrialResult, cells: Mapping[Point, Cell]) -> Cell:
    """The fresh processes of a setting that count, else the one of the search."""
    confirmed = cells.get(result.point)
    return confirmed if confirmed is not None and confirmed.values else cell_of(result.metrics)


def _figures(metrics: Metrics, cell: Cell) -> tuple[str, str, str, str]:
    estimate = cell.estimate
    relative = None if estimate is None else estimate.relative
    of = f" of {cell.processes} processes" if cell.processes > 1 else ""
    return (
        digits(None if estimate is None else estimate.mean),
        "-" if relative is None else f"{relative:.1%}{of}",
        digits(metrics.get(SHORT["p95"])),
        digits(metrics.get(SHORT["quality"])),
    )


def _better(result: TrialResult, reference: TrialResult, goals: Goals, cell: Cell, by_reference: Cell) -> str:
    """How many times better than the reference by the first objective, and how sure that is, in the verdict's words.

    Only energy is measured in several processes, and only of confirmed settings.
    """
    first = goals.objectives[0]
    if first.metric != SHORT["energy"]:
        own, at_reference = result.metrics.get(first.metric), reference.metrics.get(first.metric)
        if not own or not at_reference:
            return "-"
        ratio = at_reference / own if first.direction == "min" else own / at_reference
        return f"{times(ratio)}, {verdict.NOT_ESTABLISHED}"
    found = verdict.between(cell, by_reference)
    if found.outcome == verdict.UNKNOWN or found.ratio is None:
        return "-"
    if found.established:
        return found.multiple
    return f"{found.multiple}, {found}" if found.indicated else str(found)
