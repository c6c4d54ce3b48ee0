"""From the composed YAML to a Run: every check that needs no weights, and no network.

Hydra refuses unknown groups and keys; here the values are typed and the pairs judged. Nothing heavy is imported.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis.early_stopping import CompetingResult, early_stop_against
from joulemark.config import compatibility as settings
from joulemark.config import saved_settings, sensors
from joulemark.config.factories import made_dataset, made_model, made_task, procedure_of, site_of, sized, with_dataset
from joulemark.core import paths, tracking
from joulemark.core.coerce import mapping, typed, without
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Meter
from joulemark.core.model import Model, Settings
from joulemark.core.procedure import Procedure
from joulemark.core.suggest import nearest
from joulemark.core.task import Task
from joulemark.data.dataset import Dataset
from joulemark.hardware import devices as hardware
from joulemark.hardware import host

# Keys that a sweep gives its trials: in what they are made and beside whom, no part of what is asked
GIVEN = ("sweep_id", "shared_host", "early_stop_against")


@dataclass
class RunSchema:
    """What `conf/run.yaml` may hold; Hydra checks names and types against it (it must not be frozen)."""

    model: Any = None
    task: Any = None
    hardware: Any = None
    meter: Any = None
    protocol: Any = None
    site: Any = None
    batch_size: int = 1
    precision: str = "fp32"
    sort: str = "none"
    attention: str = "auto"
    cache: str = "dynamic"
    compile: Any = False  # or graphs: Hydra's message about a union of types is none for people
    preprocessing_workers: int = 1
    samples: int = 1000
    seed: int = 0
    tracking_uri: str | None = None
    sweep_id: str | None = None
    shared_host: bool = False
    early_stop_against: Any = field(default_factory=list)
    sweep: Any = None
    storage: str | None = None
    tuned: Any = None


ConfigStore.instance().store(name="schema", node=RunSchema)


@dataclass(frozen=True)
class Run:
    """One run, checked and ready: what is asked, of which model, where, and how it is measured.

    `command` is the line that asks for it, its words in alphabetical order.
    `names` holds the word chosen for each group, `chosen` every leaf of the configuration that takes part, flat.
    `notes` are sentences that must be said before it begins.
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
    batch_size: int
    precision: str
    samples: int
    seed: int
    tracking_uri: str
    chosen: Mapping[str, Any]
    config: Mapping[str, Any]
    command: str = ""
    sweep_id: str | None = None
    shared_host: bool = False
    early_stop_against: tuple[CompetingResult, ...] = ()
    sort: str = "none"
    attention: str = "auto"
    cache: str = "dynamic"
    compile: bool | str = False
    preprocessing_workers: int = 1
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """What of the run its model is told when it is loaded."""
        return Settings(**{one.name: getattr(self, one.name) for one in fields(Settings)})

    @property
    def label(self) -> str:
        """The model's name for people: its word, and its size where it comes in several."""
        return _label(self.names, {"size": self.chosen.get("model.size")})


def command(words: Sequence[str]) -> str:
    """The line that asks for a run: its words in alphabetical order, without where it goes, in what and beside whom."""
    kept = sorted(word for word in words if word.lstrip("+~").partition("=")[0] not in ("tracking_uri", *GIVEN))
    return " ".join([paths.program("run"), shlex.join(kept)]).rstrip()


def build(
    config: DictConfig,
    names: Mapping[str, str],
    words: Sequence[str] = (),
    resolve: Callable[[str, hardware.HardwareConf], Hardware] = hardware.resolve,
) -> Run:
    """The run that a composed configuration asks for, typed as `words`; UserError, one line, for whatever cannot be.

    `resolve` finds the device that the words of the hardware mean: `hardware.unseen` where the run is made elsewhere.
    """
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    _check(values)
    values = without(values, "sweep", "storage")  # of a sweep, never of one of its runs
    tracking_uri = tracking.resolve(values["tracking_uri"])
    values = {**values, "tracking_uri": tracking.public(tracking_uri)}  # a record keeps no password
    values["meter"] = sensors.listed(values["meter"])
    nodes = {"model": sized(values["model"], names["model"]), "task": dict(values["task"])}
    model = made_model({**nodes["model"], "seed": values["seed"]}, names["model"])
    nodes["task"] = with_dataset(nodes["task"], model.checkpoint)
    dataset = made_dataset(nodes["task"], names["task"])
    task = made_task(dict(nodes["task"]), dataset)
    if task.name not in model.tasks:
        raise UserError(
            f"model={names['model']} cannot do task={names['task']}; it does: {', '.join(sorted(model.tasks))}"
        )
    device = resolve(names["hardware"], typed(hardware.HardwareConf, values["hardware"], "hardware"))
    settings.check(values, names, nodes, device)
    pin = typed(saved_settings.Pin, values["tuned"], "tuned") if values["tuned"] else None
    notes = saved_settings.check(pin, _label(names, nodes["model"]), task.name, _card(device)) if pin else ()
    required = mapping(values["protocol"], "requires", "protocol")
    chosen = {**_flat({**without(values, "meter", "tuned", *GIVEN), **nodes}), **names}
    if pin:
        chosen |= {"tuned": pin.name, "tuned.sweep_id": pin.sweep_id, "tuned.card": pin.card, "tuned.date": pin.date}
    _check_protocol(required, chosen)
    return Run(
        names=names,
        model=model,
        task=task,
        dataset=dataset,
        hardware=device,
        meters=sensors.meters_of(values["meter"]["sensors"]),
        meters_required=bool(values["meter"]["required"]),
        procedure=procedure_of(values["protocol"], names["protocol"]),
        site=site_of(values["site"], names["site"]),
        samples=values["samples"],
        seed=values["seed"],
        tracking_uri=tracking_uri,
        chosen=chosen,
        config=values,
        command=command(words),
        sweep_id=values["sweep_id"],
        shared_host=values["shared_host"],
        early_stop_against=early_stop_against(values["early_stop_against"]),
        **{one.name: values[one.name] for one in fields(Settings)},
        notes=notes,
    )


def _label(names: Mapping[str, str], model: Mapping[str, Any]) -> str:
    size = model.get("size")
    return f"{names['model']}-{size}" if size else names["model"]


def _card(device: Hardware) -> str:
    return device.device_name(host.cpu_name())


def _check(values: Mapping[str, Any]) -> None:
    """What the schema lets through: keys added with `+`, and numbers that count nothing."""
    known = [f.name for f in fields(RunSchema)]
    for key in values:
        if key not in known:
            close = nearest(key, known)
            hint = f"; did you mean {close}=…?" if close else ""
            raise UserError(f"{key} is no key of this run{hint}")
    for key in ("batch_size", "samples", "preprocessing_workers"):
        if values[key] < 1:
            raise UserError(f"{key}={values[key]}: must be 1 or more")


def _check_protocol(required: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
    """Refuses words under which a protocol's figures would not compare, saying all that must be typed instead.

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
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key == "_target_":
            continue
        if isinstance(value, Mapping) and value:
            found.update(_flat(value, f"{prefix}{key}."))
        else:
            found[f"{prefix}{key}"] = value
    return found
