"""What a whole study may use: trials, minutes, Wh."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from joulemark.sweep.trial_state import CHECK, FEEDING, FULL, INCOMPLETE, StudyState, TrialResult

# The share of minutes and Wh that screening leaves for the full measurements
RESERVED = 0.3
RUN_WH = "energy/run_wh"  # the metric of all that a run metered


@dataclass(frozen=True)
class Budget:
    """The most that the study may use; None: no limit.

    Attributes:
        trials: runs
        minutes: of all trials together
        wh: metered energy of all trials together
    """

    trials: int | None = None
    minutes: float | None = None
    wh: float | None = None


class SpentError(Exception):
    """The budget does not hold another trial; the message names the part that is used."""


@dataclass(frozen=True)
class BudgetState:
    """The budget of a study, and how its trials are shared between the search and the full measurements.

    Attributes:
        budget: the whole study's
        search_stage: the stage in which the space is searched, `screening` or `full`
        finalists: trials kept back for the full measurements
        feeding: the most trials kept back for the second stage, which gets a quarter of the others at most
    """

    budget: Budget
    search_stage: str
    finalists: int
    feeding: int = 0

    def search_trials(self) -> int | None:
        """How many trials the first stage may use: the budget less the reference, feeding and full measurements."""
        if self.budget.trials is None:
            return None
        left = max(0, self.budget.trials - 1 - (0 if self.search_stage == FULL else self.finalists))
        return left - min(self.feeding, left // 4)

    def seconds_left(self, state: StudyState, stage: str, reference: Sequence[str]) -> float | None:
        """How many seconds the next trial may take, None for any; SpentError where the budget holds none.

        A claimed trial counts as one; of minutes and Wh it counts what those of its stage took on average until now.
        """
        self._require_trials(state, stage, reference)
        budget, share = self.budget, 1.0 if stage == FULL else 1.0 - RESERVED
        part = "the" if share == 1 else "the search's part of the"
        if budget.wh is not None and _used(state, lambda result: metered_wh(result) or 0.0) >= budget.wh * share:
            raise SpentError(f"{part} budget of {budget.wh:g} Wh is used")
        if budget.minutes is None:
            return None
        left_s = budget.minutes * 60 * share - _used(state, lambda result: result.outcome.seconds)
        if left_s <= 0:
            raise SpentError(f"{part} budget of {budget.minutes:g} min is used")
        return left_s

    def check_seconds(self, state: StudyState, reference: Sequence[str]) -> float | None:
        """The same for a setting measured again as a check, which is none of the trials."""
        without_trials = replace(self, budget=replace(self.budget, trials=None))
        return without_trials.seconds_left(state, self.search_stage, reference)

    def _require_trials(self, state: StudyState, stage: str, reference: Sequence[str]) -> None:
        trials, search_trials = self.budget.trials, self.search_trials()
        begun = [(result.point, result.stage) for result in complete(state.results)]
        begun += [(claim.point, claim.stage) for claim in state.claims]
        if trials is not None and len(begun) >= trials:
            raise SpentError(f"the budget of {trials} trials is used")
        of_stage = [point for point, own_stage in begun if own_stage == stage and point != reference]
        kept = 0 if self.search_stage == FULL else self.finalists
        if stage == FEEDING and trials is not None and len(begun) >= trials - kept:
            raise SpentError(f"the search's part of the budget, {trials - kept} of {trials} trials, is used")
        if stage not in (FULL, FEEDING) and search_trials is not None and len(of_stage) >= search_trials:
            raise SpentError(f"the search's part of the budget, {search_trials} of {trials} trials, is used")


def _used(state: StudyState, amount: Callable[[TrialResult], float]) -> float:
    """The sum over all trials, and for each claimed one the mean of its stage."""
    total = sum(map(amount, state.results))
    for claim in state.claims:
        similar = [amount(result) for result in complete(state.results) if result.stage == claim.stage]
        total += fmean(similar) if similar else 0.0
    return total


def complete(results: Sequence[TrialResult]) -> list[TrialResult]:
    """The results that are valid for their points."""
    return [result for result in results if result.outcome.status not in INCOMPLETE and result.stage != CHECK]


def metered_wh(result: TrialResult) -> float | None:
    """The metered energy of a trial in Wh; None where it ended before it could report it."""
    return result.metrics.get(RUN_WH)
