"""Intervals by resampling what was observed: percentiles of the resamples, or bias-corrected and accelerated (BCa).

The numbers are those of scipy.stats.bootstrap with the same seed, to which a test holds them. It is not used itself
because every run would import scipy.stats for it: 0.6 s of processor and 47 MB, 30 of them its own.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any

from joulemark.core.stats import LEVEL

TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)

# Takes places of observations, a row a resample; gives a row a metric and a column a resample
Statistic = Callable[[Any], Any]


def resampled(statistic: Statistic, count: int, resamples: int, at_once: int) -> Any:
    """The metrics of so many resamples of `count` observations, a row a metric; `at_once` resamples are in memory."""
    import numpy

    draw = numpy.random.default_rng(0)
    batches = (min(at_once, resamples - done) for done in range(0, resamples, at_once))
    return numpy.concatenate([statistic(draw.integers(0, count, (batch, count))) for batch in batches], axis=-1)


def percentile_ends(distribution: Any) -> list[tuple[float, float]]:
    """The ends of each metric's 95 % interval: percentiles of its resamples; NaN where one of these has no value."""
    import numpy

    return [(float(low), float(high)) for low, high in numpy.quantile(distribution, TAILS, axis=-1).T]


def bca_ends(statistic: Statistic, count: int, distribution: Any, at_once: int) -> list[tuple[float, float]]:
    """The ends of each metric's BCa interval, which takes an evaluation an observation; NaN where there is none.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 14.3.
    """
    import numpy
    from scipy.special import ndtr, ndtri

    whole = statistic(numpy.arange(count)[None])
    below = ((distribution < whole).mean(axis=-1) + (distribution <= whole).mean(axis=-1)) / 2
    without = numpy.concatenate(
        [statistic(_without(first, min(first + at_once, count), count)) for first in range(0, count, at_once)], axis=-1
    )
    gaps = without.mean(axis=-1, keepdims=True) - without
    with numpy.errstate(invalid="ignore", divide="ignore"):  # resamples that are all alike have no interval
        bias = ndtri(below)
        acceleration = (gaps**3).sum(axis=-1) / (6 * (gaps**2).sum(axis=-1) ** 1.5)
        shares = [ndtr(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in map(ndtri, TAILS)]
    return [
        (_quantile(values, low), _quantile(values, high))
        for values, low, high in zip(distribution, *shares, strict=True)
    ]


def _without(first: int, stop: int, count: int) -> Any:
    """The places of all observations but one, a row for each of those from `first` on."""
    import numpy

    left_out, places = numpy.arange(first, stop)[:, None], numpy.arange(count - 1)
    return places + (places >= left_out)


def _quantile(values: Any, share: float) -> float:
    import numpy

    return float(numpy.quantile(values, share)) if isfinite(share) else float("nan")
