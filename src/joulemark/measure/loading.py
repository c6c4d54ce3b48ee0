"""Between a checked run and its first call: the meters opened, and what is known once the model is loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Meter
from joulemark.core.record import ModelFacts
from joulemark.core.signals import Interrupted


def open_meters(run: Run) -> tuple[list[Meter], dict[str, str]]:
    """The meters that can be read here, most trusted first, and why each of the others cannot.

    With `required` in the meter's YAML an absent one is an error; at least one must be there.
    """
    opened: list[Meter] = []
    absent: dict[str, str] = {}
    refusals: list[str] = []
    for meter in run.meters:
        try:
            meter.open(run.hardware)
            opened.append(meter)
        except UserError as error:
            if run.meters_required:
                raise
            refusals.append(str(error))
            if meter.capability.reads(run.hardware):  # another maker's sensor is no loss here
                absent[meter.name] = str(error)
    if not opened:
        raise UserError(f"no meter can be read: {'; '.join(refusals)}")
    return opened, absent


def close_meters(meters: Sequence[Meter]) -> str | None:
    """Closes every meter, whichever breaks; why the first of those did, in one line."""
    broken = None
    for meter in meters:
        try:
            meter.close()
        except BaseException as error:  # of a plugin; or a stop, after all was measured
            if not isinstance(error, Interrupted | KeyboardInterrupt):
                broken = broken or f"meter {meter.name} broke when it was closed: {type(error).__name__}: {error}"
    return broken


def loaded_facts(model: ModelFacts, facts: Mapping[str, Any]) -> ModelFacts:
    """The model with what is known once it is loaded: each attribute under its name, the rest in its `facts`."""
    known = {fact.name for fact in fields(ModelFacts)}
    attributes = {name: value for name, value in facts.items() if name in known}
    return replace(model, **attributes, facts={name: value for name, value in facts.items() if name not in known})


def with_facts(model: ModelFacts, facts: Mapping[str, Any]) -> ModelFacts:
    """The model with further facts."""
    return replace(model, facts={**model.facts, **facts}) if facts else model


def check_gpus(chosen: Hardware, device: str) -> None:
    """Raises where torch uses another GPU than the meters read: its energy would be that of an idle one."""
    if chosen.device != "cuda":
        return
    from joulemark.models.backend import placement

    used = placement.uuids(device)
    if used != chosen.uuids:
        raise RuntimeError(f"the model is on {', '.join(used)} and the meters read {', '.join(chosen.uuids)}")
