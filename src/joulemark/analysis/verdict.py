"""Whether results differ: the only module that decides it.

The unit of evidence is a process, and results are cells of fresh processes (core/cell.py).

A, B             established: three processes or more a side, and the 95 % interval of the ratio leaves 1 out
tie              indistinguishable: as many processes, and the interval holds 1
not established  fewer processes; `indicated` names the lower of two whose within-run intervals do not touch
unknown          one of them has no value

Two results of different cards tie where they are less than `ACROSS_CARDS` apart, intervals or not. Of many results the
error of the whole family is held (analysis/ranking.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Protocol

from joulemark.core import stats
from joulemark.core.cell import Cell
from joulemark.core.formatting import many, times
from joulemark.core.stats import Estimate

ENERGY, SPREAD = "energy/total_wh_per_1k", "energy/ci95_rel"

MIN_PROCESSES = 3  # a side: with two, Welch's interval has one or two degrees of freedom and says nothing

# Two sensors of one kind differ by up to 5 % each: across cards less than both together is a tie
ACROSS_CARDS = 0.1
# A plainer setting that ties with the best one is preferred up to here: what the standard protocol resolves
NEARLY = 0.02

# What a screening's windows are to resolve: a smaller difference between two of one process is none
RESOLVED = 0.05

# By how much two processes of one setting may differ, what earlier trials of a shared one leave behind included: gross
# energies of thirteen processes on a shared H100 host had a coefficient of variation of 8.4 %, so two differ by 23 %
SEPARATED = 0.25

A, B, TIE, NOT_ESTABLISHED, UNKNOWN = "A", "B", "tie", "not established", "unknown"

ESTABLISHED = "established"
INDICATED = "indicated, not established"  # of what fewer processes than a verdict takes point to

NO_VALUE = "no value is available in one of them"
TWO_CARDS = f"less than {ACROSS_CARDS:.0%} apart, on two cards whose sensors may differ by that"


class Interval(Protocol):
    """A mean with the ends of its 95 % interval; both ends None where the spread is unknown."""

    @property
    def mean(self) -> float:
        """The value in the middle."""

    @property
    def low(self) -> float | None:
        """The lower end of its 95 % interval; None without one."""

    @property
    def high(self) -> float | None:
        """The upper end of its 95 % interval; None without one."""


@dataclass(frozen=True)
class Verdict:
    """What may be said of two results.

    Attributes:
        outcome: `A` or `B`, whichever is lower, `tie`, `not established` or `unknown`
        note: why, as half a sentence
        ratio: B over A by the means; None where one is not above zero
        least: the lower end of its 95 % interval, between processes; None where the outcome is not of processes
        most: the upper end
        indicated: `A` or `B` where that one is lower by within-run intervals, which establish nothing; else None
    """

    outcome: str
    note: str
    ratio: float | None = None
    least: float | None = None
    most: float | None = None
    indicated: str | None = None

    @property
    def established(self) -> bool:
        """Whether one of the two is lower."""
        return self.outcome in (A, B)

    @property
    def exchanged(self) -> "Verdict":
        """The same of the two in the other order."""
        other = {A: B, B: A}
        ratio, least, most = (1 / each if each and each > 0 else None for each in (self.ratio, self.most, self.least))
        note = self.note if self.indicated is None else f"{other[self.indicated]}{self.note[1:]}"
        indicated = None if self.indicated is None else other[self.indicated]
        return Verdict(other.get(self.outcome, self.outcome), note, ratio, least, most, indicated)

    @property
    def multiple(self) -> str:
        """B as a multiple of A, with the interval where there is one, as `1.83× (1.79× to 1.87×)`."""
        return times(self.ratio, self.least, self.most)

    def __str__(self) -> str:
        """The outcome as a sentence says it."""
        return INDICATED if self.indicated else self.outcome


def between(a: Cell, b: Cell) -> Verdict:
    """Which of two results is lower."""
    first, second = a.estimate, b.estimate
    if first is None or second is None:
        return Verdict(UNKNOWN, NO_VALUE)
    ratio = second.mean / first.mean if min(first.mean, second.mean) > 0 else None
    if a == b:
        return Verdict(TIE, "they are the same", ratio)
    if not enough(a, b):
        return _not_established(a, b, first, second, ratio)
    difference = stats.difference(a.values, b.values)
    assert difference is not None
    least, most = difference.ratio_inverse
    ratio = 1 / difference.ratio if difference.ratio else ratio
    low, high = (least, most) if least is not None else (difference.low, difference.high)
    assert low is not None
    assert high is not None
    center = 1.0 if least is not None else 0.0
    counted = f"{a.processes} and {b.processes} processes"
    if low <= center <= high:
        return Verdict(TIE, f"indistinguishable at n = {counted}", ratio, least, most)
    if a.card != b.card and _within_cards(ratio):
        return Verdict(TIE, TWO_CARDS, ratio, least, most)
    return Verdict(A if first.mean < second.mean else B, f"established by {counted}", ratio, least, most)


def enough(*cells: Cell) -> bool:
    """Whether each of some results is of processes enough to be judged."""
    return all(cell.processes >= MIN_PROCESSES for cell in cells)


def _not_established(a: Cell, b: Cell, first: Estimate, second: Estimate, ratio: float | None) -> Verdict:
    few = min(a.processes, b.processes)
    needs = f"{many(few, 'process')} where {MIN_PROCESSES} a side are needed: type repeats=…"
    separate = apart(first, second)
    if not separate or (a.card != b.card and _within_cards(ratio)):
        return Verdict(NOT_ESTABLISHED, needs, ratio)
    lower = A if first.mean < second.mean else B
    return Verdict(NOT_ESTABLISHED, f"{lower} is indicated to be lower, by {needs}", ratio, indicated=lower)


def energy_estimate(metrics: Mapping[str, float | None], card: str | None = None) -> Estimate | None:
    """The gross energy of a run's named metrics, Wh per 1,000 inferences, with its within-run interval.

    None where it is not available.
    """
    mean, relative = metrics.get(ENERGY), metrics.get(SPREAD)
    if mean is None:
        return None
    return Estimate(mean, None if relative is None else mean * relative, 1, card)


def agree(first: Mapping[str, float | None], last: Mapping[str, float | None]) -> bool | None:
    """Whether one setting, measured twice, gave one energy: a check for carry-over, which establishes nothing.

    True within both within-run intervals together, or `RESOLVED`; None without energies, and where the intervals are so
    wide that they hold two energies further apart than `SEPARATED`.
    """
    was, now = energy_estimate(first), energy_estimate(last)
    if was is None or now is None:
        return None
    apart, within = abs(was.mean - now.mean), hypot(was.half_width or 0.0, now.half_width or 0.0)
    if apart > max(within, RESOLVED * was.mean):
        return False
    return True if apart <= SEPARATED * min(was.mean, now.mean) else None


def apart(a: Interval | None, b: Interval | None) -> bool | None:
    """Whether two intervals do not touch; None where one is unknown."""
    if a is None or b is None or a.low is None or a.high is None or b.low is None or b.high is None:
        return None
    return a.high < b.low or b.high < a.low


def lower(a: Interval, b: Interval) -> str:
    """Which of two quantities of one card is less: `A`, `B`, `tie` or `unknown`. Equal ones tie, intervals or not."""
    if (a.mean, a.low, a.high) == (b.mean, b.low, b.high):
        return TIE
    separate = apart(a, b)
    if separate is None:
        return UNKNOWN
    return (A if a.mean < b.mean else B) if separate else TIE


def may_be_as_low(result: Estimate, best: Estimate) -> bool:
    """Whether a result reaches down to the best one's interval; one without an interval counts at its mean."""
    return result.low_or_mean <= best.high_or_mean


