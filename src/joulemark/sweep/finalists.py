"""Which settings get the full protocol, by their results in screening."""

from collections.abc import Mapping, Sequence

from joulemark.analysis import verdict
from joulemark.analysis.early_stopping import MEASURED
from joulemark.core.stats import Estimate
from joulemark.sweep import pareto
from joulemark.sweep.objectives import HIGHEST, SHORT, Constraint, Goals, Metrics
from joulemark.sweep.space import Point, Space
from joulemark.sweep.trial_state import TrialResult

# Points that get the full protocol where none meets the constraints
NEAREST = 2


def finalists(
    points: Sequence[Point], known: Mapping[Point, TrialResult], goals: Goals, reference: Metrics, most: int
) -> list[Point]:
    """The points that may be recommended: on the front within their intervals, and as low as the best one may be.

    The second part holds where windows tell every objective: one that is known at a run's end alone, such as quality,
    is wanted for its front. Where none meets the constraints the nearest to them, so that a full measurement shows how
    far they are.
    """
    finished = {point: known[point] for point in points if point in known and known[point].finished}
    possible = {point: result for point, result in finished.items() if may_meet(result, goals, reference)}
    if possible:
        results = by_objectives(possible, goals)
        return pareto.near_front(_contenders(results) if decided_by_windows(goals) else results, most)

    def violation(point: Point) -> float:
        return sum(max(0.0, by) for by in goals.violations(finished[point].metrics, reference).values())

    return sorted(finished, key=violation)[: min(NEAREST, most)]


def decided_by_windows(goals: Goals) -> bool:
    """Whether windows tell every objective, less being better: the first one alone then decides what is recommended."""
    return all(goal.direction == "min" and goal.metric.startswith(MEASURED) for goal in goals.objectives)


def _contenders(results: Mapping[Point, pareto.Result]) -> dict[Point, pareto.Result]:
    """The results that may come out lowest by the first objective where they are measured again."""
    best = lowest_of(results)
    return {
        point: result
        for point, result in results.items()
        if best is not None and verdict.may_come_out_as_low(result.estimates[0], best)
    }


def lowest_of(results: Mapping[Point, pareto.Result]) -> Estimate | None:
    """The first objective of the result that is surely lowest by it; None without results."""
    return min((each.estimates[0] for each in results.values()), key=lambda each: each.high_or_mean, default=None)


def plainest(results: Mapping[Point, pareto.Result], space: Space) -> Point | None:
    """Of the results that are nearly as low as the lowest one by the first objective the plainest; None without any."""
    lowest = min((each.values[0] for each in results.values()), default=0.0)
    near = [point for point, each in results.items() if verdict.nearly_as_low(each.values[0], lowest)]
    return min(near, key=space.rank, default=None)


def may_meet(result: TrialResult, goals: Goals, reference: Metrics) -> bool:
    """Whether a result meets every constraint, by its interval at least where the metric has one."""
    return all(_within_interval(constraint, result.metrics, reference) for constraint in goals.constraints)


def _within_interval(constraint: Constraint, metrics: Metrics, reference: Metrics) -> bool:
    """Whether a constraint may be met: of a least quality by the upper end of its interval, of energy by the lower."""
    highest = metrics.get(HIGHEST)
    if constraint.metric == SHORT["quality"] and constraint.bound != "max" and highest is not None:
        metrics = {**metrics, constraint.metric: highest}
    by = constraint.violation(metrics, reference)
    spread = metrics.get("energy/ci95_rel") if constraint.metric == SHORT["energy"] else None
    return by is not None and verdict.may_meet(by, spread)


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
