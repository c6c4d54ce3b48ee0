"""The scenario and the engine of a run from their composed nodes, and what goes with what; without torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from joulemark.config.targets import check_command, class_of
from joulemark.core.coerce import typed, without
from joulemark.core.errors import UserError
from joulemark.core.machine import REMOTE, Hardware, elsewhere
from joulemark.core.measurement import Meter
from joulemark.core.model import Model, Settings
from joulemark.core.paths import program
from joulemark.core.serving import BATCH, ONE_OF, PERCENTILES, TRANSFORMERS, Engine, Scenario
from joulemark.core.task import Task
from joulemark.engines.address import same_machine
from joulemark.engines.settings import check_settings
from joulemark.hardware.devices import EVERY_PRECISION

AUTO = "auto"  # hardware that is detected
# Settings that a server of its own decides for itself; its YAML passes on what it takes
LOCAL_SETTINGS = tuple(setting.name for setting in fields(Settings) if setting.name != "precision")


@dataclass(frozen=True)
class Served:
    """What is to go together: arrivals, what answers them, and what is asked.

    Attributes:
        names: the choice of each group, for the messages
    """

    scenario: Scenario
    engine: Engine
    model: Model
    task: Task
    device: Hardware
    settings: Settings
    names: Mapping[str, str]


def made(values: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Scenario, Engine]:
    """The scenario and the engine of the composed values of a run; UserError for what cannot be."""
    return made_scenario(values["scenario"]), made_engine(values["engine"], names.get("engine", TRANSFORMERS))


def made_scenario(node: Mapping[str, Any]) -> Scenario:
    """The scenario of a composed node of conf/scenario; UserError for values that cannot be."""
    made: Scenario = typed(class_of(node, "scenario"), without(node, "_target_"), "scenario")
    _check_limits(made)
    return made


def made_engine(node: Mapping[str, Any], name: str) -> Engine:
    """The engine of a composed node of conf/engine; UserError for values that cannot be."""
    cls = class_of(node, "engine")
    check_command(node, name)
    named = {"name": name} if any(field.name == "name" for field in fields(cls)) else {}
    made: Engine = typed(cls, {**without(node, "_target_"), **named}, "engine")
    return made


def metered(
    engine: Engine, meters: Sequence[Meter], hardware: str, here: Callable[[], Hardware]
) -> tuple[Hardware, tuple[Meter, ...]]:
    """The machine that answers, and those of the meters that read it; `here` resolves the option `hardware`.

    Raises:
        UserError: an engine on another machine of which no meter reads, a meter of a machine that does not answer
    """
    machine: str | None = getattr(engine, "machine", None)  # an engine that is never elsewhere need not say so
    elsewhere_read = [meter for meter in meters if getattr(meter, "machine", None) is not None]
    if machine is None:
        for meter in elsewhere_read:
            raise UserError(
                f"meter.machine={getattr(meter, 'machine', None)}: what answers is on this machine; leave it out"
            )
        return here(), tuple(meters)
    reading = tuple(meter for meter in elsewhere_read if same_machine(str(getattr(meter, "machine", "")), machine))
    if not reading:
        raise UserError(
            f"engine.url: {machine} is another machine, and the meters of this one say nothing of its joules; run "
            f"joulemark there, or give a meter of it: meter=wall meter.machine={machine} meter.path=FILE.csv"
        )
    if hardware != AUTO:
        raise UserError(f"hardware={hardware} is of this machine, and {machine} answers; leave it out")
    return elsewhere(machine, REMOTE, EVERY_PRECISION), reading


def check(run: Served) -> None:
    """Refuses what does not go together.

    Raises:
        UserError: what, why, and what to type instead
    """
    scenario, engine = run.names.get("scenario", BATCH), run.names.get("engine", TRANSFORMERS)
    if scenario == BATCH:
        if engine != TRANSFORMERS:
            raise UserError(
                f"engine={engine} answers requests as they come, and scenario=batch has none; type scenario=offline "
                "(all at once), concurrency or server"
            )
        return
    needs = run.engine.needs
    if needs.kinds and run.model.kind not in needs.kinds:
        raise UserError(
            f"engine={engine} runs {', '.join(needs.kinds)}, and model={run.names['model']} is a {run.model.kind}; "
            "type engine=transformers"
        )
    if not needs.local:
        _check_left_alone(run, engine)
    check_settings(run.engine, run.settings)
    run.engine.check(run.model, run.task, run.device)


def _check_left_alone(run: Served, engine: str) -> None:
    """A setting that would be recorded and have no effect is refused."""
    for name in LOCAL_SETTINGS:
        value, standard = getattr(run.settings, name), Settings.__dataclass_fields__[name].default
        if value != standard:
            raise UserError(
                f"{name}={value}: engine={engine} decides that itself; leave it out, and see its own options: "
                f"{program('run')} engine={engine} --help-all"
            )


def _check_limits(scenario: Scenario) -> None:
    limits = scenario.limits
    for field in fields(limits):
        value = getattr(limits, field.name)
        if value is not None and not value > 0:
            raise UserError(f"scenario.limits.{field.name}={value}: must be above 0, or null")
    if limits.percentile not in PERCENTILES:
        raise UserError(f"scenario.limits.percentile={limits.percentile:g}: {ONE_OF}")
