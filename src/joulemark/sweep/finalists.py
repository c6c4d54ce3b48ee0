"""Which settings deserve the full protocol, by what the short look at them says."""

from collections.abc import Mapping, Sequence

from joulemark.analysis import verdict
from joulemark.sweep import pareto
from joulemark.sweep.objectives import SHORT, Goals, Metrics
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import Told

# Points that get the full protocol where none keeps the limits
NEAREST = 2


def finalists(
    points: Sequence[Point], known: Mapping[Point, Told], goals: Goals, reference: Metrics, most: int
) -> list[Point]:
    """The points that may be on the front within their intervals.

    Where none keeps the limits the nearest to them, so that it is a full measurement that says how far it is.
    """
    finished = {point: known[point] for point in points if point in known and known[point].finished}
    within = {point: one for point, one in finished.items() if kept(one, goals, reference)}
    if within:
        return pareto.near(compared(within, goals), most)

    def over(point: Point) -> float:
        return sum(max(0.0, by) for by in goals.excesses(finished[point].metrics, reference).values())

    return sorted(finished, key=over)[: min(NEAREST, most)]


def kept(one: Told, goals: Goals, reference: Metrics) -> bool:
    """Whether a result keeps every limit, by its interval at least where the metric has one."""
    over = goals.excesses(one.metrics, reference)
    spread = one.metrics.get("energy/ci95_rel")
    return all(verdict.may_meet(by, spread if limit.metric == SHORT["energy"] else None) for limit, by in over.items())


def compared(told: Mapping[Point, Told], goals: Goals) -> dict[Point, pareto.Result]:
    """Each result by the objectives, less being better; those that lack one are not in it."""
    found = {}
    for point, one in told.items():
        values = [goal.oriented(one.metrics) for goal in goals.objectives]
        spread = one.metrics.get("energy/ci95_rel")
        halves = [
            abs(value) * spread if goal.metric == SHORT["energy"] and spread is not None and value is not None else None
            for goal, value in zip(goals.objectives, values, strict=True)
        ]
        if all(value is not None for value in values):
            found[point] = pareto.Result(tuple(value for value in values if value is not None), tuple(halves))
    return found
