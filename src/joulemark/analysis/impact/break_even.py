"""Where two piecewise linear costs are equal and their order turns: exact, piece by piece, no search."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Turn:
    """A number of calls at which the order turns.

    Both ends are None where an interval is unknown, or where the order turns more than once.

    Attributes:
        at: calls by the means
        low: least calls by the intervals; zero where the order may be the other from the first call
        high: most calls by the intervals; None where there may be no turn at all
    """

    at: float
    low: float | None = None
    high: float | None = None


def ends(at: float, rising: bool, least: tuple[float, ...], most: tuple[float, ...]) -> Turn:
    """The turn between those of the least and the most that the difference may be.

    A difference that rises through zero does so later where it is less, and one that falls where it is more.
    """
    early, late = (most, least) if rising else (least, most)
    return Turn(at, early[0] if early else 0.0, late[0] if late else None)


def turns(apart: Callable[[float], float], corners: Iterable[float]) -> tuple[float, ...]:
    """Where a piecewise linear difference passes through zero, above zero calls; `corners` is where it may bend."""
    bends = sorted({0.0, *(at for at in corners if at > 0)})
    last = max(bends[-1], 1.0)
    points = [*bends, last * 2, last * 4]  # beyond the last corner it is one line: two points tell where that goes
    crossings: list[float] = []
    for left, right in pairwise(points):
        crossings += _roots(apart, left, right, is_last=right == points[-1])
    return tuple(crossings)


def _roots(apart: Callable[[float], float], left: float, right: float, is_last: bool) -> list[float]:
    """The crossing of one straight piece; of the last one also beyond its end. Touching zero is no crossing."""
    first, second = apart(left), apart(right)
    if first == second:
        return []
    at = left - first * (right - left) / (second - first)
    inside = left < at and (is_last or at <= right)
    near = max(at, 1e-12) * 1e-6
    return [at] if inside and apart(at - near) * apart(at + near) < 0 else []
