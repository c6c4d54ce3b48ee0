"""From the composed YAML to a Run: every check that needs no weights, and no network.

Hydra refuses unknown groups and keys; here the values are typed and the pairs judged. Nothing heavy is imported.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.config_store import ConfigStore
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from src import embedded, environment, hardware, pins, settings, site, summary, tracking
from src.core import Checkpoint, Hardware, Meter, Model, Procedure, Settings, Site, Task, UserError
from src.dataset import Dataset
from src.words import choose, nearest

T = TypeVar("T")

CONF = Path(__file__).resolve().parent.parent / "conf"

# Where a task's dataset comes from with `dataset: auto`; a user's own folder of weights counts as a real checkpoint.
NOT_REAL = ("random", "embedded")


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
    prepare_threads: int = 1
    samples: int = 1000
    seed: int = 0
    tracking_uri: str | None = None
    sweep_id: str | None = None
    shared_host: bool = False
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
    sort: str = "none"
    attention: str = "auto"
    cache: str = "dynamic"
    compile: bool | str = False
    prepare_threads: int = 1
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """What of the run its model is told when it is loaded."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

    @property
    def label(self) -> str:
        """The model's name for people: its word, and its size where it comes in several."""
        return _label(self.names, {"size": self.chosen.get("model.size")})


def command(words: Sequence[str]) -> str:
    """The line that asks for a run: its words in alphabetical order, without where it goes, in what and beside whom."""
    kept = sorted(word for word in words if not word.startswith(("tracking_uri=", "sweep_id=", "shared_host=")))
    return shlex.join(["python", "-m", "src.run", *kept])


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
    values = _without(values, "sweep", "storage")  # of a sweep, never of one of its runs
    tracking_uri = tracking.resolve(values["tracking_uri"])
    values = {**values, "tracking_uri": tracking.public(tracking_uri)}  # a record keeps no password
    nodes = {"model": _sized(values["model"], names["model"]), "task": dict(values["task"])}
    model = _model({**nodes["model"], "seed": values["seed"]}, names["model"])
    nodes["task"] = _with_dataset(nodes["task"], model.checkpoint)
    dataset = _dataset(nodes["task"], names["task"])
    task = _task(dict(nodes["task"]), dataset)
    if task.name not in model.tasks:
        raise UserError(
            f"model={names['model']} cannot do task={names['task']}; it does: {', '.join(sorted(model.tasks))}"
        )
    device = resolve(names["hardware"], typed(hardware.HardwareConf, values["hardware"], "hardware"))
    settings.check(values, names, nodes, device)
    pin = typed(pins.Pin, values["tuned"], "tuned") if values["tuned"] else None
    notes = pins.check(pin, _label(names, nodes["model"]), task.name, _card(device)) if pin else ()
    sensors = values["meter"]["sensors"]
    required = _mapping(values["protocol"], "requires", "protocol")
    chosen = {**_flat({**_without(values, "meter", "sweep_id", "shared_host", "tuned"), **nodes}), **names}
    if pin:
        chosen |= {"tuned": pin.name, "tuned.sweep_id": pin.sweep_id, "tuned.card": pin.card, "tuned.date": pin.date}
    _check_protocol(required, chosen)
    return Run(
        names=names,
        model=model,
        task=task,
        dataset=dataset,
        hardware=device,
        meters=tuple(instantiate(sensor) for sensor in sensors),
        meters_required=bool(values["meter"]["required"]),
        procedure=_procedure(values["protocol"], names["protocol"]),
        site=site_of(values["site"], names["site"]),
        batch_size=values["batch_size"],
        samples=values["samples"],
        seed=values["seed"],
        tracking_uri=tracking_uri,
        chosen=chosen,
        config=values,
        command=command(words),
        sweep_id=values["sweep_id"],
        shared_host=values["shared_host"],
        sort=values["sort"],
        **{field.name: values[field.name] for field in fields(Settings)},
        notes=notes,
    )


def _label(names: Mapping[str, str], model: Mapping[str, Any]) -> str:
    size = model.get("size")
    return f"{names['model']}-{size}" if size else names["model"]


def _card(device: Hardware) -> str:
    return summary.device(asdict(device), {"cpu": environment.cpu_name()})


def _procedure(node: Mapping[str, Any], name: str) -> Procedure:
    found = typed(Procedure, {"name": name, **_without(node, "samples")}, "protocol")
    if found.idle_parts < 1:
        raise UserError(f"protocol.idle_parts={found.idle_parts}: must be 1 or more; no baseline is protocol.idle_s=0")
    return found


def model_of(node: Mapping[str, Any], name: str, size: str | None) -> Model:
    """The model of a composed node of `conf/model` in one of its sizes, None where it has one only."""
    return _model({**_sized({**node, "size": size}, name), "seed": 0}, name)


def task_on(node: Mapping[str, Any], name: str, dataset: str) -> Task:
    """The task of a composed node of `conf/task`, on one of its datasets."""
    chosen = _with_dataset({**node, "dataset": dataset}, Checkpoint(id=""))
    source = _dataset(chosen, name)  # takes its own keys out
    return _task(chosen, source)


