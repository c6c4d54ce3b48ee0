"""Which results no other beats: the Pareto front, what may belong to it within intervals, and how much it covers.

All values are so turned that less is better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from joulemark.analysis.verdict import dominates, surely_dominates
from joulemark.core.stats import Estimate

K = TypeVar("K")


@dataclass(frozen=True)
class Result:
    """One value for each objective, and half the width of its interval; None where it has no interval."""

    values: tuple[float, ...]
    half_widths: tuple[float | None, ...]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Each value with its interval."""
        return tuple(Estimate(value, half) for value, half in zip(self.values, self.half_widths, strict=True))

    def most(self) -> tuple[float, ...]:
        """Each value as high as its interval reaches."""
        return tuple(estimate.high_or_mean for estimate in self.estimates)


def front(results: Mapping[K, Result]) -> list[K]:
    """The results that no other beats, the best by the first objective first."""
    found = [
        key
        for key, one in results.items()
        if not any(dominates(other.values, one.values) for other in results.values())
    ]
    return sorted(found, key=lambda key: results[key].values)


def near(results: Mapping[K, Result], most: int) -> list[K]:
    """At most so many results that may be on the front within their intervals: first the front itself, in its order,
    then the others by how far they are early_stopped, relative.

    A result without an interval is taken at its value.
    """
    own = front(results)
    others = [
        key
        for key, one in results.items()
        if key not in own and not any(surely_dominates(other.estimates, one.estimates) for other in results.values())
    ]
    others.sort(key=lambda key: _behind(results[key], [results[one] for one in own]))
    return [*own, *others][:most]


def _behind(one: Result, own: Sequence[Result]) -> float:
    """The least share by which its worst value would have to shrink to stand beside a result of the front."""
    return min(
        max((a - b) / abs(b) if b else a - b for a, b in zip(one.values, other.values, strict=True)) for other in own
    )


def hypervolume(values: Sequence[Sequence[float]], worst: Sequence[float]) -> float:
    """The volume of all that is early_stopped by one of the values and better than `worst`: exact, by slices.

    Zitzler and Thiele, "Multiobjective optimization using evolutionary algorithms", 1998, section 2.
    """
    inside = sorted({tuple(v) for v in values if all(a < b for a, b in zip(v, worst, strict=True))})
    if not inside:
        return 0.0
    if len(worst) == 1:
        return worst[0] - inside[0][0]
    total = 0.0
    edges = [*[value[0] for value in inside[1:]], worst[0]]
    for place, (value, edge) in enumerate(zip(inside, edges, strict=True)):
        if edge > value[0]:
            total += (edge - value[0]) * hypervolume([one[1:] for one in inside[: place + 1]], worst[1:])
    return total
