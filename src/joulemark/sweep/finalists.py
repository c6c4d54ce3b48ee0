"""Which settings get the full protocol, by their results in screening."""

from collections.abc import Mapping, Sequence

from joulemark.analysis import verdict
from joulemark.sweep import pareto
from joulemark.sweep.objectives import SHORT, Goals, Metrics
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import TrialResult

# Points that get the full protocol where none meets the constraints
NEAREST = 2


def finalists(
    points: Sequence[Point], known: Mapping[Point, TrialResult], goals: Goals, reference: Metrics, most: int
) -> list[Point]:
    """The points that may be on the front within their intervals.

    Where none meets the constraints the nearest to them, so that a full measurement shows how far they are.
    """
    finished = {point: known[point] for point in points if point in known and known[point].finished}
    possible = {point: result for point, result in finished.items() if may_meet(result, goals, reference)}
    if possible:
        return pareto.near_front(by_objectives(possible, goals), most)

    def violation(point: Point) -> float:
        return sum(max(0.0, by) for by in goals.violations(finished[point].metrics, reference).values())

    return sorted(finished, key=violation)[: min(NEAREST, most)]


def may_meet(result: TrialResult, goals: Goals, reference: Metrics) -> bool:
    """Whether a result meets every constraint, by its interval at least where the metric has one."""
    violations = goals.violations(result.metrics, reference)
    spread = result.metrics.get("energy/ci95_rel")
    return all(
        verdict.may_meet(by, spread if constraint.metric == SHORT["energy"] else None)
        for constraint, by in violations.items()
    )


def by_objectives(results: Mapping[Point, TrialResult], goals: Goals) -> dict[Point, pareto.Result]:
    """Each result by the objectives, less being better; without those that lack one."""
    oriented = {}
    for point, result in results.items():
        values = [goal.oriented(result.metrics) for goal in goals.objectives]
        spread = result.metrics.get("energy/ci95_rel")
        halves = [
            abs(value) * spread if goal.metric == SHORT["energy"] and spread is not None and value is not None else None
            for goal, value in zip(goals.objectives, values, strict=True)
        ]
        if all(value is not None for value in values):
            oriented[point] = pareto.Result(tuple(value for value in values if value is not None), tuple(halves))
    return oriented
