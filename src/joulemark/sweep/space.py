"""The search space: dimensions of overrides, and which of their combinations this machine and model can run.

A point is a tuple of overrides (`("batch_size=8", "precision=bf16")`), one for each dimension, in order.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from joulemark.config.run_schema import GIVEN
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

Point = tuple[str, ...]
RefusalOf = Callable[[Sequence[str]], str | None]  # why a run with these overrides is refused; None where it is valid

BATCH = "batch_size"

LOADS = ("scenario.rate", "scenario.users")  # of traffic: how much comes

# What makes two runs comparable, and where and how they are measured: never searched
FIXED = (
    "task",
    "hardware",
    "meter",
    "protocol",
    "site",
    "samples",
    "seed",
    "tracking_uri",
    "storage",
    "tuned",
    *GIVEN,
)


@dataclass(frozen=True)
class Dimension:
    """One option of the run and the values it may take, plainest first."""

    key: str
    values: tuple[str, ...]

    @property
    def overrides(self) -> tuple[str, ...]:
        """Each value as an override, `batch_size=8`."""
        return tuple(f"{self.key}={value}" for value in self.values)


@dataclass(frozen=True)
class Exclusion:
    """Points that are not measured, and why.

    Attributes:
        overrides: what the excluded points share
        points: how many points that removes from the space
        reason: one sentence
    """

    overrides: Point
    points: int
    reason: str

    def __str__(self) -> str:
        count = f" ({self.points} points)" if self.points > 1 else ""
        return f"excluded: {' '.join(self.overrides)}{count}: {self.reason}"


@dataclass(frozen=True)
class Space:
    """The dimensions, the points that can be measured in the order of their values, and those that cannot."""

    dimensions: tuple[Dimension, ...]
    points: tuple[Point, ...]
    excluded: tuple[Exclusion, ...] = ()

    def rank(self, point: Point) -> tuple[int, ...]:
        """How plain a point is, the plainest least: by its batch size, then by the sum of its values' indices.

        An option beside the dimensions, and a value that they do not hold, is beyond every plain one.
        """
        pairs = zip(self.dimensions, point, strict=False)
        indices = [
            dimension.overrides.index(override) if override in dimension.overrides else len(dimension.values)
            for dimension, override in pairs
        ]
        further = len(point) - len(indices)
        return (batch(point) or 0, sum(indices) + further, further, *indices)

    def with_options(self, point: Point, options: Sequence[str]) -> Point:
        """The point with these options: those of the dimensions in their order, then the others by their names."""
        values = {override.partition("=")[0]: override for override in (*point, *options)}
        keys = [dimension.key for dimension in self.dimensions]
        return tuple(values[key] for key in (*keys, *sorted(values.keys() - set(keys))))


def value(point: Sequence[str], key: str) -> str | None:
    """The point's value of an option; None where it has none."""
    return next((override.partition("=")[2] for override in point if override.partition("=")[0] == key), None)


def batch(point: Sequence[str]) -> int | None:
    """The point's batch size; None where it has none."""
    size = value(point, BATCH)
    return None if size is None else int(size)


def without_batch(point: Point) -> Point:
    """The point's other overrides."""
    return tuple(override for override in point if override.partition("=")[0] != BATCH)


def merged(overrides: Sequence[str], point: Sequence[str]) -> tuple[str, ...]:
    """The overrides with the point's in place of those of the same option."""
    return tuple({override.partition("=")[0]: override for override in (*overrides, *point)}.values())


def require_searchable(key: str, options: Sequence[str], task_options: Sequence[str]) -> None:
    """UserError for an option that may not be searched: the task's, and those of where and how a run is measured.

    `options` are those of a run, `task_options` those of the task that are allowed all the same.
    """
    group = key.partition(".")[0]
    if group == "task" and key in task_options:
        return
    if group in FIXED:
        why = "it makes runs comparable" if group == "task" else "it says where and how a run is measured"
        raise UserError(f"{key} cannot be searched: {why}; give it one value")
    if group == "scenario" and key not in LOADS:
        raise UserError(
            f"{key} cannot be searched: it says what is asked of the engine; only {' and '.join(LOADS)} can"
        )
    if group not in ("model", "engine", "scenario") and key not in options:
        raise UserError(choose("sweep.space", key, [name for name in options if name not in FIXED]))


