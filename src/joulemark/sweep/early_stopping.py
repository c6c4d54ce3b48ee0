"""The option that ends a trial early: what it cannot become any more once its interval lies beyond.

of the front of its stage    beyond one result in every objective
the recommended setting      beyond the best one in the objective that decides, by a margin where the search goes on
"""

from collections.abc import Mapping

from joulemark.analysis.verdict import SEPARATED
from joulemark.sweep import pareto
from joulemark.sweep.finalists import by_objectives, decided_by_windows
from joulemark.sweep.objectives import Goals, Metrics
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import FULL, TrialResult


def overrides(known: Mapping[Point, TrialResult], goals: Goals, reference: Metrics, stage: str) -> tuple[str, ...]:
    """`early_stop_against=[…]` of the known results that meet every constraint, at the upper ends of their intervals.

    Empty where an objective is not known before a run's end (quality), or is maximized: a trial that was stopped could
    still be on the front.
    """
    if not decided_by_windows(goals):
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
    if len(goals.objectives) > 1 and results:
        margin = 1.0 if stage == FULL else 1.0 + SEPARATED
        least = min(result.upper()[0] for result in results.values())
        entries.append(f"{goals.objectives[0].metric}:{least * margin!r}")
    return (f"early_stop_against=[{','.join(f'{{{entry}}}' for entry in entries)}]",) if entries else ()
