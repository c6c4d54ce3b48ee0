"""Bisection on a geometric grid of rates: which rate is measured next follows from what is known, and nothing else.

    start ── passes ──▶ ×2 ×2 … until one fails  ─┐
          └─ fails ───▶ ÷2 ÷2 … until one passes ─┴▶ halves the distance between the two until they are neighbours

Neighbours are at most the resolution apart, so the highest passing rate is found within it, by as many rates as the
logarithm of its distance from the start, and of two over the resolution.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, log

DIGITS = 5  # of a rate as an override: neighbours of the finest grid still differ


@dataclass(frozen=True)
class Grid:
    """Rates by their place: `start` is place 0, and so many steps double a rate.

    Attributes:
        start: requests per second
        resolution: share by which neighbours differ at most
        least: the lowest rate that is tried, requests per second
        most: the highest
    """

    start: float
    resolution: float
    least: float
    most: float

    @property
    def doubling(self) -> int:
        """How many steps double a rate."""
        return max(1, ceil(log(2) / log(1 + self.resolution) - 1e-9))

    @property
    def fewest(self) -> int:
        """How many rates the answer takes where the first two lie on both sides of it."""
        return 2 + ceil(log(self.doubling, 2))

    def rate(self, place: int) -> float:
        """The rate at a place, requests per second."""
        return float(f"{self.start * 2 ** (place / self.doubling):.{DIGITS}g}")

    @property
    def ends(self) -> tuple[int, int]:
        """The places of the lowest and the highest rate."""
        low, high = (log(bound / self.start, 2) * self.doubling for bound in (self.least, self.most))
        return min(0, ceil(low - 1e-9)), max(0, floor(high + 1e-9))


def bracket(known: Mapping[int, bool]) -> tuple[int | None, int | None]:
    """The highest place that passes below the lowest that fails, and that one; None where there is none."""
    failing = min((place for place, passes in known.items() if not passes), default=None)
    passing = [place for place, passes in known.items() if passes and (failing is None or place < failing)]
    return max(passing, default=None), failing


def next_place(known: Mapping[int, bool], grid: Grid) -> int | None:
    """The place that is measured next, by whether those that were measured pass; None where the answer is known."""
    if not known:
        return 0
    (bottom, top), (passing, failing) = grid.ends, bracket(known)
    if failing is None:
        assert passing is not None
        return None if passing >= top else min(top, passing + grid.doubling)
    if passing is None:
        return None if failing <= bottom else max(bottom, failing - grid.doubling)
    return None if failing - passing <= 1 else (passing + failing) // 2
