"""Statistics of repeated measurements: pure functions over numbers; numpy and scipy do the arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log, sqrt
from statistics import fmean, stdev

LEVEL = 0.95  # of every interval, and of a family of comparisons together


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


def import_packages() -> None:
    """Imports what an estimate takes: tenths of a second."""
    quantile(1)


def quantile(freedom: int) -> float:
    """Student's t at 95 %, two-sided, with so many degrees of freedom."""
    from scipy.special import stdtrit  # the quantile alone: scipy.stats takes over a second to import

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def estimate(values: Sequence[float], card: str | None = None) -> Estimate | None:
    """The mean of independent repeats with Student's t interval at 95 %; None without values."""
    if not values:
        return None
    n, mean = len(values), fmean(values)
    if n < 2:
        return Estimate(mean, None, n, card)
    return Estimate(mean, quantile(n - 1) * stdev(values) / sqrt(n), n, card)


def alike_in_variance(groups: Sequence[Sequence[float]]) -> bool:
    """Whether Bartlett's test at 5 % finds no difference between the variances of groups of two values or more."""
    from scipy.stats import bartlett

    spreads = [stdev(group) for group in groups]
    if min(spreads) == 0:  # the test divides by each variance
        return max(spreads) == 0
    return float(bartlett(*groups).pvalue) > 1 - LEVEL


def honest_difference(groups: Sequence[Sequence[float]], first: int, second: int) -> float:
    """The least difference of two means that Tukey and Kramer's test establishes at 95 % among all pairs of groups.

    The groups share one variance, pooled; source: scipy.stats.tukey_hsd, whose p-values take a second for twenty.
    """
    freedom = sum(len(group) for group in groups) - len(groups)
    pooled = sum(stdev(group) ** 2 * (len(group) - 1) for group in groups) / freedom
    share = (1 / len(groups[first]) + 1 / len(groups[second])) / 2
    return _studentized_range(len(groups), freedom) * sqrt(pooled * share)


@cache
def _studentized_range(groups: int, freedom: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(LEVEL, groups, freedom))


def welch_p(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided p-value of Welch's test that two groups of two values or more have one mean."""
    if stdev(first) == stdev(second) == 0:  # scipy would divide nothing by nothing
        return float(fmean(first) == fmean(second))
    from scipy.stats import ttest_ind

    return float(ttest_ind(first, second, equal_var=False).pvalue)


def drawn_p(found: int, drawn: int, among: int, total: int) -> float:
    """The two-sided p-value of finding so many of `among` marked in `drawn` out of `total`, all drawn equally."""
    from scipy.stats import hypergeom

    chance = hypergeom(total, among, drawn)
    return min(1.0, 2 * min(float(chance.cdf(found)), float(chance.sf(found - 1))))


def product_of_all(*values: float | None) -> float | None:
    """The product; None where one value is unknown."""
    product = 1.0
    for value in values:
        if value is None:
            return None
        product *= value
    return product


def mean_of_all(values: Sequence[float | None]) -> float | None:
    """The mean; None without values, and where one of them is not available."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


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

    @property
    def ratio_inverse(self) -> tuple[float | None, float | None]:
        """The 95 % interval of second over first; (None, None) without one."""
        if self.ratio_low is None or self.ratio_high is None:
            return None, None
        return 1 / self.ratio_high, 1 / self.ratio_low


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

    interval = ttest_ind(first, second, equal_var=False).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)
