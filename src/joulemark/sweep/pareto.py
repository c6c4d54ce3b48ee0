"""The Pareto front: results that no other dominates, those that may belong to it, and how much it covers.

All values have the sign that makes less better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from joulemark.analysis.verdict import dominates, surely_dominates
from joulemark.core.stats import Estimate

K = TypeVar("K")


@dataclass(frozen=True)
class Result:
    """A result by its objectives.

    Attributes:
        values: one for each objective
        half_widths: half the width of each value's interval; None where it has no interval
    """

    values: tuple[float, ...]
    half_widths: tuple[float | None, ...]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Each value with its interval."""
        return tuple(Estimate(value, half) for value, half in zip(self.values, self.half_widths, strict=True))

    def upper(self) -> tuple[float, ...]:
        """The upper end of each value's interval."""
        return tuple(estimate.high_or_mean for estimate in self.estimates)


def front(results: Mapping[K, Result]) -> list[K]:
    """The results that no other dominates, the best by the first objective first."""
    undominated = [
        key
        for key, result in results.items()
        if not any(dominates(competitor.values, result.values) for competitor in results.values())
    ]
    return sorted(undominated, key=lambda key: results[key].values)


def near_front(results: Mapping[K, Result], most: int) -> list[K]:
    """At most `most` results that may be on the front within their intervals: first the front itself, in its order,
    then the others by how far they are dominated, relative.

    A result without an interval is taken at its value.
    """
    on_front = front(results)
    possible = [
        key
        for key, result in results.items()
        if key not in on_front
        and not any(surely_dominates(competitor.estimates, result.estimates) for competitor in results.values())
    ]
    possible.sort(key=lambda key: _distance(results[key], [results[place] for place in on_front]))
    return [*on_front, *possible][:most]


def _distance(result: Result, front_results: Sequence[Result]) -> float:
    """The least share by which its worst value would have to shrink to equal a result of the front."""
    return min(
        max((a - b) / abs(b) if b else a - b for a, b in zip(result.values, competitor.values, strict=True))
        for competitor in front_results
    )


def hypervolume(values: Sequence[Sequence[float]], worst: Sequence[float]) -> float:
    """The volume of all that is dominated by one of the values and better than `worst`: exact, by slices.

    Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", 1998, section 2.
    """
    inside = sorted({tuple(each) for each in values if all(a < b for a, b in zip(each, worst, strict=True))})
    if not inside:
        return 0.0
    if len(worst) == 1:
        return worst[0] - inside[0][0]
    total = 0.0
    edges = [*[value[0] for value in inside[1:]], worst[0]]
    for index, (value, edge) in enumerate(zip(inside, edges, strict=True)):
        if edge > value[0]:
            total += (edge - value[0]) * hypervolume([each[1:] for each in inside[: index + 1]], worst[1:])
    return total
