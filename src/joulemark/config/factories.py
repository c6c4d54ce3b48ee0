"""The composed nodes of conf/ as nouns: the model in its size, the task on its dataset, the protocol, the site."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from joulemark.analysis import emissions
from joulemark.config import model_files
from joulemark.config.targets import class_of
from joulemark.core import extras
from joulemark.core.coerce import mapping, typed, without
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.model import Capabilities, Checkpoint, Model, Settings
from joulemark.core.procedure import Procedure
from joulemark.core.suggest import choose
from joulemark.core.task import Task
from joulemark.data import embedded
from joulemark.data.dataset import Dataset
from joulemark.data.media import Media
from joulemark.models.backend import shape_limits

# Where a task's dataset comes from with `dataset: auto`; a user's own folder of weights counts as a real checkpoint.
NOT_REAL = ("random", "embedded")

# Of a protocol; its other values may be 0
ONE_OR_MORE = ("converge_batches", "min_windows", "max_windows", "stage_requests")


def model_of(node: Mapping[str, Any], name: str, size: str | None) -> Model:
    """The model of a composed node of `conf/model` in one of its sizes, None where it has one only."""
    return made_model({**sized({**node, "size": size}, name), "seed": 0}, name)


def task_on(node: Mapping[str, Any], name: str, dataset: str) -> Task:
    """The task of a composed node of `conf/task`, on one of its datasets."""
    chosen = with_dataset({**node, "dataset": dataset}, Checkpoint(id=""))
    source = made_dataset(chosen, name)  # takes its own keys out
    return made_task(chosen, source)


def site_of(values: Mapping[str, Any], name: str) -> Site:
    """The site of a composed node of `conf/site`, with its zone's factor; UserError for values that cannot be."""
    return emissions.located(typed(Site, {"name": name, **values}, "site"))


def procedure_of(node: Mapping[str, Any], name: str) -> Procedure:
    """How is measured, from a composed node of `conf/protocol`; UserError for values that cannot be."""
    procedure = typed(Procedure, {"name": name, **without(node, "samples")}, "protocol")
    if procedure.idle_parts < 1:
        raise UserError(
            f"protocol.idle_parts={procedure.idle_parts}: must be 1 or more; no baseline is protocol.idle_s=0"
        )
    for key, value in without(asdict(procedure), "name", "preliminary").items():
        least = 1 if key in ONE_OR_MORE else 0
        if value is None:
            raise UserError(f"protocol.{key}=null: must be a number")
        if not least <= value < math.inf:  # also refuses NaN
            raise UserError(f"protocol.{key}={value:g}: must be {least} or more, and finite")
    if procedure.stall_s == 0:
        raise UserError("protocol.stall_s=0: every run would end at once; it is the longest that one call may take")
    if procedure.min_windows > procedure.max_windows:
        raise UserError(
            f"protocol.min_windows={procedure.min_windows} is more than "
            f"protocol.max_windows={procedure.max_windows}; type both"
        )
    return procedure


def sized(node: dict[str, Any], name: str) -> dict[str, Any]:
    """The model's node with the chosen size's values laid over it; a checkpoint that was typed replaces the published.

    What was published of another checkpoint (parameters, shape, energy of training) does not hold for a typed one: it
    is dropped, and the model is named by its checkpoint.
    """
    sizes, size = mapping(node, "sizes", "model"), node.get("size")
    if sizes:
        if size not in sizes:
            raise UserError(choose("model.size", str(size), sizes))
        merged: dict[str, Any] = OmegaConf.to_container(OmegaConf.merge(node, sizes[size]))  # type: ignore[assignment]
        published = merged["checkpoint"]
    else:
        if size is not None:
            raise UserError(f"model.size={size}: model={name} comes in one size; leave model.size out")
        merged = without(node, "size")
        published = model_files.node(name)["checkpoint"] if model_files.ships(name) else node["checkpoint"]
    if node["checkpoint"] in ("???", published) or published == "???":
        return merged
    facts: dict[str, Any] = {
        "parameters": None,
        "training_kwh": None,
        "fine_tuning_kwh": None,
        "shape": {},
        "processor": {},
    }
    return {**without(merged, "size"), **facts, "checkpoint": node["checkpoint"], "label": node["checkpoint"]}


