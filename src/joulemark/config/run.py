"""From the composed YAML to a Run: every check that needs no weights, and no network.

Hydra refuses unknown groups and keys; here the values are typed and the pairs judged. Nothing heavy is imported.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from joulemark.analysis.early_stopping import CompetingResult, early_stop_against
from joulemark.config import compatibility, fit, hub_model, hydra_errors, run_schema, saved_settings, sensors, serving
from joulemark.config.factories import (
    made_dataset,
    made_model,
    made_task,
    procedure_of,
    settings_of,
    site_of,
    sized,
    with_dataset,
)
from joulemark.config.run_schema import GIVEN
from joulemark.core import paths, tracking
from joulemark.core.coerce import mapping, typed, without
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Meter
from joulemark.core.model import Model, Settings
from joulemark.core.procedure import Procedure
from joulemark.core.serving import Engine, Scenario
from joulemark.core.task import Task
from joulemark.data.dataset import Dataset
from joulemark.engines.transformers import Transformers
from joulemark.hardware import devices as hardware
from joulemark.hardware import host
from joulemark.scenarios.batch import Batch
from joulemark.telemetry.export import Export


@dataclass(frozen=True)
class Run:
    """One run, checked and ready: which inputs, of which model, where, and how it is measured.

    Attributes:
        names: the choice of each group
        chosen: every leaf of the configuration that takes part, by its dotted key
        config: the composed values, without passwords
        command: the line that repeats it, its options in alphabetical order
        meters_required: whether an absent meter is an error
        notes: sentences to print before it begins
    """

    names: Mapping[str, str]
    model: Model
    task: Task
    dataset: Dataset
    hardware: Hardware
    meters: tuple[Meter, ...]
    meters_required: bool
    procedure: Procedure
    site: Site
    settings: Settings
    samples: int
    seed: int
    tracking_uri: str
    chosen: Mapping[str, Any]
    config: Mapping[str, Any]
    command: str = ""
    sweep_id: str | None = None
    shared_host: bool = False
    early_stop_against: tuple[CompetingResult, ...] = ()
    notes: tuple[str, ...] = ()
    scenario: Scenario = field(default_factory=Batch)
    engine: Engine = field(default_factory=Transformers)
    export: Export = field(default_factory=Export)

    @property
    def label(self) -> str:
        """The model's name for people: its option, and its size where it comes in several."""
        return _label(self.names, {key: self.chosen.get(f"model.{key}") for key in ("size", "label")})


def command(overrides: Sequence[str]) -> str:
    """The line that repeats a run: its options in alphabetical order, without store, sweep and other workers."""
    kept = sorted(
        override for override in overrides if override.lstrip("+~").partition("=")[0] not in ("tracking_uri", *GIVEN)
    )
    return " ".join([paths.program("run"), shlex.join(map(tracking.public_override, kept))]).rstrip()


