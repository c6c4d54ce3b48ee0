"""The 95 % interval of a metric of the whole set of predictions, by a bootstrap over the requests.

Such a metric (macro F1, a correlation, mean average precision) is no mean of scores of single requests. It costs time
after the last window: at most about `BUDGET_S`, for which it takes fewer resamples, then simpler ends, then none.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from math import isfinite, nan
from typing import Any

from joulemark.core.stats import LEVEL
from joulemark.core.task import MetricInterval

BUDGET_S = 10.0
TIMED = 3  # evaluations of which the fastest tells how long one takes: the host may be busy
MOST = 10_000  # requests: a resample holds all of them
BCA, PERCENTILE = (1000, 500, 200), (1000, 500, 200, 100)  # resamples, the most that fit are taken

# The metrics of some of the requests, by their places; one may come several times
Statistic = Callable[[Sequence[int]], Mapping[str, float | None]]


def intervals(count: int, statistic: Statistic, metrics: Sequence[str]) -> dict[str, MetricInterval]:
    """The interval of each metric of `count` requests.

    BCa takes as many evaluations as there are resamples and requests, percentiles of the resamples do with the first.
    """
    if count > MOST:
        return _none(count, metrics, f"more than {MOST:,} requests")
    each_s = min(_seconds(count, statistic) for _ in range(TIMED))
    for method, name, fixed, resamples in (("BCa", "BCa", count, BCA), ("percentile", "percentile", 0, PERCENTILE)):
        fits = next((most for most in resamples if each_s * (most + fixed) <= BUDGET_S), None)
        if fits is not None:
            return _bootstrapped(count, statistic, metrics, method, fits, f"{name} bootstrap, {fits:,} resamples")
    return _none(
        count, metrics, f"{PERCENTILE[-1]} resamples of {each_s:.2g} s each would take more than {BUDGET_S:g} s"
    )


def _seconds(count: int, statistic: Statistic) -> float:
    began = time.perf_counter()
    statistic(range(count))
    return time.perf_counter() - began


def _bootstrapped(
    count: int, statistic: Statistic, metrics: Sequence[str], method: str, resamples: int, said: str
) -> dict[str, MetricInterval]:
    import numpy
    from scipy.stats import bootstrap

    known: dict[bytes, Mapping[str, float | None]] = {}  # all metrics see the same resamples

    def one(name: str, places: Any) -> float:
        key = blake2b(places.tobytes(), digest_size=16).digest()
        if key not in known:
            known[key] = statistic(places)
        value = known[key][name]
        return nan if value is None else value

    found = {}
    for name in metrics:
        with warnings.catch_warnings():  # of resamples without a value, or all alike: both have no interval
            warnings.simplefilter("ignore")
            ends = bootstrap(
                (numpy.arange(count),), partial(one, name), n_resamples=resamples, vectorized=False, method=method,
                confidence_level=LEVEL, rng=0,
            ).confidence_interval if count > 1 else None  # fmt: skip
        low, high = (nan, nan) if ends is None else (float(ends.low), float(ends.high))
        found[name] = made(count, low, high, said)
    return found


def made(count: int, low: float, high: float, method: str) -> MetricInterval:
    """An interval by its ends; none where these are no numbers, or equal."""
    if not (isfinite(low) and isfinite(high) and low < high):
        return MetricInterval(None, None, count, "the resamples are all alike, or some have no value")
    return MetricInterval(low, high, count, method)


def _none(count: int, metrics: Sequence[str], reason: str) -> dict[str, MetricInterval]:
    return {name: MetricInterval(None, None, count, reason) for name in metrics}
