"""Whether the trials of one process leave something behind for the next one, and what is then measured again.

    first setting ─ others ─ the first once more ──▶ agree, or differ by no more than finalists may: all are results
                                        └ differ by more ─▶ once more, in a process of its own
                                                              agrees with the last ─▶ the machine changed
                                                              else ─────────────────▶ carry-over

Either way two figures of such a process may lie so far apart for one setting. What may come out as low as the best one
when it is lowered by that much is measured again; what lies above stays a result, with the flag `carry_over`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from joulemark.analysis import verdict
from joulemark.analysis.flags import CARRY_OVER
from joulemark.core.stats import Estimate
from joulemark.sweep.finalists import by_objectives, decided_by_windows, lowest_of
from joulemark.sweep.objectives import Goals
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import DOUBTED, TrialResult


@dataclass(frozen=True)
class Check:
    """The first setting of a process measured once more at its end.

    Attributes:
        process: id of the process's first record
        overrides: of the setting
        first, last: its outcomes
        alone: its outcome in a process of its own; None where the first two agree, or it was not measured
    """

    process: str
    overrides: tuple[str, ...]
    first: Outcome
    last: Outcome
    alone: Outcome | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether both energies are one, within their within-run intervals or 5 %; None where that is not told."""
        return verdict.agree(self.first.metrics, self.last.metrics)

    @property
    def covered(self) -> bool:
        """Whether the first two differ by no more than what finalists may lie above the best one by."""
        apart = _apart(self.first, self.last)
        return apart is not None and apart <= 1 + verdict.SEPARATED

    @property
    def doubts(self) -> bool:
        """Whether something is measured again."""
        return self.agrees is False and not self.covered

    @property
    def drifted(self) -> bool:
        """Whether the setting costs alone what it cost last: the machine changed meanwhile, whatever the process."""
        return self.alone is not None and bool(verdict.agree(self.last.metrics, self.alone.metrics))

    @property
    def apart(self) -> float | None:
        """The largest of the energies over the least; None where fewer than two are known."""
        return _apart(self.first, self.last, self.alone)

    @property
    def stopped_by(self) -> str | None:
        """The signal that stopped one of its measurements."""
        return self.last.stopped_by or (None if self.alone is None else self.alone.stopped_by)

    def __str__(self) -> str:
        was, now, alone = (_energy(outcome) for outcome in (self.first, self.last, self.alone))
        if was is None or now is None:
            return f"carry-over not known: {self.last.error or 'the check has no energy'}"
        said = f"carry-over: first {was:.4g} and last {now:.4g} Wh per 1,000"
        if self.agrees is None:
            return f"{said}, whose intervals are too wide to tell"
        if self.agrees:
            return f"{said} agree"
        if self.covered:
            return f"{said} differ by less than {verdict.SEPARATED:.0%}, the margin of finalists"
        if alone is None:
            return f"{said} disagree"
        why = "the machine changed" if self.drifted else "carry-over"
        return f"{said} disagree, in a process of its own {alone:.4g}: {why}"


def judged(results: Sequence[TrialResult], apart: Mapping[str, float], goals: Goals) -> list[TrialResult]:
    """The results, `apart` saying by process whose check disagreed how far: those within reach count for nothing."""
    if not apart:
        return list(results)
    trusted = [result for result in results if result.outcome.process not in apart]
    lowest = {stage: _lowest([*results, *trusted], stage, goals) for stage in {result.stage for result in results}}
    return [
        result
        if (by := apart.get(result.outcome.process or "")) is None
        else _doubted(result)
        if _within_reach(result, by, lowest[result.stage], goals)
        else _flagged(result)
        for result in results
    ]


def _lowest(results: Iterable[TrialResult], stage: str, goals: Goals) -> Estimate | None:
    """The lowest of the first objective in a stage; of a point measured several times its last result counts."""
    last = {result.point: result for result in results if result.stage == stage and result.finished}
    return lowest_of(by_objectives(last, goals))


def _within_reach(result: TrialResult, apart: float, best: Estimate | None, goals: Goals) -> bool:
    """Whether a result may come out as low as the best one where it was too high by so much."""
    own = by_objectives({result.point: result}, goals).get(result.point)
    if not result.finished or own is None or best is None or not decided_by_windows(goals):
        return True
    estimate = own.estimates[0]
    half = None if estimate.half_width is None else estimate.half_width / apart
    return verdict.may_come_out_as_low(Estimate(estimate.mean / apart, half), best)


def _doubted(result: TrialResult) -> TrialResult:
    error = "its process gave another figure for its first setting at its end"
    return replace(result, outcome=replace(_flagged(result).outcome, status=DOUBTED, error=error))


def _flagged(result: TrialResult) -> TrialResult:
    return replace(result, outcome=replace(result.outcome, flags=(*result.outcome.flags, CARRY_OVER)))


def _apart(*outcomes: Outcome | None) -> float | None:
    known = [wh for outcome in outcomes if (wh := _energy(outcome))]
    return max(known) / min(known) if len(known) > 1 else None


def _energy(outcome: Outcome | None) -> float | None:
    return None if outcome is None else outcome.metrics.get(verdict.ENERGY)
