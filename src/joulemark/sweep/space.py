"""What is searched: dimensions of words, and which of their combinations this machine and model can do.

A point is a tuple of words (`("batch_size=8", "precision=bf16")`), one for each dimension, in order.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from joulemark.config.run import GIVEN
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

Point = tuple[str, ...]
Judge = Callable[[Sequence[str]], str | None]  # why these words cannot be a run; None where they can

BATCH = "batch_size"

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
    """One key of the run and the words it may take, plainest first."""

    key: str
    values: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(f"{self.key}={value}" for value in self.values)


@dataclass(frozen=True)
class LeftOut:
    """Words that are not tried, how many points that takes away, and why, in one sentence."""

    words: Point
    points: int
    reason: str

    def __str__(self) -> str:
        count = f" ({self.points} points)" if self.points > 1 else ""
        return f"left out: {' '.join(self.words)}{count}: {self.reason}"


@dataclass(frozen=True)
class Space:
    """The dimensions, the points that can be measured in the order of their words, and those that cannot."""

    dimensions: tuple[Dimension, ...]
    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...] = ()

    def rank(self, point: Point) -> tuple[int, ...]:
        """How plain a point is, the plainest least: by its batch size, then by its words' places together."""
        places = [dimension.words.index(word) for dimension, word in zip(self.dimensions, point, strict=True)]
        return (batch(point) or 0, sum(places), *places)


def value(point: Sequence[str], key: str) -> str | None:
    """What the point says of a key; None where it says nothing."""
    return next((word.partition("=")[2] for word in point if word.partition("=")[0] == key), None)


def batch(point: Sequence[str]) -> int | None:
    """The point's batch size; None where it has none."""
    found = value(point, BATCH)
    return None if found is None else int(found)


def without_batch(point: Point) -> Point:
    """The point's other words."""
    return tuple(word for word in point if word.partition("=")[0] != BATCH)


def laid(words: Sequence[str], point: Sequence[str]) -> tuple[str, ...]:
    """The words with the point's laid over them."""
    return tuple({word.partition("=")[0]: word for word in (*words, *point)}.values())


def searchable(key: str, known: Sequence[str], changes_answers: Sequence[str]) -> None:
    """Refuses a key that may not be searched: what belongs to the task, and what says where and how is measured."""
    group = key.partition(".")[0]
    if group == "task" and key in changes_answers:
        return
    if group in FIXED:
        why = "it makes runs comparable" if group == "task" else "it says where and how is measured"
        raise UserError(f"{key} cannot be searched: {why}; give it one value")
    if group != "model" and key not in known:
        raise UserError(choose("sweep.space", key, [name for name in known if name not in FIXED]))


def space(dimensions: Sequence[Dimension], fixed: Sequence[str], judge: Judge) -> Space:
    """The space as the judge lets it be; UserError where nothing is left of it."""
    for dimension in dimensions:
        _check(dimension)
    every = list(itertools.product(*(dimension.words for dimension in dimensions)))
    refused = {point: why for point in every if (why := judge([*fixed, *point])) is not None}
    points = tuple(point for point in every if point not in refused)
    left_out = tuple(_grouped(dimensions, every, refused))
    if not points:
        raise UserError(f"nothing is left to search: {left_out[0].reason}")
    return Space(tuple(dimensions), points, left_out)


def _check(dimension: Dimension) -> None:
    if not dimension.values:
        raise UserError(f"sweep.space.{dimension.key} has no values; type {dimension.key}=…,…")
    if dimension.key == BATCH and (wrong := [one for one in dimension.values if not one.isdigit() or int(one) < 1]):
        raise UserError(f"{BATCH}={wrong[0]}: must be a whole number, 1 or more")


def _grouped(dimensions: Sequence[Dimension], every: Sequence[Point], refused: Mapping[Point, str]) -> list[LeftOut]:
    """One line for the words of a key that are in no point that can be, then one for each further reason."""
    lines: list[LeftOut] = []
    rest = dict(refused)
    for dimension in dimensions:
        alone: dict[str, list[tuple[str, int]]] = {}  # values by their reason, with the points that each takes away
        for value, word in zip(dimension.values, dimension.words, strict=True):
            own = [point for point in every if word in point]
            if all(point in refused for point in own) and (mine := [point for point in own if point in rest]):
                alone.setdefault(refused[mine[0]], []).append((value, len(mine)))
                for point in mine:
                    del rest[point]
        for reason, values in alone.items():
            word = f"{dimension.key}={','.join(value for value, _ in values)}"
            lines.append(LeftOut((word,), sum(count for _, count in values), reason))
    for reason in dict.fromkeys(rest.values()):
        mine = [point for point, why in rest.items() if why == reason]
        shared = tuple(word for word in mine[0] if all(word in point for point in mine))
        lines.append(LeftOut(shared or mine[0], len(mine), reason))
    return lines
