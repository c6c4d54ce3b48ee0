"""What a sweep recommends: the front, the recommended setting and why, and the last line for programs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from joulemark.analysis import verdict
from joulemark.config.run import command
from joulemark.sweep import pareto
from joulemark.sweep.cost import SweepCost
from joulemark.sweep.finalists import by_objectives, plainest
from joulemark.sweep.objectives import SHORT, Constraint, Goals
from joulemark.sweep.space import Exclusion, Point, Space, merged
from joulemark.sweep.trial_state import TrialResult

NEAREST = 3  # results listed where none meets the constraints
AGAIN = "run it again: "  # before the line to type


@dataclass(frozen=True)
class Recommendation:
    """What the full results of a sweep come to.

    Of the best result and those tied with it the plainest that is nearly as good is recommended, so that a wide
    interval does not make a more expensive setting look free.

    Attributes:
        front: results on the Pareto front that meet the constraints
        recommended: one of them by the first objective; None where no result meets the constraints
        tied: the other results whose intervals reach the best one's
        nearest: where none meets the constraints, the nearest results with the constraints that each violates
        best: the best result by its mean alone
        excused: constraints of quality that the recommended one violates by its value, which is not established
    """

    front: tuple[TrialResult, ...]
    recommended: TrialResult | None
    tied: tuple[TrialResult, ...]
    nearest: tuple[tuple[TrialResult, tuple[Constraint, ...]], ...] = ()
    best: TrialResult | None = None
    excused: tuple[Constraint, ...] = ()


def recommend(
    results: Mapping[Point, TrialResult],
    reference: TrialResult,
    goals: Goals,
    space: Space,
    excludes: Callable[[TrialResult, Constraint], bool] = lambda result, constraint: True,
) -> Recommendation:
    """The recommendation of finished results in the full protocol; the reference is one where it lies in the space.

    `excludes` is asked whether a result that violates a constraint by its value is established to.
    """
    excused: dict[Point, tuple[Constraint, ...]] = {}
    violations = {}
    for point, result in results.items():
        if result.finished:
            by = goals.violations(result.metrics, reference.metrics)
            violated = [constraint for constraint, excess in by.items() if excess > 0]
            excused[point] = () if any(excludes(result, each) for each in violated) else tuple(violated)
            violations[point] = by | dict.fromkeys(excused[point], 0.0)
    valid = {point: results[point] for point, by in violations.items() if all(value <= 0 for value in by.values())}
    values = by_objectives(valid, goals)
    if not values:
        ranked = sorted(violations, key=lambda point: sum(max(0.0, by) for by in violations[point].values()))
        nearest = [
            (results[point], tuple(constraint for constraint, by in violations[point].items() if by > 0))
            for point in ranked[:NEAREST]
        ]
        return Recommendation((), None, (), tuple(nearest))
    best = min(values, key=lambda point: values[point].values[0])
    lowest = values[best].estimates[0]
    tied = [point for point, value in values.items() if verdict.may_be_as_low(value.estimates[0], lowest)]
    chosen = plainest({point: values[point] for point in tied}, space) or best
    others = tuple(valid[point] for point in sorted(tied, key=space.rank) if point != chosen)
    front = tuple(valid[point] for point in pareto.front(values))
    return Recommendation(front, valid[chosen], others, best=valid[best], excused=excused[chosen])


def reason(recommendation: Recommendation, goals: Goals) -> str:
    """The recommendation in one sentence."""
    assert recommendation.recommended is not None
    return f"recommended: {recommendation.recommended.name}: {why(recommendation, goals)}"


def why(recommendation: Recommendation, goals: Goals) -> str:
    """Why the recommended setting, without its name."""
    first, best = goals.objectives[0], recommendation.best
    constraints = "; ".join(map(str, goals.constraints))
    among = f" of those that meet the constraints ({constraints})" if constraints else ""
    extreme = f"{'least' if first.direction == 'min' else 'most'} {first.name}{among}"
    if best is not None and best is not recommendation.recommended:
        extreme = f"the plainest within {verdict.NEARLY:.0%} of the {extreme}, that of {best.name}"
    others = [result for result in recommendation.tied if result is not best]
    alike = f", within-run intervals do not tell it from {others[0].name}" if others else ""
    further = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"{extreme}{alike}{further}"


def again(result: TrialResult, full: Sequence[str]) -> str:
    """The line that measures a setting again; `full` are the overrides of the full protocol without a point's."""
    return command(merged(full, result.point))


def sentences(recommendation: Recommendation, goals: Goals, full: Sequence[str]) -> list[str]:
    """The recommendation with its command, or the nearest results and the constraints that each violates.

    `full` are the overrides of the full protocol without a point's.
    """
    if recommendation.recommended is not None:
        return [reason(recommendation, goals), f"{AGAIN}{again(recommendation.recommended, full)}"]
    if not recommendation.nearest:
        return []
    violated = [
        f"{result.name} violates: {'; '.join(map(str, constraints))}" for result, constraints in recommendation.nearest
    ]
    return ["no result meets every constraint; the nearest:", *violated]


def last_line(
    recommendation: Recommendation,
    reference: TrialResult,
    goals: Goals,
    cost: SweepCost,
    excluded: Sequence[Exclusion],
    full: Sequence[str],
    lost: Collection[str] = (),
    **session: Any,
) -> dict[str, Any]:
    """What programs read: the last line of standard output. Of a run's metrics those of the goals and the table.

    All of them are in MLflow under the run's id, which is None of a run that is `lost` from there.
    """
    names = tuple(dict.fromkeys((*SHORT.values(), "energy/ci95_rel", "energy/estimated_share", *goals.metrics)))

    def entry(result: TrialResult) -> dict[str, Any]:
        return {
            "overrides": list(result.point),
            "run_id": None if result.outcome.run_id in lost else result.outcome.run_id,
            "metrics": {name: result.metrics.get(name) for name in names},
            "command": again(result, full),
        }

    recommended = recommendation.recommended
    return {
        **session,
        "reference": entry(reference),
        "front": [entry(result) for result in recommendation.front],
        "recommended": None if recommended is None else entry(recommended),
        "nearest": [
            {**entry(result), "violates": [str(constraint) for constraint in constraints]}
            for result, constraints in recommendation.nearest
        ],
        "cost": {
            "wh": cost.wh,
            "trials": cost.trials,
            "unknown": cost.unknown,
            "metered_s": cost.metered_s,
            "seconds": cost.seconds,
            "start_wh": cost.start_wh,
            "start_paid_back_after": cost.start_paid_back_after,
            "saving_wh_per_1k": cost.saving_wh_per_1k,
            "saving_within_run": cost.saving,
            "verdict": asdict(cost.verdict),
            "paid_back_after": cost.paid_back_after,
        },
        "excluded": [
            {"overrides": list(each.overrides), "points": each.points, "reason": each.reason} for each in excluded
        ],
    }
