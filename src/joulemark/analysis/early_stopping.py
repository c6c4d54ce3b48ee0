"""Results of other settings that a run is held against while it is measured: it goes on only while it may be better.

    rivals=[{energy/total_wh_per_1k:0.0078,latency/p95_s:0.0012}]     each mapping one result, by metrics of a run

Less is better of all of them. Sweeps give a trial the results that it must not be beaten by (sweep/early_stopping.py).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.analysis import named_metrics
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.suggest import choose

Rival = Mapping[str, float]

# What can be told from windows alone, less being better
MEASURED = ("energy/", "latency/")
INTERVAL_OF = "energy/total_wh_per_1k"  # the one metric that has an interval; the others are taken at their value


def rivals(values: Any) -> tuple[Rival, ...]:
    """The rivals that a run's word gives; UserError for what is none, and for metrics that windows do not tell."""
    known = _figures(Measurement()) if values else {}
    needs = "a list of results, each {METRIC: VALUE}, such as [{energy/total_wh_per_1k:0.01,latency/p95_s:0.02}]"
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise UserError(f"rivals={values}: {needs}")
    for one in values:
        if not isinstance(one, Mapping) or not one:
            raise UserError(f"rivals: {one} is no result; {needs}")
        for metric, value in one.items():
            if not str(metric).startswith(MEASURED):
                raise UserError(
                    f"rivals: {metric} is not known before the run's end; only {' and '.join(MEASURED)} are"
                )
            if metric not in known:
                raise UserError(choose("rivals", str(metric), known))
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise UserError(f"rivals: {metric}:{value} is not a number")
    return tuple({str(metric): float(value) for metric, value in one.items()} for one in values)


def beaten(found: Measurement, by: Sequence[Rival]) -> bool:
    """Whether some rival is better in all of its metrics, whatever further windows bring: the energy's whole 95 %
    interval lies beyond it. Never before there is an interval, which takes two windows."""
    if not by:
        return False
    metrics = _figures(found)
    spread = metrics["energy/ci95_rel"]
    if spread is None:
        return False

    def least(metric: str) -> float:
        value = metrics.get(metric)
        if value is None:  # not read here, so nothing is known to be worse
            return -math.inf
        return value * (1 - spread) if metric == INTERVAL_OF else value

    return any(all(least(metric) > value for metric, value in rival.items()) for rival in by)


def _figures(found: Measurement) -> Mapping[str, float | None]:
    """What windows alone tell."""
    return {**named_metrics.energy_metrics(found, None), **named_metrics.latency_metrics(found)}
