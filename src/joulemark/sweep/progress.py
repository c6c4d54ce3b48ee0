"""How far a sweep is: `[9/49, about 6 min left]`, by what there is to do and what trials have taken until now."""

from collections.abc import Sequence
from statistics import fmean

from joulemark.analysis.flags import EARLY_STOPPED
from joulemark.core.formatting import listed, many
from joulemark.core.progress import about_left
from joulemark.sweep.budget import Budget, complete
from joulemark.sweep.next_point import NextPoint
from joulemark.sweep.objectives import Goals, with_unit
from joulemark.sweep.trial_state import FEEDING, FULL, StudyState, TrialResult


def of_trial(
    result: TrialResult, goals: Goals, chooser: NextPoint, budget: Budget, finalists: int, state: StudyState
) -> str:
    """The line of the trial that has just ended, of those that the plan holds by what is known now."""
    number = len(complete(state.results))
    search, feeding, full = left(chooser, finalists, state)
    of = number + len(state.claims) + search + feeding + full
    of = of if budget.trials is None else max(number, min(of, int(budget.trials)))
    stages = ((search, chooser.stage), (feeding, chooser.feeding_stage), (full, FULL))
    return progress_line(result, goals, number, of, about_left(seconds_left(stages, state)))


def ahead(points: int, screened: bool, finalists: int, budget: Budget) -> str:
    """What a study that begins has before it: how long that takes is known once trials have ended."""
    search = f"{many(points, 'point')}, at most {finalists} of them in full" if screened else many(points, "point")
    limits = {"trials": budget.trials, "min": budget.minutes, "Wh": budget.wh}
    most = [f"{limit:g} {unit}" for unit, limit in limits.items() if limit is not None]
    within = f", within {listed(most)} (sweep.budget)" if most else ""
    return f"to measure: the reference, then {search}{within}; how long the rest takes is told as trials end"


def left(chooser: NextPoint, finalists: int, state: StudyState) -> tuple[int, int, int]:
    """How many trials of the search, of feeding and of those in full are to be begun: the last at most so many.

    Of feeding those that are known to come: what its best point shows decides about more.
    """
    search = chooser.left(state)
    feeding = 0 if search else chooser.walk(state).left
    if chooser.stage == FULL:
        return search, feeding, 0
    near = chooser.finalists(state)
    known = {*state.known(chooser.stage)} - {*state.known(FULL)}
    return search, feeding, len(near) if not search else min(finalists, search + len(known))


def seconds_left(stages: Sequence[tuple[int, str]], state: StudyState) -> float | None:
    """What the trials that are left of each stage take, by the mean of those known; None where there is none."""
    total = 0.0
    for count, of_stage in stages:
        took = [result.outcome.seconds for result in complete(state.results) if result.stage == of_stage]
        if not took and of_stage == FEEDING:
            took = [result.outcome.seconds for result in complete(state.results)]
        if count and not took:
            return None
        total += count * fmean(took) if count else 0.0
    return total / (1 + len(state.claims))  # each claim is another worker's


def progress_line(result: TrialResult, goals: Goals, number: int, of: int | None, about: str = "") -> str:
    """One line of progress: where the sweep is, then what the trial gave."""
    head = f"[{number}{f'/{of}' if of else ''}{about}] {result.stage}: {result.name}"
    if not result.finished:
        return f"{head}: {result.outcome.status}: {result.outcome.error}"
    values = [
        f"{goal.name} {with_unit(goal.metric, value)}"
        for goal in goals.objectives
        if (value := result.metrics.get(goal.metric)) is not None
    ]
    stopped = " (early stopped)" if EARLY_STOPPED in result.outcome.flags else ""
    return f"{head}: {', '.join(values)}{stopped}"
