"""Which of many results is lowest, and which are indistinguishable from it: the error of the whole family is 5 %.

Chosen as the lowest of k equal results, one is called lower than some other far more often than in 5 % of all cases
if each pair is judged for itself. Tukey and Kramer's test holds that error where the variances of the logarithms are
alike (Bartlett's test); elsewhere Welch's tests of all pairs do, adjusted by Holm's method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log
from statistics import fmean

from joulemark.analysis import verdict
from joulemark.core import stats
from joulemark.core.cell import Cell

TUKEY, HOLM, WELCH = "Tukey's test", "Welch's tests with Holm's adjustment", "Welch's test"


@dataclass(frozen=True)
class Ranking:
    """Results by their means, and what is established of the lowest.

    Attributes:
        order: indices of the results, the lowest mean first
        tied: those indistinguishable from the lowest, without it
        open: those of which nothing is established, for want of processes on one side
        test: the test that held the error of the family; None where no two results could be judged
    """

    order: tuple[int, ...]
    tied: tuple[int, ...]
    open: tuple[int, ...]
    test: str | None = None

    @property
    def best(self) -> int:
        """The index of the lowest mean."""
        return self.order[0]

    @property
    def lead_is_established(self) -> bool:
        """Whether the lowest is established to be lower than every other."""
        return len(self.order) > 1 and not self.tied and not self.open


def rank(cells: Sequence[Cell]) -> Ranking:
    """The ranking of results that each have a value.

    Raises:
        ValueError: without results
    """
    if not cells:
        raise ValueError("nothing to rank")
    means = [fmean(cell.values) for cell in cells]
    order = sorted(range(len(cells)), key=means.__getitem__)
    best, others = order[0], order[1:]
    family = [index for index in order if verdict.enough(cells[index])]
    if best not in family:
        return Ranking(tuple(order), (), tuple(others))
    unjudged = tuple(index for index in others if index not in family)
    if len(family) < 2:
        return Ranking(tuple(order), (), unjudged)
    apart, test = _apart_from_first([cells[index] for index in family])
    established = {family[place] for place in apart}
    tied = tuple(index for index in family[1:] if index not in established)
    return Ranking(tuple(order), tied, unjudged, test)


def _apart_from_first(cells: Sequence[Cell]) -> tuple[set[int], str]:
    """The places of results established to be higher than the first, and the test that says so."""
    if len(cells) == 2:
        return ({1} if verdict.between(*cells).established else set()), WELCH
    positive = all(value > 0 for cell in cells for value in cell.values)
    groups = [[log(value) for value in cell.values] if positive else list(cell.values) for cell in cells]
    if stats.alike_in_variance(groups):
        found, test = _tukey(groups), TUKEY
    else:
        found, test = _holm(groups), HOLM
    return {place for place in found if not _across_cards(cells[0], cells[place])}, test


def _tukey(groups: Sequence[Sequence[float]]) -> set[int]:
    means = [fmean(group) for group in groups]
    return {
        place
        for place in range(1, len(groups))
        if abs(means[place] - means[0]) > stats.honest_difference(groups, 0, place)
    }


def _holm(groups: Sequence[Sequence[float]]) -> set[int]:
    from statsmodels.stats.multitest import multipletests  # seconds to import

    pairs = list(combinations(range(len(groups)), 2))
    rejected = multipletests(
        [stats.welch_p(groups[a], groups[b]) for a, b in pairs], alpha=1 - stats.LEVEL, method="holm"
    )[0]
    return {b for (a, b), apart in zip(pairs, rejected, strict=True) if a == 0 and apart}


def _across_cards(first: Cell, second: Cell) -> bool:
    return first.card != second.card and verdict.between(first, second).note == verdict.TWO_CARDS
