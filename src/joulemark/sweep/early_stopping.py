"""The word that ends a trial early: the front of its own pass, which it cannot join once its interval lies beyond."""

from collections.abc import Mapping

from joulemark.analysis.early_stopping import MEASURED
from joulemark.sweep import pareto
from joulemark.sweep.finalists import compared
from joulemark.sweep.objectives import Goals, Metrics
from joulemark.sweep.space import Point
from joulemark.sweep.trial_state import Told


def words(known: Mapping[Point, Told], goals: Goals, reference: Metrics) -> tuple[str, ...]:
    """`early_stop_against=[…]` of the known results that keep every limit, each as high as its interval reaches.

    None where an objective is not known before a run's end (quality), or more of it is wanted: a trial that was
    stopped could still be on the front.
    """
    if any(one.direction != "min" or not one.metric.startswith(MEASURED) for one in goals.objectives):
        return ()
    kept = {point: one for point, one in known.items() if one.finished and goals.kept(one.metrics, reference)}
    results = compared(kept, goals)
    shown = [
        ",".join(
            f"{goal.metric}:{value!r}" for goal, value in zip(goals.objectives, results[point].most(), strict=True)
        )
        for point in pareto.front(results)
    ]
    return (f"early_stop_against=[{','.join(f'{{{one}}}' for one in shown)}]",) if shown else ()
