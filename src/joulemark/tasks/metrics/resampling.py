"""Intervals of metrics of the whole set of predictions, and of their differences: a bootstrap over the requests.

Such a metric (macro F1, a correlation, mean average precision) is no mean of scores of single requests: each resample
is computed again, from how many times it holds each request. Where that would take longer than `BUDGET_S` or `PAIR_S`
there are fewer resamples, then simpler ends, then none.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from math import inf, isfinite, sqrt
from typing import Any, ParamSpec, TypeVar

from joulemark.core import bootstrap
from joulemark.core.stats import LEVEL
from joulemark.core.task import MetricInterval, Statistics
from joulemark.tasks.metrics.whole_set import KINDS

BUDGET_S = 10.0  # of the intervals of a run
PAIR_S = 3.0  # of a pair: a report has some dozens
TIMED = 3  # evaluations of which the fastest tells how long one takes: the host may be busy
TRIED = 8  # resamples that are evaluated at once for it
AT_ONCE = 100_000  # counts of requests that are held at once
BCA, PERCENTILE = (1000, 500, 200), (1000, 500, 200, 100)  # resamples, the most that fit are taken
FEWEST = 2  # requests that can be resampled
SAME = "the same in every resample"
ALIKE = "the resamples are all alike, or some have no value"

P = ParamSpec("P")
R = TypeVar("R")

# A row a metric and a column a resample, of how many times each resample holds each request
Statistic = Callable[[Any], Any]


@dataclass(frozen=True)
class Difference:
    """How far two models differ in a metric of the whole set over the same requests.

    Attributes:
        value: the metric of the first less a share of the other's
        low: the lower end of its 95 % interval; None where there is none
        high: the upper end
        p: of no difference; None where there is none
        method: how these were computed, or why they are None
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    method: str


def _on_one_core(function: Callable[P, R]) -> Callable[P, R]:
    """BLAS on one core: products of long, thin matrices wait for each other on several, forty times as long."""

    @wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        import numpy  # noqa: F401  # what is not loaded is not limited
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, "blas"):
            return function(*args, **kwargs)

    return limited


@_on_one_core
def intervals(statistics: Statistics) -> dict[str, MetricInterval]:
    """The interval of each metric that these statistics are of.

    BCa takes as many evaluations as there are resamples and requests, percentiles of the resamples do with the first.
    """
    count, metrics, of = len(statistics.rows), KINDS[statistics.kind].metrics, KINDS[statistics.kind](statistics.rows)
    if count < FEWEST:
        return {name: MetricInterval(None, None, count, f"fewer than {FEWEST} requests") for name in metrics}
    each_s = _seconds(count, of)
    for method, fixed, most in (("BCa", count, BCA), ("percentile", 0, PERCENTILE)):
        if (resamples := _affordable(each_s, BUDGET_S, most, fixed)) is not None:
            ends = _ends(count, of, method, resamples)
            said = f"{method} bootstrap, {resamples:,} resamples"
            return {name: _interval(count, low, high, said) for name, (low, high) in zip(metrics, ends, strict=True)}
    return {name: MetricInterval(None, None, count, _too_slow(each_s, BUDGET_S)) for name in metrics}


@_on_one_core
def difference(kind: str, metric: str, a: Any, b: Any, share: float = 1.0) -> Difference:
    """The metric of A less a share of B's, from the rows of both for each request, at least two.

    Every resample holds the same requests of both. The interval is Student's, of as many degrees of freedom as
    requests less one, with the bootstrap's standard error; a resample varies less than a sample by (n - 1) / n.
    """
    from scipy.special import stdtr, stdtrit

    count, (of_a, of_b) = len(a), (KINDS[kind](rows) for rows in (a, b))
    place = KINDS[kind].metrics.index(metric)

    def gap(counts: Any) -> Any:
        return of_a(counts)[place : place + 1] - share * of_b(counts)[place : place + 1]

    value = float(_evaluated(gap, count, _whole(count))[0, 0])
    each_s = _seconds(count, gap)
    resamples = _affordable(each_s, PAIR_S, PERCENTILE)
    if resamples is None:
        return Difference(value, None, None, None, _too_slow(each_s, PAIR_S))
    spread = float(_resampled(count, gap, resamples).std(ddof=1, axis=-1)[0])
    if not isfinite(spread) or not isfinite(value):
        return Difference(value, None, None, None, "some resamples have no value")
    if spread == 0:
        return Difference(value, value, value, float(value == 0), SAME)
    error = spread * sqrt(count / (count - 1))
    half = float(stdtrit(count - 1, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(count - 1, -abs(value) / error))
    return Difference(value, value - half, value + half, p, f"paired bootstrap, {resamples:,} resamples")


def _interval(count: int, low: float, high: float, method: str) -> MetricInterval:
    """An interval by its ends; none where these are no numbers, or equal."""
    if not (isfinite(low) and isfinite(high) and low < high):
        return MetricInterval(None, None, count, ALIKE)
    return MetricInterval(float(low), float(high), count, method)


def _affordable(each_s: float, budget_s: float, most: Sequence[int], fixed: int = 0) -> int | None:
    """The most resamples that fit into the budget; None where the fewest do not."""
    return next((resamples for resamples in most if each_s * (resamples + fixed) <= budget_s), None)


def _too_slow(each_s: float, budget_s: float) -> str:
    return f"{PERCENTILE[-1]} resamples of {each_s:.2g} s each would take more than {budget_s:g} s"


def _resampled(count: int, statistic: Statistic, resamples: int) -> Any:
    """The metrics of resamples of the requests, a row a metric."""
    return bootstrap.resampled(lambda places: _evaluated(statistic, count, places), count, resamples, _batch(count))


def _ends(count: int, statistic: Statistic, method: str, resamples: int) -> list[tuple[float, float]]:
    """The ends of each metric's interval."""
    distribution = _resampled(count, statistic, resamples)
    if method != "BCa":
        return bootstrap.percentile_ends(distribution)
    return bootstrap.bca_ends(lambda places: _evaluated(statistic, count, places), count, distribution, _batch(count))


def _whole(count: int) -> Any:
    import numpy

    return numpy.arange(count)[None]


def _evaluated(statistic: Statistic, count: int, places: Any) -> Any:
    """The metrics of each row of places of requests: a row a metric and a column a row of places."""
    import numpy

    return statistic(numpy.array([numpy.bincount(row, minlength=count) for row in places], float))


def _batch(count: int) -> int:
    return max(1, AT_ONCE // count)


def _seconds(count: int, statistic: Statistic) -> float:
    """How long a resample takes at best."""
    import numpy

    resamples = min(TRIED, _batch(count))
    places = numpy.random.default_rng(0).integers(0, count, (resamples, count))
    least = inf
    for _ in range(TIMED):
        began = time.perf_counter()
        _evaluated(statistic, count, places)
        least = min(least, (time.perf_counter() - began) / resamples)
    return least
