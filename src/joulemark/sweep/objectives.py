"""What a sweep optimizes: objectives in order, the first of which decides, and constraints that a setting must meet.

Names are those of a run's metrics, their last part where only one metric has it (`p95_s`), or `energy`, `p95`,
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
HIGHEST = "quality/ci95_high"  # the upper end of the interval of quality/primary
MORE_IS_BETTER = (QUALITY, "throughput/")
BOUNDS = ("min", "max", "loss_rel")
BOUND_FORMS = "a constraint is {min: …}, {max: …} or {loss_rel: …}"

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
    unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), "")
    return f"{value:.{digits}g} {unit}".rstrip()


@dataclass(frozen=True)
class Objective:
    """A metric to minimize or maximize.

    Attributes:
        name: as the user calls it
        metric: the metric of a run
        direction: `min` or `max`
    """

    name: str
    metric: str
    direction: str

    def oriented(self, metrics: Metrics) -> float | None:
        """The metric with the sign that makes less better; None where it is not available."""
        value = metrics.get(self.metric)
        return None if value is None else (value if self.direction == "min" else -value)


@dataclass(frozen=True)
class Constraint:
    """A bound on a metric.

    Attributes:
        name: as the user calls it
        metric: the metric of a run
        bound: `min`, `max`, or `loss_rel`, the share by which it may be worse than the reference's
        value: of the bound, in the metric's unit or as a share
    """

    name: str
    metric: str
    bound: str
    value: float

    def __str__(self) -> str:
        if self.bound == "loss_rel":
            return f"{self.name} loses at most {self.value * 100:g} %"
        return f"{self.name} {'at most' if self.bound == 'max' else 'at least'} {with_unit(self.metric, self.value, 6)}"

    def bound_for(self, reference: Metrics) -> float | None:
        """The bound in the metric's unit; None for a share of a reference that is unknown, or not above zero."""
        if self.bound != "loss_rel":
            return self.value
        value = reference.get(self.metric)
        if value is None or value <= 0:  # a share of a negative rank correlation would be above it
            return None
        return value * (1 - self.value if self.metric.startswith(MORE_IS_BETTER) else 1 + self.value)

    def violation(self, metrics: Metrics, reference: Metrics) -> float | None:
        """By how much the constraint is violated, relative to its bound: met at 0 or less; None where it is unknown."""
        value, bound = metrics.get(self.metric), self.bound_for(reference)
        if value is None or bound is None:
            return None
        more_is_better = self.bound == "min" or (self.bound == "loss_rel" and self.metric.startswith(MORE_IS_BETTER))
        excess = bound - value if more_is_better else value - bound
        return excess / abs(bound) if bound else excess


@dataclass(frozen=True)
class Goals:
    """The objectives, the most important first, and the constraints."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of all objectives and constraints."""
        return (
            *(objective.metric for objective in self.objectives),
            *(constraint.metric for constraint in self.constraints),
        )

    def violations(self, metrics: Metrics, reference: Metrics) -> dict[Constraint, float]:
        """By how much each constraint is violated (0 or less: met); infinite where its metric is not available."""
        by_constraint = {constraint: constraint.violation(metrics, reference) for constraint in self.constraints}
        return {constraint: math.inf if by is None else by for constraint, by in by_constraint.items()}

    def met(self, metrics: Metrics, reference: Metrics) -> bool:
        """Whether a result meets every constraint, each metric at its value."""
        return all(violation <= 0 for violation in self.violations(metrics, reference).values())

    def without(self, prefix: str) -> "Goals":
        """These goals without those for metrics that begin with the prefix."""
        return replace(
            self,
            objectives=tuple(goal for goal in self.objectives if not goal.metric.startswith(prefix)),
            constraints=tuple(
                constraint for constraint in self.constraints if not constraint.metric.startswith(prefix)
            ),
        )


def goals(objectives: Sequence[Any], constraints: Mapping[str, Any], known: Sequence[str]) -> Goals:
    """The goals of a sweep's options.

    `objectives` holds names, or `{name: min}` and `{name: max}`; `constraints` a mapping of bounds for each name;
    `known` the metrics that a run has.

    Raises:
        UserError: for an unknown metric, and a bound that is no bound.
    """
    if not objectives:
        raise UserError("sweep.objectives is empty; type sweep.objectives=[energy,p95]")
    chosen = tuple(_objective(entry, known) for entry in objectives)
    if len({objective.metric for objective in chosen}) < len(chosen):
        names = ", ".join(objective.name for objective in chosen)
        raise UserError(f"sweep.objectives names one metric twice: {names}")
    by_bound: dict[tuple[str, str], Constraint] = {}
    for name, bounds in constraints.items():
        if bounds is not None:
            metric = _metric(str(name), known, "sweep.constraints")
            by_bound.update({(metric, each.bound): each for each in _constraints(str(name), metric, bounds)})
    for (metric, bound), constraint in by_bound.items():
        least = by_bound.get((metric, "min"))
        if bound == "max" and least is not None and least.value > constraint.value:
            raise UserError(
                f"sweep.constraints.{constraint.name}: min {least.value:g} is above max {constraint.value:g}"
            )
    return Goals(chosen, tuple(by_bound.values()))


def _objective(entry: Any, known: Sequence[str]) -> Objective:
    if isinstance(entry, Mapping):
        if len(entry) != 1 or next(iter(entry.values())) not in ("min", "max"):
            raise UserError(f"sweep.objectives: {dict(entry)} is not NAME, {{NAME: min}} or {{NAME: max}}")
        name, direction = next((str(key), str(value)) for key, value in entry.items())
        return Objective(name, _metric(name, known, "sweep.objectives"), direction)
    metric = _metric(str(entry), known, "sweep.objectives")
    return Objective(str(entry), metric, "max" if metric.startswith(MORE_IS_BETTER) else "min")


def _metric(name: str, known: Sequence[str], option: str) -> str:
    if name in SHORT:
        return SHORT[name]
    matches = [metric for metric in known if name in (metric, metric.partition("/")[2])]
    if len(matches) != 1:
        raise UserError(choose(option, name, [*SHORT, *known]))
    return matches[0]


def _constraints(name: str, metric: str, bounds: Any) -> list[Constraint]:
    option = f"sweep.constraints.{name}"
    if not isinstance(bounds, Mapping):
        raise UserError(f"{option}={bounds}: {BOUND_FORMS}")
    for bound, value in bounds.items():
        if bound not in BOUNDS:
            raise UserError(f"{choose(option, str(bound), BOUNDS)}")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UserError(f"{option}.{bound}={value} is not a number")
    loss = bounds.get("loss_rel")
    if loss is not None and not 0 <= loss < 1:
        raise UserError(f"{option}.loss_rel={loss:g}: a share, 0 or more and below 1; 0.01 is 1 %")
    return [Constraint(name, metric, bound, float(value)) for bound, value in bounds.items() if value is not None]