def typed(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass with each value of the right type; UserError names the key that is not."""
    from pydantic import TypeAdapter, ValidationError

    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UserError(choose(f"{where}.{key}", "…", known))
    for key, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and values.get(key, "???") == "???":
            raise UserError(f"{where}.{key} has no value; type {where}.{key}=…")
    try:
        return TypeAdapter(cls).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([where, *(str(part) for part in first["loc"])])
        raise UserError(f"{key}={first['input']}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


def _check(values: Mapping[str, Any]) -> None:
    """What the schema lets through: keys added with `+`, and numbers that count nothing."""
    known = [f.name for f in fields(RunSchema)]
    for key in values:
        if key not in known:
            close = nearest(key, known)
            hint = f"; did you mean {close}=…?" if close else ""
            raise UserError(f"{key} is no key of this run{hint}")
    for key in ("batch_size", "samples", "prepare_threads"):
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


def _mapping(node: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """Takes the key out of the node; UserError where someone put a plain value in its place."""
    found = node.pop(key, None) or {}
    if not isinstance(found, dict):
        raise UserError(f"{where}.{key}={found}: this key holds others; set one of them, {where}.{key}.NAME=…")
    return found


def _sized(node: dict[str, Any], name: str) -> dict[str, Any]:
    """The model's node with the chosen size's own values laid over it."""
    sizes, size = _mapping(node, "sizes", "model"), node.get("size")
    if not sizes:
        if size is not None:
            raise UserError(f"model.size={size}: model={name} comes in one size; leave model.size out")
        return _without(node, "size")
    if size not in sizes:
        raise UserError(choose("model.size", str(size), sizes))
    merged: dict[str, Any] = OmegaConf.to_container(OmegaConf.merge(node, sizes[size]))  # type: ignore[assignment]
    return merged


def _model(node: dict[str, Any], name: str) -> Model:
    for facts in (
        "size",
        "training_kwh",
        "fine_tuning_kwh",
        "pads",
        "shards",
        "attentions",
        "caches",
        "compiles",
        "graphs",
        "quantizes",
        "pictures",
    ):  # for the record and the reader, not for the model
        node.pop(facts, None)
    target = node.pop("_target_")
    checkpoint = typed(
        Checkpoint,
        {
            "id": node.pop("checkpoint"),
            **{
                key: node.pop(key)
                for key in ("weights", "revision", "trust_remote_code", "allow_pickle", "shape", "parameters", "seed")
            },
            "processor": node.pop("processor", None) or {},
        },
        "model",
    )
    _check_weights(checkpoint, name)
    return _made(target, {**node, "checkpoint": checkpoint}, "model")  # type: ignore[no-any-return]


def _check_weights(checkpoint: Checkpoint, name: str) -> None:
    weights = checkpoint.weights
    if weights == "random" and not checkpoint.shape:
        raise UserError(f"model.weights=random: model={name} gives no shape to build from; type model.weights=hub")
    if weights == "embedded" and not (embedded.WEIGHTS / checkpoint.id).is_dir():
        raise UserError(f"model.weights=embedded: {checkpoint.id} does not ship with Joulemark; type model=embedded")
    if weights not in ("hub", "random", "embedded") and not Path(weights).is_dir():
        raise UserError(f"{choose('model.weights', weights, ('hub', 'random', 'embedded'))}, or an existing folder")


def _with_dataset(node: dict[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """The task's node with one dataset chosen: its name, its entry, and the values it sets where they are open."""
    entries = _mapping(node, "datasets", "task")
    standard = node.pop("default")
    word = node["dataset"]
    if word == "auto":
        word = "embedded" if checkpoint.weights in NOT_REAL else standard
    if word not in entries:
        raise UserError(choose("task.dataset", word, ["auto", *entries]))
    entry = dict(entries[word])
    for key, value in (entry.pop("task", None) or {}).items():
        node[key] = value if node[key] is None else node[key]
    columns = {key: column for key, column in _mapping(node, "fields", "task").items() if column is not None}
    if (word == "file") != (node["path"] is not None):
        raise UserError("task.dataset=file and task.path=FILE go together")
    return {
        **node,
        "texts": node.get("texts", True),
        "dataset": word,
        "source": {**entry, "fields": {**entry["fields"], **columns}},
    }


def _dataset(node: dict[str, Any], task: str) -> Dataset:
    source = node.pop("source")
    words = {"name": node["dataset"], "task": task, "path": node.pop("path"), "repeat": node.pop("repeat")}
    return typed(Dataset, {**source, **words, "labels": source.get("labels") or node.get("labels") or ()}, "task")


def _task(node: dict[str, Any], dataset: Dataset) -> Task:
    target = node.pop("_target_")
    del node["texts"]  # for the words of the run, not for the task
    return _made(target, {**node, "dataset": dataset}, "task")  # type: ignore[no-any-return]


def _made(target: str, values: Mapping[str, Any], where: str) -> Any:
    # Hydra resolves the class, so that its own refusal of unsafe targets holds; the values are ours to check
    return typed(instantiate({"_target_": target, "_partial_": True}).func, values, where)


def site_of(values: Mapping[str, Any], name: str) -> Site:
    """The site of a composed node of `conf/site`, with its zone's factor; UserError for values that cannot be."""
    return site.located(typed(Site, {"name": name, **values}, "site"))


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


def _without(values: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}