def made_model(node: dict[str, Any], name: str) -> Model:
    """The model of a node whose size is chosen, with its checkpoint.

    Raises:
        UserError: a value of the wrong type, or weights that do not exist.
    """
    node = without(node, "size", "label", "training_kwh", "fine_tuning_kwh")  # for the record and the reader
    target = node.pop("_target_")
    capabilities = typed(Capabilities, node.pop("capabilities"), "model.capabilities")
    own = [column.name for column in fields(Checkpoint) if column.name in node]
    checkpoint = typed(
        Checkpoint,
        {
            "id": node.pop("checkpoint"),
            **{key: node.pop(key) for key in own if key != "processor"},
            "processor": node.pop("processor", None) or {},
        },
        "model",
    )
    _check_weights(checkpoint, name)
    if isinstance(labels := node.get("labels"), Mapping):  # a label such as 0 or 1 is read as a number
        node["labels"] = {str(label): str(known) for label, known in labels.items()}
    return _made(target, {**node, "checkpoint": checkpoint, "capabilities": capabilities}, "model")  # type: ignore[no-any-return]


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The settings among the composed values of a run."""
    return Settings(**{setting.name: values[setting.name] for setting in fields(Settings)})


def _check_weights(checkpoint: Checkpoint, name: str) -> None:
    weights = checkpoint.weights
    shape_limits.check(checkpoint.shape, "model.shape")
    if weights == "random" and not checkpoint.shape:
        raise UserError(f"model.weights=random: model={name} gives no shape to build from; type model.weights=hub")
    if weights == "embedded" and not (embedded.WEIGHTS / checkpoint.id).is_dir():
        raise UserError(f"model.weights=embedded: {checkpoint.id} does not ship with Joulemark; type model=embedded")
    if weights not in ("hub", "random", "embedded", "none") and not Path(weights).is_dir():
        raise UserError(
            f"{choose('model.weights', weights, ('hub', 'random', 'embedded', 'none'))}, or an existing folder"
        )


def with_dataset(node: dict[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """The task's node with one dataset chosen: its name, its entry, and the values it sets where they are open."""
    node = {
        "dataset": "auto",
        "path": None,
        "repeat": False,
        "shuffle": None,
        "media": {},
        "fields": {},
        **node,
    }  # those that a YAML may leave out
    entries = mapping(node, "datasets", "task")
    standard = node.pop("default")
    choice = node["dataset"]
    if choice == "auto":
        choice = "embedded" if checkpoint.weights in NOT_REAL and "embedded" in entries else standard
    if choice not in entries:
        raise UserError(choose("task.dataset", choice, ["auto", *entries]))
    entry = dict(entries[choice])
    for key, value in (entry.pop("task", None) or {}).items():
        node[key] = value if node[key] is None else node[key]
    if node.get("lengths") == "auto":  # answers of random weights end by chance
        node["lengths"] = "lognormal" if checkpoint.weights == "random" else None
    media = {**(entry.pop("media", None) or {}), **_typed(mapping(node, "media", "task"))}
    columns = {key: column for key, column in mapping(node, "fields", "task").items() if column is not None}
    if (choice == "file") != (node["path"] is not None):
        raise UserError("task.dataset=file and task.path=FILE go together")
    return {
        **node,
        "texts": node.get("texts", True),
        "dataset": choice,
        "source": {**entry, "fields": {**entry["fields"], **columns}, "typed": tuple(columns), "media": media},
    }


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def made_dataset(node: dict[str, Any], task: str) -> Dataset:
    """Where the inputs come from; takes the keys that say so out of the task's node."""
    source = node.pop("source")
    facts = {"name": node["dataset"], "task": task, "repeat": node.pop("repeat"), "shuffle": node.pop("shuffle")}
    if facts["shuffle"] is not None and (type(facts["shuffle"]) is not int or facts["shuffle"] < 0):
        raise UserError(f"task.shuffle={facts['shuffle']}: must be a seed, a whole number of 0 or more, or null")
    if (path := node.pop("path")) is not None:
        facts["path"] = path
    media = typed(Media, source.pop("media"), "task.media")
    return typed(
        Dataset, {**source, "media": media, **facts, "labels": source.get("labels") or node.get("labels") or ()}, "task"
    )


def made_task(node: dict[str, Any], dataset: Dataset) -> Task:
    """The task on these inputs, from what is left of its node."""
    target = node.pop("_target_")
    del node["texts"]  # for the checks of the run, not for the task
    task = _made(target, {**node, "dataset": dataset}, "task")
    extras.require(f"task={dataset.task}", *getattr(task, "packages", ()))  # few tasks need a package of their own
    return task  # type: ignore[no-any-return]


def _made(target: str, values: Mapping[str, Any], where: str) -> Any:
    return typed(class_of({"_target_": target}, where), values, where)
