"""Statistics of repeated measurements: pure functions over numbers; numpy and scipy do the arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval; `half_width` is None where one value leaves the spread unknown."""

    mean: float
    half_width: float | None
    n: int

    @property
    def relative(self) -> float | None:
        """The half-width over the mean; None where either is unknown or the mean is zero."""
        if self.half_width is None or self.mean == 0:
            return None
        return self.half_width / abs(self.mean)


def estimate(values: Sequence[float]) -> Estimate | None:
    """The mean of independent repeats with Student's t interval at 95 %; None without values."""
    from scipy.special import stdtrit  # the quantile alone: scipy.stats takes over a second to import

    if not values:
        return None
    n, mean = len(values), fmean(values)
    if n < 2:
        return Estimate(mean, None, n)
    return Estimate(mean, float(stdtrit(n - 1, 0.975)) * stdev(values) / sqrt(n), n)


def percentiles(values: Sequence[float], weights: Sequence[int], points: Sequence[float]) -> list[float]:
    """Percentiles of values that each stand for `weights` equal requests; points in [0, 100].

    Each value is repeated by its weight and numpy's linear interpolation applied, so a batch of 8 counts eight times.
    """
    import numpy

    return [float(p) for p in numpy.percentile(numpy.repeat(values, weights), points)]