def space(dimensions: Sequence[Dimension], fixed: Sequence[str], refusal_of: RefusalOf) -> Space:
    """The space without the points that are refused; UserError where no point is left."""
    for dimension in dimensions:
        _check(dimension)
    grid = [*itertools.product(*(dimension.overrides for dimension in dimensions))]
    refused = _refused(grid, fixed, refusal_of)
    points = tuple(point for point in grid if point not in refused)
    excluded = tuple(_exclusions(dimensions, grid, refused))
    if not points:
        raise UserError(f"nothing is left to search: {excluded[0].reason}")
    return Space(tuple(dimensions), points, excluded)


def without_choice(made: Space, defaults: Sequence[str], typed: Collection[str]) -> Space:
    """The space without the options of which nothing but the run's own value, one of `defaults`, can be measured.

    Those that were typed stay: what is asked for is shown.
    """
    kept = []
    for dimension in made.dimensions:
        left = {value(point, dimension.key) for point in made.points}
        choice = len(left) > 1 or len(dimension.values) == 1 or f"{dimension.key}={next(iter(left))}" not in defaults
        if choice or dimension.key in typed:
            kept.append(dimension)
    keys = [dimension.key for dimension in kept]
    points = (tuple(each for each in point if each.partition("=")[0] in keys) for point in made.points)
    return Space(tuple(kept), tuple(points), made.excluded)


def _refused(grid: Sequence[Point], fixed: Sequence[str], refusal_of: RefusalOf) -> dict[Point, str]:
    """Why each refused point is; a reason for the first batch size that does not name it holds for all, unasked."""
    refused: dict[Point, str] = {}
    of_all: dict[Point, str | None] = {}
    for point in grid:
        group = without_batch(point)
        reason = of_all.get(group) or refusal_of([*fixed, *point])
        of_all.setdefault(group, reason if reason and BATCH not in reason else None)
        if reason is not None:
            refused[point] = reason
    return refused


def _check(dimension: Dimension) -> None:
    if not dimension.values:
        raise UserError(f"sweep.space.{dimension.key} has no values; type {dimension.key}=…,…")
    invalid = [size for size in dimension.values if not size.isdigit() or int(size) < 1]
    if dimension.key == BATCH and invalid:
        raise UserError(f"{BATCH}={invalid[0]}: must be a whole number, 1 or more")


def _exclusions(
    dimensions: Sequence[Dimension], grid: Sequence[Point], refused: Mapping[Point, str]
) -> list[Exclusion]:
    """One for the values of an option that occur in no valid point, then one for each further reason."""
    exclusions: list[Exclusion] = []
    rest = dict(refused)
    for dimension in dimensions:
        by_reason: dict[str, list[tuple[str, int]]] = {}  # values, with the points that each removes
        for value, override in zip(dimension.values, dimension.overrides, strict=True):
            points = [point for point in grid if override in point]
            if all(point in refused for point in points) and (new := [point for point in points if point in rest]):
                by_reason.setdefault(refused[new[0]], []).append((value, len(new)))
                for point in new:
                    del rest[point]
        for reason, values in by_reason.items():
            override = f"{dimension.key}={','.join(value for value, _ in values)}"
            exclusions.append(Exclusion((override,), sum(count for _, count in values), reason))
    for reason in dict.fromkeys(rest.values()):
        points = [point for point, why in rest.items() if why == reason]
        shared = tuple(override for override in points[0] if all(override in point for point in points))
        exclusions.append(Exclusion(shared or points[0], len(points), reason))
    return exclusions
