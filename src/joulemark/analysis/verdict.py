"""Whether two results differ: the only module that decides it, by means and their 95 % intervals.

outcome   `A` or `B` names the lower of two; `tie` where their intervals meet, `unknown` where one has no interval
cards     two results of different cards tie where they are less than `ACROSS_CARDS` apart, intervals or not
ratio     B over A, with the least and the most that both intervals allow
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from joulemark.core import stats
from joulemark.core.stats import Difference, Estimate

ENERGY, SPREAD = "energy/total_wh_per_1k", "energy/ci95_rel"

# Two sensors of one kind differ by up to 5 % each: across cards less than both together is a tie
ACROSS_CARDS = 0.1
# A plainer setting that ties with the best one is preferred up to here: what the standard protocol resolves
NEARLY = 0.02

A, B, TIE, UNKNOWN = "A", "B", "tie", "unknown"

NO_ENERGY = "no energy is available in one of them"
NO_INTERVAL = "a run of one window has no interval; measure each with two windows or more"
HOLDS_ZERO = "the interval of the difference holds zero"
OVERLAP = "their intervals overlap"
TWO_CARDS = f"less than {ACROSS_CARDS:.0%} apart, on two cards whose sensors may differ by that"
APART = "their intervals are apart"

# What the page's script needs to say the same of two runs that a reader picks
RULES = {
    "across_cards": ACROSS_CARDS,
    "no_interval": NO_INTERVAL,
    "overlap": OVERLAP,
    "two_cards": TWO_CARDS,
    "apart": APART,
}


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
        outcome: `A` or `B`, whichever is lower, `tie` or `unknown`
        note: why, as half a sentence
        ratio: B over A by the means; None where no interval supports one
        least: the least ratio that both intervals allow; None as above, or where A may be zero
        most: the largest such ratio
    """

    outcome: str
    note: str
    ratio: float | None = None
    least: float | None = None
    most: float | None = None


def energy_estimate(metrics: Mapping[str, float | None], card: str | None = None) -> Estimate | None:
    """The gross energy of named metrics, Wh per 1,000 inferences, with its interval; None where it was not read."""
    mean, relative = metrics.get(ENERGY), metrics.get(SPREAD)
    if mean is None:
        return None
    return Estimate(mean, None if relative is None else mean * relative, card=card)


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


def between(a: Estimate, b: Estimate) -> Verdict:
    """Which of two results is lower, by their estimates alone and the card that each was read on."""
    separate = apart(a, b)
    if separate is None:
        return Verdict(UNKNOWN, NO_INTERVAL)
    ratio, least, most = _ratio(b, a)
    if not separate:
        return Verdict(TIE, OVERLAP, ratio, least, most)
    if a.card != b.card and _within_cards(ratio):
        return Verdict(TIE, TWO_CARDS, ratio, least, most)
    return Verdict(A if a.mean < b.mean else B, APART, ratio, least, most)


def between_windows(
    first: Sequence[float], second: Sequence[float], same_card: bool
) -> tuple[Verdict, Difference | None]:
    """The same from the windows themselves: Welch's interval of the difference must leave zero out, too."""
    difference = stats.difference(first, second)
    if difference is None:
        return Verdict(UNKNOWN, NO_ENERGY), None
    if difference.sign is None:
        return Verdict(UNKNOWN, NO_INTERVAL), difference
    a, b = stats.estimate(first, "A"), stats.estimate(second, "A" if same_card else "B")
    assert a is not None
    assert b is not None
    if difference.sign == 0:
        return Verdict(TIE, HOLDS_ZERO, *_ratio(b, a)), difference
    return between(a, b), difference


def difference_half_width(a: Estimate, b: Estimate) -> float | None:
    """Half of Welch's 95 % interval of the difference of two estimates; None where an interval is unknown.

    Where a number of windows is unknown it is the sum of both half-widths, which is never narrower.
    """
    if a.half_width is None or b.half_width is None:
        return None
    if a.n is None or b.n is None or min(a.n, b.n) < 2:
        return a.half_width + b.half_width
    return stats.welch_half_width(a, b)


def may_be_as_low(result: Estimate, best: Estimate) -> bool:
    """Whether a result reaches down to the best one's interval; one without an interval counts at its mean."""
    return result.low_or_mean <= best.high_or_mean


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


def regresses(outcome: str, share: float, accepted: float) -> bool:
    """Whether B costs more than A by more than the accepted share: what ties is noise."""
    return outcome == A and share > accepted


def _within_cards(ratio: float | None) -> bool:
    """Whether two results of different cards are nearer than their sensors tell; so is what has no ratio."""
    return ratio is None or max(ratio, 1 / ratio) - 1 < ACROSS_CARDS


def _ratio(numerator: Estimate, denominator: Estimate) -> tuple[float | None, float | None, float | None]:
    """The ratio of two results above zero, and its least and most by both intervals."""
    if numerator.mean <= 0 or denominator.mean <= 0:
        return None, None, None
    ratio = numerator.mean / denominator.mean
    if numerator.low is None or denominator.low is None or numerator.high is None or denominator.high is None:
        return ratio, None, None
    least = numerator.low / denominator.high
    return ratio, least, numerator.high / denominator.low if denominator.low > 0 else None