def may_come_out_as_low(result: Estimate, best: Estimate) -> bool:
    """Whether a result may be as low as the best one where both are measured again, in processes of their own."""
    return result.low_or_mean <= best.high_or_mean + abs(best.high_or_mean) * SEPARATED


def nearly_as_low(value: float, best: float) -> bool:
    """Whether a value is at most `NEARLY` worse than the best one; less is better, and both may be below zero."""
    return value <= best + abs(best) * NEARLY


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether a is nowhere worse than b and somewhere better; less is better."""
    pairs = list(zip(a, b, strict=True))
    return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)


def surely_dominates(a: Sequence[Estimate], b: Sequence[Estimate]) -> bool:
    """Whether a dominates b wherever in their intervals both lie."""
    return dominates([each.high_or_mean for each in a], [each.low_or_mean for each in b])


def surely_above(result: Estimate, value: float) -> bool:
    """Whether all of a result's interval lies above a value."""
    return result.low_or_mean > value


def may_meet(excess: float, relative: float | None) -> bool:
    """Whether a constraint that is exceeded by a share (0 or less: met) may be met within a relative half-width."""
    return excess <= (relative or 0.0)


def higher_quality(a: float | None, b: float | None) -> bool:
    """Whether the first quality is above the second; one that is unknown counts as zero."""
    return (a or 0.0) > (b or 0.0)


def quality_loss(a: float | None, b: float | None) -> float | None:
    """The share of A's quality that B loses; None where one is unknown or A's is not above zero."""
    return None if a is None or b is None or a <= 0 else (a - b) / a


KEPT, EXCEEDED = "kept", "exceeded"  # of a limit


@dataclass(frozen=True)
class LimitVerdict:
    """What may be said of a result and the most that it may be.

    Attributes:
        outcome: `kept`, `exceeded`, `not established` or `unknown`
        note: why, as half a sentence
        kept: whether the mean keeps it, whatever the evidence; an unknown one does not
    """

    outcome: str
    note: str
    kept: bool = False

    @property
    def established(self) -> bool:
        """Whether processes say it, either way."""
        return self.outcome in (KEPT, EXCEEDED)


def within(result: Cell, limit: float) -> LimitVerdict:
    """Whether a result is at most a limit: kept or exceeded where all of its interval between processes is."""
    known = result.estimate
    if known is None:
        return LimitVerdict(UNKNOWN, "no value is available")
    kept, counted = known.mean <= limit, many(result.processes, "process")
    if not enough(result):
        indicated = f"{KEPT if kept else EXCEEDED} by the mean of {counted}"
        return LimitVerdict(NOT_ESTABLISHED, f"{indicated}, where {MIN_PROCESSES} are needed: repeats=…", kept)
    if known.high_or_mean <= limit:
        return LimitVerdict(KEPT, f"established by {counted}", kept)
    if known.low_or_mean > limit:
        return LimitVerdict(EXCEEDED, f"established by {counted}", kept)
    return LimitVerdict(NOT_ESTABLISHED, f"the 95 % interval of {counted} holds the limit", kept)


PASSED, REGRESSED = "passed", "regressed"


def against_limit(result: Verdict, limit: float) -> str:
    """Whether the ratio of B over A is above a limit: `regressed`, `passed` or `not established`.

    Regressed where all of its interval is above the limit, passed where none of it is, or where both are one.
    """
    if result.least is None or result.most is None:
        return PASSED if result.outcome == TIE and limit >= 1 else NOT_ESTABLISHED
    if result.least > limit:
        return REGRESSED
    return PASSED if result.most <= limit else NOT_ESTABLISHED


def _within_cards(ratio: float | None) -> bool:
    """Whether two results of different cards are nearer than their sensors tell; so is what has no ratio."""
    return ratio is None or max(ratio, 1 / ratio) - 1 < ACROSS_CARDS
