"""The option that ends a trial early: the front of its stage, which it cannot join once its interval lies beyond."""

from collections.abc import Mapping

from joulemark.analysis.early_stopping import MEASURED
from joulemark.sweep import pareto
from joulemark.sweep.finalists import by_objectives
from joulemark.sweep.objectives import Goals, Metrics
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import TrialResult


def overrides(known: Mapping[Point, TrialResult], goals: Goals, reference: Metrics) -> tuple[str, ...]:
    """`early_stop_against=[…]` of the known results that meet every constraint, at the upper ends of their intervals.

    Empty where an objective is not known before a run's end (quality), or is maximized: a trial that was stopped could
    still be on the front.
    """
    if any(goal.direction != "min" or not goal.metric.startswith(MEASURED) for goal in goals.objectives):
        return ()
    valid = {
        point: result for point, result in known.items() if result.finished and goals.met(result.metrics, reference)
    }
    results = by_objectives(valid, goals)
    entries = [
        ",".join(
            f"{goal.metric}:{value!r}" for goal, value in zip(goals.objectives, results[point].upper(), strict=True)
        )
        for point in pareto.front(results)
    ]
    return (f"early_stop_against=[{','.join(f'{{{entry}}}' for entry in entries)}]",) if entries else ()
