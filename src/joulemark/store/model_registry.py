"""The chosen model in MLflow's registry: one registered model per task, its version a run, `greenest` the one to use.

A version holds no weights: its source is the run, and its tags hold the checkpoint, settings and command that made it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.store import older_names

ALIAS = "greenest"
NAME = re.compile(r"[A-Za-z0-9_.-]+")
RESERVED = re.compile(r"latest|v\d+", re.IGNORECASE)  # MLflow's own names for versions

# Of the run's metrics and params to the version's tags
METRICS = (
    "energy/total_wh_per_1k",
    "energy/ci95_rel",
    "energy/estimated_share",
    "emissions/g_per_1k",
    "quality/primary",
    "latency/p95_s",
)
PARAMS = ("model.checkpoint", "model.revision", *(setting.name for setting in fields(Settings)))
TAGS = ("model", "task", "metric", "device", "protocol", "dataset", "verdict", "flags", "command", "record.id")


@dataclass(frozen=True)
class Registered:
    """A version of a registered model; `new` is false where the run had one already."""

    version: str
    new: bool


def check(name: str, alias: str) -> None:
    """Refuses what MLflow takes for something else, before any request."""
    for key, value in (("name", name), ("alias", alias)):
        if not NAME.fullmatch(value):
            raise UserError(f"{key}={value} cannot be registered: letters, digits, dots, dashes and underscores only")
    if RESERVED.fullmatch(alias):
        raise UserError(f"alias={alias} is a name of MLflow's own; type another, such as alias={ALIAS}")


@dataclass(frozen=True)
class Facts:
    """What a run holds, under today's names."""

    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def register(client: Any, run_id: str, name: str, alias: str = ALIAS) -> Registered:
    """Makes a version of the run unless there is one, tags it, and moves the alias to it.

    `client` is MLflow's. UserError for a run that is not finished or whose weights are random.
    """
    run = client.get_run(run_id)
    data = Facts(
        older_names.metrics(run.data.metrics), older_names.params(run.data.params), older_names.tags(run.data.tags)
    )
    tags = data.tags
    if tags.get("status") != "finished":
        raise UserError(
            f"run {run_id[:12]} is {tags.get('status', 'no run of Joulemark')}; only finished ones are registered"
        )
    if tags.get("weights") == "random":
        raise UserError(f"run {run_id[:12]} has random weights, which nobody can use; choose one of a real checkpoint")
    if not client.search_registered_models(f"name = '{name}'", max_results=1):
        client.create_registered_model(name, description=f"What answers {tags['task']} with the least energy, by run")
    known = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'", max_results=1)
    version = known[0] if known else client.create_model_version(
        name, source=f"runs:/{run_id}", run_id=run_id, tags=facts(data), description=_description(data)
    )  # fmt: skip
    client.set_registered_model_alias(name, alias, version.version)
    return Registered(str(version.version), new=not known)


def facts(data: Facts) -> dict[str, str]:
    """What a version holds of its run: energy, quality, settings and command; what it lacks is left out."""
    metrics = {key.replace("/", "."): f"{data.metrics[key]:.6g}" for key in METRICS if key in data.metrics}
    settings = {key: data.params[key] for key in PARAMS if data.params.get(key) not in (None, "None")}
    return {**metrics, **settings, **{key: data.tags[key] for key in TAGS if key in data.tags}}


def _description(data: Facts) -> str:
    wh = data.metrics.get("energy/total_wh_per_1k")
    energy = "unknown energy" if wh is None else f"{wh:.3g} Wh per 1,000 inferences"
    return (
        f"{data.tags.get('model')} on {data.tags.get('device')}: {energy}. `{data.tags.get('command') or 'no command'}`"
    )
