"""The options of a sweep: those of `conf/sweep`, and typed overrides that are fixed, searched, or the reference's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from joulemark.config.hub_model import GROUPS
from joulemark.config.run_schema import RunSchema
from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.serving import BATCH
from joulemark.core.suggest import choose
from joulemark.sweep.space import Dimension, Point, require_searchable

OWN = ("sweep", "storage")  # options of the sweep, not of its runs


@dataclass(frozen=True)
class SweepConf:
    """The options of a sweep.

    Attributes:
        space: values of each searched option
        reference: its values where they are not the plainest
        objectives: names of metrics, or `{name: min}`
        constraints: bounds of metrics, by name
        feeding: settings that the second stage tries around the best point; none: no second stage
        allow_task_options: options of the task that may be searched
        screening: the protocol that all points get; None: the run's own
        finals: values of the run's own protocol that are shorter in the full measurements of the search
        finalists: points that then get the run's own protocol
        budget: trials, minutes, wh
        seed: of the search
        workers: processes that measure at the same time, or `auto`
        worker: the number of this process where it is one of several
        busy: `refuse` or `wait` where another run has the card
        difference: the share for which the plan says how many processes, windows and samples it takes
        resume: the name of a study of this line to go on with, though other code or packages began it
        save_as: the name under which the recommended settings are saved
        shared_process: whether screening trials that need one loaded model share a process
    """

    space: dict[str, Any]
    reference: dict[str, Any]
    objectives: tuple[Any, ...]
    constraints: dict[str, Any] = field(default_factory=dict)
    feeding: tuple[str, ...] = ()
    allow_task_options: tuple[str, ...] = ()
    screening: str | None = None
    finals: dict[str, float] = field(default_factory=dict)
    finalists: int = 4
    budget: dict[str, float | None] = field(default_factory=dict)
    seed: int = 0
    workers: int | str = 1
    worker: int | None = None
    busy: str = "refuse"
    difference: float = 0.05
    resume: str | None = None
    save_as: str | None = None
    shared_process: bool = True


def key_of(override: Any) -> str:
    """The option that an override of Hydra's sets."""
    return str(override.get_key_element()).lstrip("+~")


def fixed_and_swept(overrides: Sequence[Any]) -> tuple[list[str], list[Dimension]]:
    """The overrides that are the same in every trial, and those with several values."""
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


def with_scenario(fixed: Sequence[str], choices: Mapping[str, Any]) -> list[str]:
    """The overrides with the scenario that a sweep's YAML chose, which its runs would not know otherwise."""
    scenario = choices.get("scenario") or BATCH
    typed = any(override.lstrip("+").startswith("scenario=") for override in fixed)
    return [*fixed] if typed or scenario == BATCH else [f"scenario={scenario}", *fixed]


def dimensions_of(conf: SweepConf, fixed: Sequence[str], swept: Sequence[Dimension]) -> list[Dimension]:
    """The YAML's dimensions with the typed ones in place of theirs, and without those that an override fixes."""
    fixed_keys = {override.partition("=")[0] for override in fixed}
    by_key = {}
    for key, values in conf.space.items():
        if not isinstance(values, list | tuple):
            raise UserError(f"sweep.space.{key}={values}: a list of values; type sweep.space.{key}=[{values}]")
        if key not in fixed_keys:
            by_key[key] = Dimension(key, tuple(_typed_as(value) for value in values))
    by_key.update({dimension.key: dimension for dimension in swept})
    options = [field.name for field in fields(RunSchema) if field.name not in (*OWN, *GROUPS[1:])]
    for dimension in by_key.values():
        require_searchable(dimension.key, options, conf.allow_task_options)
        if len(set(dimension.values)) < len(dimension.values):
            raise UserError(f"{dimension.key}={','.join(dimension.values)}: a value occurs twice")
    return list(by_key.values())


def feeding_of(conf: SweepConf, dimensions: Sequence[Dimension], fixed: Sequence[str]) -> tuple[str, ...]:
    """The settings that the second stage may change: without those that are searched, or fixed by an override."""
    settings = [setting.name for setting in fields(Settings)]
    for key in conf.feeding:
        if key not in settings:
            raise UserError(choose("sweep.feeding", str(key), settings))
    taken = {dimension.key for dimension in dimensions} | {override.lstrip("+").partition("=")[0] for override in fixed}
    return tuple(key for key in conf.feeding if key not in taken)


def defaults() -> list[str]:
    """Each setting at its default, as it is typed."""
    return [f"{setting.name}={_typed_as(setting.default)}" for setting in fields(Settings)]


def _typed_as(value: Any) -> str:
    """A value of the YAML as it is typed."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def reference_of(conf: SweepConf, dimensions: Sequence[Dimension], fixed: Sequence[str]) -> Point:
    """The reference's overrides: a dimension without a value there has its plainest, the first.

    Overrides that are fixed to the same value are no part of it, so that the reference is then a point of the space;
    nor is a null, which stands for the run's own value, of an option that is not searched.
    """
    keys = {dimension.key for dimension in dimensions}
    searched = [
        f"{each.key}={_typed_as(conf.reference[each.key]) if each.key in conf.reference else each.values[0]}"
        for each in dimensions
    ]
    further = [
        f"{key}={_typed_as(value)}" for key, value in conf.reference.items() if key not in keys and value is not None
    ]
    return (*searched, *(override for override in further if override not in fixed))
