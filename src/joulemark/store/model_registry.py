"""The chosen model in MLflow's registry: one registered model per task, its version a run, `greenest` the one to use.

A version holds no weights: its source is the run, and its tags say which checkpoint, settings and command made it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joulemark.core.errors import UserError

ALIAS = "greenest"
NAME = re.compile(r"[A-Za-z0-9_.-]+")
RESERVED = re.compile(r"latest|v\d+", re.IGNORECASE)  # MLflow's own words for versions

# Of the run's metrics and params to the version's tags
METRICS = (
    "energy/total_wh_per_1k",
    "energy/ci95_rel",
    "energy/estimated_share",
    "emissions/g_per_1k",
    "quality/primary",
    "latency/p95_s",
)
PARAMS = (
    "model.checkpoint",
    "model.revision",
    "batch_size",
    "precision",
    "attention",
    "cache",
    "compile",
    "sort",
    "preprocessing_workers",
)
TAGS = ("model", "task", "metric", "device", "protocol", "dataset", "verdict", "flags", "command", "record.id")


@dataclass(frozen=True)
class Registered:
    """A version of a registered model; `new` is false where the run had one already."""

    version: str
    new: bool


def check(name: str, alias: str) -> None:
    """Refuses what MLflow takes for something else, before it is asked."""
    for key, word in (("name", name), ("alias", alias)):
        if not NAME.fullmatch(word):
            raise UserError(f"{key}={word} cannot be registered: letters, digits, dots, dashes and underscores only")
    if RESERVED.fullmatch(alias):
        raise UserError(f"alias={alias} is a word of MLflow's own; type another, such as alias={ALIAS}")


def register(client: Any, run_id: str, name: str, alias: str = ALIAS) -> Registered:
    """Makes a version of the run unless there is one, tags it, and moves the alias to it.

    `client` is MLflow's. UserError for a run that is not finished or whose weights are random.
    """
    run = client.get_run(run_id)
    tags: Mapping[str, str] = run.data.tags
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
        name, source=f"runs:/{run_id}", run_id=run_id, tags=facts(run.data), description=_description(run.data)
    )  # fmt: skip
    client.set_registered_model_alias(name, alias, version.version)
    return Registered(str(version.version), new=not known)


def facts(data: Any) -> dict[str, str]:
    """What of a run's data is told of its version: energy, quality, settings and command; what it lacks is left out."""
    metrics = {key.replace("/", "."): f"{data.metrics[key]:.6g}" for key in METRICS if key in data.metrics}
    words = {key: data.params[key] for key in PARAMS if data.params.get(key) not in (None, "None")}
    return {**metrics, **words, **{key: data.tags[key] for key in TAGS if key in data.tags}}


def _description(data: Any) -> str:
    wh = data.metrics.get("energy/total_wh_per_1k")
    energy = "unknown energy" if wh is None else f"{wh:.3g} Wh per 1,000 inferences"
    return (
        f"{data.tags.get('model')} on {data.tags.get('device')}: {energy}. `{data.tags.get('command') or 'no command'}`"
    )
