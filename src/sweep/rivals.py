"""The word that ends a trial early: the front of its own pass, which it cannot join once its interval lies beyond."""

from collections.abc import Mapping

from src.rivals import MEASURED
from src.sweep import front
from src.sweep.finalists import compared
from src.sweep.goal import Goals, Metrics
from src.sweep.space import Point
from src.sweep.view import Told


def words(known: Mapping[Point, Told], goals: Goals, reference: Metrics) -> tuple[str, ...]:
    """`rivals=[…]` of the known results that keep every limit, each as high as its interval reaches.

    None where an objective is not known before a run's end (quality), or more of it is wanted: a beaten trial could
    still be on the front.
    """
    if any(one.direction != "min" or not one.metric.startswith(MEASURED) for one in goals.objectives):
        return ()
    kept = {point: one for point, one in known.items() if one.finished and goals.kept(one.metrics, reference)}
    results = compared(kept, goals)
    shown = [
        ",".join(
            f"{goal.metric}:{value!r}" for goal, value in zip(goals.objectives, results[point].most(), strict=True)
        )
        for point in front.front(results)
    ]
    return (f"rivals=[{','.join(f'{{{one}}}' for one in shown)}]",) if shown else ()
