"""What is added to a store that is there: to a run, to an experiment, to the registry."""

from collections.abc import Mapping
from typing import Any

from mlflow.exceptions import MlflowException

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.store import model_registry
from joulemark.store.opening import address, alone, open_store, reachable, reader
from joulemark.store.writing import write


def add(uri: str, run_id: str, metrics: Mapping[str, float | None], tags: Mapping[str, str]) -> None:
    """Adds metrics and tags to a stored run; those that it has under other names stay as they are."""
    with alone(uri):
        write(reader(uri), run_id, metrics, tags=tags)


def label(uri: str, task: str, key: str, value: str) -> str:
    """Writes a tag of the task's experiment; returns the experiment's id."""
    opened = open_store(uri, task)
    with alone(uri):
        opened.client.set_experiment_tag(opened.experiment_id, key, value)
    return opened.experiment_id


def register(uri: str, run_id: str, name: str, alias: str = model_registry.ALIAS) -> dict[str, Any]:
    """Puts a finished run into the model registry under a name and moves the alias to it; returns where it is.

    UserError for a run or a name that cannot be registered, and for a store without a registry.
    """
    model_registry.check(name, alias)
    client = reader(uri)
    with reachable(uri), alone(uri):
        try:
            registered = model_registry.register(client, run_id, name, alias)
        except MlflowException as error:
            reason = tracking.without_secrets(str(error).strip().splitlines()[0], uri)[:200]
            raise UserError(f"run {run_id[:12]} cannot be registered in {tracking.public(uri)}: {reason}") from None
    path = f"#/models/{name}/versions/{registered.version}"
    return {"name": name, "version": registered.version, "alias": alias, "new": registered.new,
            "url": address(uri, path), "ui_path": path}  # fmt: skip
