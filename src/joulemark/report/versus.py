"""Which of two runs costs less, from means and intervals alone: what joulemark.analysis.comparison says of two records.

For thousands of pairs whose records are not read. Intervals that are apart leave zero out of Welch's interval of the
difference, which is never wider than both half widths together: that needs no test of its own.
"""

from dataclasses import dataclass

from joulemark.analysis.comparison import ACROSS_CARDS
from joulemark.report.entry import Entry


@dataclass(frozen=True)
class Versus:
    """`verdict` names the cheaper one: `A`, `B`, `tie`, or `unknown` where an interval is missing.

    `ratio` is B over A with the least and the most that both intervals allow; None where no ratio can be claimed.
    """

    verdict: str
    note: str
    ratio: float | None = None
    least: float | None = None
    most: float | None = None


def versus(a: Entry, b: Entry) -> Versus:
    """The comparison of two runs of one group."""
    if a.half_width is None or b.half_width is None:
        return Versus("unknown", "a run of one window has no interval; measure each with two windows or more")
    ratio, least, most = b.energy / a.energy, _over(b.low, a.high), _over(b.high, a.low)
    if abs(a.energy - b.energy) <= a.half_width + b.half_width:
        return Versus("tie", "their intervals overlap", ratio, least, most)
    if a.card != b.card and max(ratio, 1 / ratio) - 1 < ACROSS_CARDS:
        note = f"less than {ACROSS_CARDS:.0%} apart, on two cards whose sensors may differ by that"
        return Versus("tie", note, ratio, least, most)
    return Versus("A" if ratio > 1 else "B", "their intervals are apart", ratio, least, most)


def _over(value: float, other: float) -> float | None:
    return value / other if other > 0 else None
