"""Statistics of repeated measurements: pure functions over numbers; numpy and scipy do the arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean, stdev


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval.

    Attributes:
        mean: the mean, in the unit of the values
        half_width: half of the interval; None where one value leaves the spread unknown
        n: how many values it is of; None where that is unknown
        card: digest of the card whose sensor read the values; None where that is unknown or of no matter
    """

    mean: float
    half_width: float | None
    n: int | None = None
    card: str | None = None

    @property
    def low(self) -> float | None:
        """The lower end of the interval; None without one."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """The upper end of the interval; None without one."""
        return None if self.half_width is None else self.mean + self.half_width

    @property
    def low_or_mean(self) -> float:
        """The lower end of the interval, the mean without one."""
        return self.mean - (self.half_width or 0.0)

    @property
    def high_or_mean(self) -> float:
        """The upper end of the interval, the mean without one."""
        return self.mean + (self.half_width or 0.0)

    @property
    def relative(self) -> float | None:
        """The half-width over the mean; None where either is unknown or the mean is zero."""
        if self.half_width is None or self.mean == 0:
            return None
        return self.half_width / abs(self.mean)


def estimate(values: Sequence[float], card: str | None = None) -> Estimate | None:
    """The mean of independent repeats with Student's t interval at 95 %; None without values."""
    from scipy.special import stdtrit  # the quantile alone: scipy.stats takes over a second to import

    if not values:
        return None
    n, mean = len(values), fmean(values)
    if n < 2:
        return Estimate(mean, None, n, card)
    return Estimate(mean, float(stdtrit(n - 1, 0.975)) * stdev(values) / sqrt(n), n, card)


def welch_half_width(a: Estimate, b: Estimate) -> float:
    """Half of Welch's 95 % interval of the difference of two estimates, each of two values or more."""
    from scipy.special import stdtrit

    squares = []
    for each in (a, b):
        assert each.half_width is not None
        assert each.n is not None
        squares.append(((each.half_width / float(stdtrit(each.n - 1, 0.975))) ** 2, each.n - 1))
    total = sum(square for square, _ in squares)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(square**2 / degrees for square, degrees in squares)
    return float(stdtrit(freedom, 0.975)) * sqrt(total)


def percentiles(values: Sequence[float], weights: Sequence[int], points: Sequence[float]) -> list[float]:
    """Percentiles of values that each stand for `weights` equal requests; points in [0, 100].

    Each value is repeated by its weight and numpy's linear interpolation applied, so a batch of 8 counts eight times.
    """
    import numpy

    return [float(p) for p in numpy.percentile(numpy.repeat(values, weights), points)]


@dataclass(frozen=True)
class Difference:
    """How far apart two sets of repeats are, `first` less `second`, with a 95 % interval.

    `low` and `high` are None where the spread of either is unknown. `ratio` is first over second, by geometric means,
    with an interval of its own; None where a value is not above zero.
    """

    difference: float
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None

    @property
    def sign(self) -> int | None:
        """-1 where the first is lower, 1 where it is higher, 0 where both may be equal; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return 0 if self.low <= 0 <= self.high else (1 if self.low > 0 else -1)


def difference(first: Sequence[float], second: Sequence[float]) -> Difference | None:
    """The difference of two means by Welch's t (unequal variances), their ratio by the same on the logarithms.

    Exchanging the two negates the difference and inverts the ratio. None where either has no values.
    """
    if not first or not second:
        return None
    low, high = _welch(first, second)
    ratio: float | None = None
    edges: tuple[float | None, float | None] = None, None
    if min(*first, *second) > 0:
        logs = [log(v) for v in first], [log(v) for v in second]
        ratio = exp(fmean(logs[0]) - fmean(logs[1]))
        edges = _welch(*logs)
    ratio_low, ratio_high = (None if edge is None else exp(edge) for edge in edges)
    return Difference(fmean(first) - fmean(second), low, high, ratio, ratio_low, ratio_high)


def _welch(first: Sequence[float], second: Sequence[float]) -> tuple[float | None, float | None]:
    """The 95 % interval of the difference of means; (None, None) where one value leaves a spread unknown."""
    if len(first) < 2 or len(second) < 2:
        return None, None
    if stdev(first) == stdev(second) == 0:  # scipy would divide nothing by nothing
        return first[0] - second[0], first[0] - second[0]
    from scipy.stats import ttest_ind  # over a second to import

    found = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    return float(found.low), float(found.high)
