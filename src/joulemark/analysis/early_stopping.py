"""Results of other settings that a run is held against while it is measured: it goes on only while it may be better.

    early_stop_against=[{energy/total_wh_per_1k:0.0078,latency/p95_s:0.0012}]     one mapping a result, by metric

Less is better of all of them. Sweeps give each trial the results that it competes with (sweep/early_stopping.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, variance
from typing import Any

from joulemark.analysis import energy_metrics, latency_metrics, readings, verdict
from joulemark.core import stats
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.stats import Estimate
from joulemark.core.suggest import choose

CompetingResult = Mapping[str, float]

LEAST_FREEDOM = 4  # of a scatter by which one window may be judged: two settings of three windows

# What can be told from windows alone, less being better
MEASURED = ("energy/", "latency/")
INTERVAL_OF = "energy/total_wh_per_1k"  # the one metric that has an interval; the others are taken at their value


def early_stop_against(values: Any) -> tuple[CompetingResult, ...]:
    """The results that the option names; UserError for what is none, and for metrics that windows do not tell."""
    known = _figures(Measurement()) if values else {}
    needs = "a list of results, each {METRIC: VALUE}, such as [{energy/total_wh_per_1k:0.01,latency/p95_s:0.02}]"
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise UserError(f"early_stop_against={values}: {needs}")
    for result in values:
        if not isinstance(result, Mapping) or not result:
            raise UserError(f"early_stop_against: {result} is no result; {needs}")
        for metric, value in result.items():
            if not str(metric).startswith(MEASURED):
                raise UserError(
                    f"early_stop_against: {metric} is not known before the run's end; only {' and '.join(MEASURED)} are"
                )
            if metric not in known:
                raise UserError(choose("early_stop_against", str(metric), known))
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise UserError(f"early_stop_against: {metric}:{value} is not a number")
    return tuple({str(metric): float(value) for metric, value in result.items()} for result in values)


@dataclass(frozen=True)
class WindowScatter:
    """How far the windows of one setting scatter in this process, pooled over the settings that it measured.

    Attributes:
        sd_rel: standard deviation of a window's energy over the mean of its run
        freedom: degrees of freedom that it rests on
    """

    sd_rel: float
    freedom: int

    @property
    def half_rel(self) -> float | None:
        """Half of the 95 % interval of one further window, over its value; None where too little is known for one."""
        return stats.quantile(self.freedom) * self.sd_rel if self.freedom >= LEAST_FREEDOM else None


def window_scatter(measurements: Sequence[Measurement]) -> WindowScatter | None:
    """The scatter of the windows of several runs of one process; None where no run has two windows with energy."""
    groups = [
        [value for value in readings.total_j_per_request(measured) if value is not None] for measured in measurements
    ]
    groups = [[value / fmean(group) for value in group] for group in groups if len(group) > 1 and min(group) > 0]
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None
    return WindowScatter(sqrt(sum(variance(group) * (len(group) - 1) for group in groups) / freedom), freedom)


def early_stopped(
    measurement: Measurement, by: Sequence[CompetingResult], scatter: WindowScatter | None = None
) -> bool:
    """Whether some other result is better in all of its metrics, whatever further windows bring.

    The energy's whole 95 % interval lies beyond it then. One window has an interval by the `scatter` of the windows
    that its process measured before; without that it takes two.
    """
    if not by:
        return False
    metrics = _figures(measurement)
    energy = verdict.energy_estimate(metrics)
    if metrics["energy/ci95_rel"] is None:
        half_rel = None if scatter is None or len(measurement.windows) != 1 else scatter.half_rel
        if energy is None or half_rel is None:
            return False
        energy = Estimate(energy.mean, energy.mean * half_rel, 1)

    def worse(metric: str, value: float) -> bool:
        own = metrics.get(metric)
        if own is None:  # not available here, so nothing is known to be worse
            return False
        result = energy if metric == INTERVAL_OF and energy is not None else Estimate(own, None)
        return verdict.surely_above(result, value)

    return any(all(worse(metric, value) for metric, value in competing.items()) for competing in by)


def _figures(measurement: Measurement) -> Mapping[str, float | None]:
    """What windows alone tell."""
    return {**energy_metrics.energy_metrics(measurement, None), **latency_metrics.latency_metrics(measurement)}
