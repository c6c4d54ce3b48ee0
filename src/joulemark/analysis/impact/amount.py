"""A quantity with its 95 % interval, carried through what is computed from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from joulemark.core.formatting import UNKNOWN, WH, Units, rounded, unit_for


@dataclass(frozen=True)
class Amount:
    """A quantity that is not negative, with its 95 % interval.

    Ends are added to ends, as if what was measured apart erred to one side together: never too narrow, and the sum of
    more is never less.

    Attributes:
        mean: the quantity
        low: lower end of the interval; None where the spread is unknown
        high: upper end of the interval; None where the spread is unknown
    """

    mean: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def exact(cls, value: float) -> Self:
        """A quantity that is given, not measured."""
        return cls(value, value, value)

    @classmethod
    def of(cls, mean: float, half: float | None) -> Self:
        """A mean with half its interval; None leaves the interval unknown."""
        return cls(mean) if half is None else cls(mean, max(0.0, mean - half), mean + half)

    def times(self, factor: float) -> Self:
        """The quantity so many times; the factor is zero or more."""
        return type(self)(
            self.mean * factor,
            None if self.low is None else self.low * factor,
            None if self.high is None else self.high * factor,
        )

    def into(self, dividend: float) -> Self | None:
        """How often the quantity goes into another that is exact; None where it may be none at all."""
        if self.mean <= 0:
            return None
        if self.low is None or self.high is None or self.low <= 0:
            return type(self)(dividend / self.mean)
        return type(self)(dividend / self.mean, dividend / self.high, dividend / self.low)


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; its interval is unknown where that of one part is."""
    parts = list(amounts)
    lows = [part.low for part in parts if part.low is not None]
    highs = [part.high for part in parts if part.high is not None]
    known = len(lows) == len(highs) == len(parts)
    return Amount(sum(part.mean for part in parts), sum(lows) if known else None, sum(highs) if known else None)


def interval(amount: Amount | None, count: int = 3, units: Units = WH) -> str:
    """A quantity, watt hours by default, with its interval in one unit: `12.3 Wh (12.1 to 12.5 Wh)`."""
    if amount is None:
        return UNKNOWN
    size, unit = unit_for(amount.mean, units)
    mean = f"{rounded(amount.mean / size, count)} {unit}"
    if amount.low is None or amount.high is None:
        return f"{mean} (no interval)"
    if amount.low == amount.high:
        return mean
    low, high = (rounded(end / size, count) for end in (amount.low, amount.high))
    return f"{mean} ({low} to {high} {unit})"
