"""What a study may take: trials, minutes, Wh; all of it the whole study's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from joulemark.sweep.trial_state import FULL, UNDONE, Told, View

# The share of minutes and Wh that the search leaves for the results
RESERVED = 0.3


@dataclass(frozen=True)
class Budget:
    """The most that the study may take; None: no limit."""

    trials: int | None = None
    minutes: float | None = None
    wh: float | None = None


class SpentError(Exception):
    """The budget does not hold another trial; says which part of it."""


@dataclass(frozen=True)
class Purse:
    """The budget of a study whose search is done in pass `looks`, with trials kept back for `finalists` results."""

    budget: Budget
    looks: str
    finalists: int

    def searched(self) -> int | None:
        """How many trials the search may use: the budget less the reference and the full measurements."""
        if self.budget.trials is None:
            return None
        return max(0, self.budget.trials - 1 - (0 if self.looks == FULL else self.finalists))

    def afford(self, seen: View, stage: str, reference: Sequence[str]) -> float | None:
        """How many seconds the next trial may take, None for any; SpentError where the budget holds none.

        A claimed trial counts as one; of minutes and Wh it counts what those of its pass took on average until now.
        """
        self._trials(seen, stage, reference)
        budget, share = self.budget, 1.0 if stage == FULL else 1.0 - RESERVED
        whole = "the" if share == 1 else "the search's part of the"
        if budget.wh is not None and _taken(seen, lambda one: wh(one) or 0.0) >= budget.wh * share:
            raise SpentError(f"{whole} budget of {budget.wh:g} Wh is used")
        if budget.minutes is None:
            return None
        left_s = budget.minutes * 60 * share - _taken(seen, lambda one: one.outcome.seconds)
        if left_s <= 0:
            raise SpentError(f"{whole} budget of {budget.minutes:g} min is used")
        return left_s

    def _trials(self, seen: View, stage: str, reference: Sequence[str]) -> None:
        trials, searched = self.budget.trials, self.searched()
        begun = [(one.point, one.stage) for one in counted(seen.told)] + [(one.point, one.stage) for one in seen.claims]
        if trials is not None and len(begun) >= trials:
            raise SpentError(f"the budget of {trials} trials is used")
        mine = [point for point, own in begun if own == stage and point != reference]
        if stage != FULL and searched is not None and len(mine) >= searched:
            raise SpentError(f"the search's part of the budget, {searched} of {trials} trials, is used")


def _taken(seen: View, value: Callable[[Told], float]) -> float:
    """The sum over all trials, and for each claimed one the mean of its pass."""
    total = sum(map(value, seen.told))
    for claim in seen.claims:
        like = [value(one) for one in counted(seen.told) if one.stage == claim.stage]
        total += fmean(like) if like else 0.0
    return total


def counted(told: Sequence[Told]) -> list[Told]:
    """The trials that say something of their points."""
    return [one for one in told if one.outcome.status not in UNDONE]


def wh(one: Told) -> float | None:
    """The metered Wh of a trial; None where it did not live to say."""
    return one.metrics.get("energy/run_wh")
