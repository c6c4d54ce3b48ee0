"""Which of two runs costs less, from their means, intervals and numbers of windows: what src.comparison says of two
records, for thousands of pairs whose records are not read.
"""

from dataclasses import dataclass
from math import sqrt

from src.comparison import ACROSS_CARDS
from src.report.entry import Entry


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
    width = _half_width(a, b)
    if width is not None and abs(a.energy - b.energy) <= width:
        return Versus("tie", "the interval of the difference holds zero", ratio, least, most)
    if a.card != b.card and max(ratio, 1 / ratio) - 1 < ACROSS_CARDS:
        note = f"less than {ACROSS_CARDS:.0%} apart, on two cards whose sensors may differ by that"
        return Versus("tie", note, ratio, least, most)
    return Versus("A" if ratio > 1 else "B", "their intervals are apart", ratio, least, most)


def _over(value: float, other: float) -> float | None:
    return value / other if other > 0 else None


def _half_width(a: Entry, b: Entry) -> float | None:
    """Half of Welch's 95 % interval of the difference, from the intervals of both; None where the windows are unknown.

    An interval's half width is t(n - 1) times the standard error, which so comes back without the windows themselves.
    """
    from scipy.special import stdtrit

    if a.windows is None or b.windows is None or min(a.windows, b.windows) < 2:
        return None
    assert a.half_width is not None
    assert b.half_width is not None
    errors = [
        (float(half / stdtrit(n - 1, 0.975)) ** 2, n - 1)
        for half, n in ((a.half_width, a.windows), (b.half_width, b.windows))
    ]
    total = sum(error for error, _ in errors)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(error**2 / degrees for error, degrees in errors)
    return float(stdtrit(freedom, 0.975)) * sqrt(total)
