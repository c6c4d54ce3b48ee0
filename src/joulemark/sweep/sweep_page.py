"""What a sweep came to as its page shows it: the recommendation in words, how sure it is, the table and the figures."""

from datetime import UTC, datetime

from joulemark.analysis import verdict
from joulemark.core.paths import program
from joulemark.sweep import front_table, recommendation
from joulemark.sweep.figures.importance import shares
from joulemark.sweep.figures.page import SweepPage
from joulemark.sweep.figures.scatter import against
from joulemark.sweep.figures.style import P95, QUALITY, FigureData
from joulemark.sweep.identity import product
from joulemark.sweep.result import SweepResult

# The badge of a verdict against the reference, as the report colours them
LEVELS = {verdict.A: "established", verdict.B: "open", verdict.TIE: "tie", verdict.NOT_ESTABLISHED: "open"}


def of(result: SweepResult) -> SweepPage:
    """The page of a result."""
    figures, (sure, level) = figure_data(result), _sure(result)
    sections = (against(figures, P95), against(figures, QUALITY), shares(figures))
    elsewhere = recommendation.sentences(result.recommendation, result.goals, result.request.plan.full)
    said = [line for line in result.sentences if line not in elsewhere or not result.command]
    said = [*result.warnings, *said]
    return SweepPage(
        title=figures.title,
        made=f"Made by {program('run')} -m on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.",
        headline=_headline(result),
        sure=sure,
        level=level,
        because=_because(result),
        command=result.command,
        columns=result.columns,
        rows=result.rows,
        sentences=[f"{line[0].upper()}{line[1:]}." for line in said],
        sections=[section for section in sections if section is not None],
    )


def figure_data(result: SweepResult) -> FigureData:
    """What the figures draw of a sweep."""
    run = result.request.run
    about = [run.label, run.task.name, product(run)] if run else []
    return FigureData(
        title=" · ".join([*about, f"sweep {result.request.name}"]),
        results=result.trials,
        reference=result.reference,
        recommended=result.recommendation.recommended,
        goals=result.goals,
        dimensions=result.request.plan.space.dimensions,
        quality=run.task.metric if run else "quality",
    )


def _headline(result: SweepResult) -> str:
    best = result.recommendation.recommended
    if best is None:
        return "No setting meets every constraint"
    return "The reference itself" if best.point == result.reference.point else f"Run {best.name}"


def _sure(result: SweepResult) -> tuple[str, str]:
    """How sure it is that the recommended setting takes less energy than the reference, and the badge's colour."""
    best = result.recommendation.recommended
    if best is None:
        return "no recommendation", "none"
    if best.point == result.reference.point:
        return "nothing takes less", "alone"
    found = verdict.between(*(front_table.processes_of(each, result.cells) for each in (best, result.reference)))
    words = "less than the reference: established" if found.outcome == verdict.A else f"against the reference: {found}"
    return words, LEVELS.get(found.outcome, "open")


def _because(result: SweepResult) -> str:
    """Why the recommended setting, without its name."""
    if result.recommendation.recommended is None:
        return "The nearest are in the table, with what each violates below it."
    why = recommendation.why(result.recommendation, result.goals)
    return f"{why[0].upper()}{why[1:]}."