def build(
    config: DictConfig,
    names: Mapping[str, str],
    overrides: Sequence[str] = (),
    resolve: Callable[[str, hardware.HardwareConf], Hardware] = hardware.resolve,
) -> Run:
    """The run of a composed configuration, typed as `overrides`; UserError, one line, for whatever is invalid.

    `resolve` finds the device that the options of the hardware mean: `hardware.unseen` where the run is made elsewhere.
    """
    values, tracking_uri = _values(config, overrides)
    nodes = {"model": sized(values["model"], names["model"]), "task": dict(values["task"])}
    if "_target_" not in nodes["model"]:
        nodes["model"] = hub_model.resolved(nodes["model"], nodes["task"], names["task"])
    model = made_model({**nodes["model"], "seed": values["seed"]}, names["model"])
    nodes["task"] = with_dataset(nodes["task"], model.checkpoint)
    dataset = made_dataset(nodes["task"], names["task"])
    task = made_task(dict(nodes["task"]), dataset)
    fit.check(model, task, names)
    values["model"] = {**values["model"], "capabilities": asdict(model.capabilities)}
    nodes["model"]["capabilities"] = values["model"]["capabilities"]
    scenario, engine = serving.made(values, names)
    device, meters = _metered(values, names, engine, resolve)
    settings = settings_of(values)
    compatibility.check(
        compatibility.Combination(settings, values["samples"], model, nodes["task"]["texts"], device, names)
    )
    serving.check(serving.Served(scenario, engine, model, task, device, settings, names))
    saved = typed(saved_settings.SavedSetting, values["tuned"], "tuned") if values["tuned"] else None
    notes = saved_settings.check(saved, _label(names, nodes["model"]), task.name, _card(device)) if saved else ()
    required = mapping(values["protocol"], "requires", "protocol")
    chosen = {**_flat({**without(values, "meter", "tuned", *GIVEN), **nodes}), **names}
    if saved:
        chosen |= saved.params
    _check_protocol(required, chosen)
    return Run(
        names=names,
        model=model,
        task=task,
        scenario=scenario,
        engine=engine,
        export=_export(values["export"]),
        dataset=dataset,
        hardware=device,
        meters=meters,
        meters_required=bool(values["meter"]["required"]),
        procedure=procedure_of(values["protocol"], names["protocol"]),
        site=site_of(values["site"], names["site"]),
        settings=settings,
        samples=values["samples"],
        seed=values["seed"],
        tracking_uri=tracking_uri,
        chosen=chosen,
        config=values,
        command=command(overrides),
        sweep_id=values["sweep_id"],
        shared_host=values["shared_host"],
        early_stop_against=early_stop_against(values["early_stop_against"]),
        notes=notes,
    )


def _metered(
    values: Mapping[str, Any],
    names: Mapping[str, str],
    engine: Engine,
    resolve: Callable[[str, hardware.HardwareConf], Hardware],
) -> tuple[Hardware, tuple[Meter, ...]]:
    """The machine that answers, and the meters that read it."""
    name = names["hardware"]
    return serving.metered(
        engine,
        sensors.meters_of(values["meter"]["sensors"]),
        name,
        lambda: resolve(name, typed(hardware.HardwareConf, values["hardware"], "hardware")),
    )


def _values(config: DictConfig, overrides: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The values of one run, which keep no password, and the address of its store, which may have one."""
    values = _resolved(config, overrides)
    run_schema.check(values)
    values = without(values, "sweep", "storage")  # of a sweep, never of one of its runs
    tracking_uri = tracking.resolve(values["tracking_uri"])
    meter = sensors.listed(values["meter"])
    return {**values, "tracking_uri": tracking.public(tracking_uri), "meter": meter}, tracking_uri


def _resolved(config: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """The values, references among them followed; UserError for one that leads nowhere."""
    try:
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise UserError(hydra_errors.explain(error, "run", overrides)) from None


def _label(names: Mapping[str, str], model: Mapping[str, Any]) -> str:
    if label := model.get("label"):  # of a checkpoint that was typed
        return str(label)
    size = model.get("size")
    return f"{names['model']}-{size}" if size else names["model"]


def _export(values: Mapping[str, Any] | None) -> Export:
    made = typed(Export, values or {}, "export")
    made.check()
    return made


def _card(device: Hardware) -> str:
    return device.device_name(host.cpu_name())


def _check_protocol(required: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
    """Refuses options under which a protocol's figures would not compare, naming all that must be typed instead.

    `required` has the values that every run of the protocol must have (`all`), and those that a task has instead.
    """
    wanted = {**required.get("all", {}), **required.get(chosen["task"], {})}
    missing = [f"{key}={value}" for key, value in wanted.items() if chosen.get(key) != value]
    if missing:
        raise UserError(
            f"protocol={chosen['protocol']}: its figures compare for task={chosen['task']} only with "
            f"{' '.join(missing)}; type that, or another protocol"
        )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every leaf under its dotted name; lists and empty dicts are leaves."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        if key == "_target_":
            continue
        if isinstance(value, Mapping) and value:
            leaves.update(_flat(value, f"{prefix}{key}."))
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves
