"""What is wanted: objectives in order, the first of which decides, and limits that a setting must keep.

Names are those of a run's metrics, their last part where it is one metric's only (`p95_s`), or `energy`, `p95`,
`quality`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

SHORT = {"energy": "energy/total_wh_per_1k", "p95": "latency/p95_s", "quality": "quality/primary"}
QUALITY = "quality/"
MORE_IS_BETTER = (QUALITY, "throughput/")
BOUNDS = ("min", "max", "loss_rel")
NEEDS = "a limit is {min: …}, {max: …} or {loss_rel: …}"

# How the names of metrics end, and their unit; a share or a score has none
UNITS = {
    "wh_per_1k": "Wh per 1,000",
    "g_per_1k": "g per 1,000",
    "_per_s": "per s",
    "_s": "s",
    "_w": "W",
    "_wh": "Wh",
    "_bytes": "bytes",
}

Metrics = Mapping[str, float | None]


def with_unit(metric: str, value: float, digits: int = 4) -> str:
    """The value of a metric with its unit: `0.0123 s`."""
    unit = next((unit for end, unit in UNITS.items() if metric.endswith(end)), "")
    return f"{value:.{digits}g} {unit}".rstrip()


@dataclass(frozen=True)
class Objective:
    """A metric and whether less of it is wanted (`min`) or more (`max`)."""

    name: str
    metric: str
    direction: str

    def oriented(self, metrics: Metrics) -> float | None:
        """The metric so turned that less is better; None where it was not read."""
        found = metrics.get(self.metric)
        return None if found is None else (found if self.direction == "min" else -found)


@dataclass(frozen=True)
class Limit:
    """A metric and its bound: `min`, `max`, or `loss_rel`, the share by which it may be worse than the reference's."""

    name: str
    metric: str
    bound: str
    value: float

    def __str__(self) -> str:
        if self.bound == "loss_rel":
            return f"{self.name} loses at most {self.value * 100:g} %"
        return f"{self.name} {'at most' if self.bound == 'max' else 'at least'} {with_unit(self.metric, self.value, 6)}"

    def excess(self, metrics: Metrics, reference: Metrics) -> float | None:
        """By how much the limit is passed, relative to it: 0 or less keeps it. None where that cannot be known."""
        found = metrics.get(self.metric)
        bound, more = self.value, self.bound == "min"
        if self.bound == "loss_rel":
            least, more = reference.get(self.metric), self.metric.startswith(MORE_IS_BETTER)
            if least is None:
                return None
            bound = least * (1 - self.value if more else 1 + self.value)
        if found is None:
            return None
        over = bound - found if more else found - bound
        return over / abs(bound) if bound else over


@dataclass(frozen=True)
class Goals:
    """The objectives, the most wanted first, and the limits."""

    objectives: tuple[Objective, ...]
    limits: tuple[Limit, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        return (*(one.metric for one in self.objectives), *(one.metric for one in self.limits))

    def excesses(self, metrics: Metrics, reference: Metrics) -> dict[Limit, float]:
        """By how much each limit is passed (0 or less: kept); a metric that was not read passes its limit by all."""
        found = {limit: limit.excess(metrics, reference) for limit in self.limits}
        return {limit: math.inf if over is None else over for limit, over in found.items()}

    def kept(self, metrics: Metrics, reference: Metrics) -> bool:
        """Whether a result keeps every limit, each metric at its value."""
        return all(over <= 0 for over in self.excesses(metrics, reference).values())

    def without(self, prefix: str) -> "Goals":
        """These goals without those for metrics that begin so."""
        return replace(
            self,
            objectives=tuple(goal for goal in self.objectives if not goal.metric.startswith(prefix)),
            limits=tuple(limit for limit in self.limits if not limit.metric.startswith(prefix)),
        )


def goals(objectives: Sequence[Any], limits: Mapping[str, Any], known: Sequence[str]) -> Goals:
    """The goals that a sweep's YAML and words ask for; UserError for names that no run has and limits that cannot be.

    `objectives` holds names, or `{name: min}` and `{name: max}`; `limits` a mapping of bounds for each name.
    """
    if not objectives:
        raise UserError("sweep.objectives is empty; type sweep.objectives=[energy,p95]")
    wanted = tuple(_objective(one, known) for one in objectives)
    if len({one.metric for one in wanted}) < len(wanted):
        raise UserError(f"sweep.objectives names one metric twice: {', '.join(one.name for one in wanted)}")
    found: dict[tuple[str, str], Limit] = {}
    for name, bounds in limits.items():
        if bounds is not None:
            metric = _metric(str(name), known, "sweep.limits")
            found.update({(metric, limit.bound): limit for limit in _limits(str(name), metric, bounds)})
    for (metric, bound), limit in found.items():
        least = found.get((metric, "min"))
        if bound == "max" and least is not None and least.value > limit.value:
            raise UserError(f"sweep.limits.{limit.name}: min {least.value:g} is above max {limit.value:g}")
    return Goals(wanted, tuple(found.values()))


def _objective(word: Any, known: Sequence[str]) -> Objective:
    if isinstance(word, Mapping):
        if len(word) != 1 or next(iter(word.values())) not in ("min", "max"):
            raise UserError(f"sweep.objectives: {dict(word)} is not NAME, {{NAME: min}} or {{NAME: max}}")
        name, direction = next((str(key), str(value)) for key, value in word.items())
        return Objective(name, _metric(name, known, "sweep.objectives"), direction)
    metric = _metric(str(word), known, "sweep.objectives")
    return Objective(str(word), metric, "max" if metric.startswith(MORE_IS_BETTER) else "min")


def _metric(name: str, known: Sequence[str], where: str) -> str:
    if name in SHORT:
        return SHORT[name]
    ends = [metric for metric in known if name in (metric, metric.partition("/")[2])]
    if len(ends) != 1:
        raise UserError(choose(where, name, [*SHORT, *known]))
    return ends[0]


def _limits(name: str, metric: str, bounds: Any) -> list[Limit]:
    if not isinstance(bounds, Mapping):
        raise UserError(f"sweep.limits.{name}={bounds}: {NEEDS}")
    for bound, value in bounds.items():
        if bound not in BOUNDS:
            raise UserError(f"{choose(f'sweep.limits.{name}', str(bound), BOUNDS)}")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UserError(f"sweep.limits.{name}.{bound}={value} is not a number")
    loss = bounds.get("loss_rel")
    if loss is not None and not 0 <= loss < 1:
        raise UserError(f"sweep.limits.{name}.loss_rel={loss:g}: a share, 0 or more and below 1; 0.01 is 1 %")
    return [Limit(name, metric, bound, float(value)) for bound, value in bounds.items() if value is not None]
