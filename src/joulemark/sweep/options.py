"""What a choice of `conf/sweep` and the typed words say of a sweep: fixed words, dimensions, the reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from joulemark.config.compose import GROUPS
from joulemark.config.run import RunSchema
from joulemark.core.errors import UserError
from joulemark.sweep.space import Dimension, Point, searchable

OWN = ("sweep", "storage")  # words of the sweep, not of its runs


@dataclass(frozen=True)
class SweepConf:
    """One choice of `conf/sweep`."""

    space: dict[str, Any]
    reference: dict[str, Any]
    objectives: tuple[Any, ...]
    limits: dict[str, Any] = field(default_factory=dict)
    changes_answers: tuple[str, ...] = ()
    screening: str | None = None
    finalists: int = 4
    budget: dict[str, float | None] = field(default_factory=dict)
    seed: int = 0
    workers: int | str = 1
    worker: int | None = None
    busy: str = "refuse"
    pin: str | None = None


def key_of(override: Any) -> str:
    """The key that a word sets."""
    return str(override.get_key_element()).lstrip("+~")


def parted(overrides: Sequence[Any]) -> tuple[list[str], list[Dimension]]:
    """The words that are fixed for every trial, and those with several values."""
    fixed, swept = [], []
    for override in overrides:
        key = key_of(override)
        if key == "sweep_id":
            raise UserError("sweep_id: a sweep's study gives it, so that the same line goes on; leave it out")
        if override.is_sweep_override():
            if key.partition(".")[0] in OWN:
                raise UserError(f"{key}: one sweep at a time; give it one value")
            swept.append(Dimension(key, tuple(override.sweep_string_iterator())))
        elif key.partition(".")[0] not in OWN:
            fixed.append(f"{override.get_key_element()}={override.get_value_element_as_str()}")
    return fixed, swept


def dimensions_of(conf: SweepConf, fixed: Sequence[str], swept: Sequence[Dimension]) -> list[Dimension]:
    """The YAML's dimensions with the typed ones in place of theirs, and without those that a single word fixes."""
    typed_ = {one.key: one for one in swept}
    fixed_keys = {word.partition("=")[0] for word in fixed}
    found = {}
    for key, values in conf.space.items():
        if not isinstance(values, list | tuple):
            raise UserError(f"sweep.space.{key}={values}: a list of values; type sweep.space.{key}=[{values}]")
        if key not in fixed_keys:
            found[key] = Dimension(key, tuple(_word(value) for value in values))
    found.update(typed_)
    known = [one.name for one in fields(RunSchema) if one.name not in OWN and one.name not in GROUPS[1:]]
    for dimension in found.values():
        searchable(dimension.key, known, conf.changes_answers)
        if len(set(dimension.values)) < len(dimension.values):
            raise UserError(f"{dimension.key}={','.join(dimension.values)}: a value stands there twice")
    return list(found.values())


def _word(value: Any) -> str:
    """A value of the YAML as it is typed."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def reference_of(conf: SweepConf, dimensions: Sequence[Dimension], fixed: Sequence[str]) -> Point:
    """The reference in words: a dimension without a value there has its plainest, the first.

    Words that are fixed to the same value are no part of it, so that the reference is then a point of the space; nor is
    a null, which stands for the run's own value, of what is not searched.
    """
    words = [f"{d.key}={_word(conf.reference[d.key]) if d.key in conf.reference else d.values[0]}" for d in dimensions]
    keys = {dimension.key for dimension in dimensions}
    further = [
        f"{key}={_word(value)}" for key, value in conf.reference.items() if key not in keys and value is not None
    ]
    return (*words, *(word for word in further if word not in fixed))
