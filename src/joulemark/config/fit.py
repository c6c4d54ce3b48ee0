"""Which tasks a model can do: those whose input it accepts and whose output it gives (`core.model.fits`)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from joulemark.config import yaml_file
from joulemark.config.targets import class_of
from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities, Model, fits
from joulemark.core.paths import CONF, own_conf
from joulemark.core.task import Task


def check(model: Model, task: Task, names: Mapping[str, str]) -> None:
    """Refuses a task that the model cannot do.

    Raises:
        UserError: what the model can do instead, or what the task lacks for a model that is given a prompt.
    """
    if not fits(model.capabilities, task.name, task.accepts, task.gives):
        tasks = tasks_of(model.capabilities)
        raise UserError(
            f"model={names['model']} cannot do task={names['task']}, which has {task.accepts} in and {task.gives} out; "
            f"it does: {', '.join(tasks) or 'no task of conf/task'}"
        )
    if model.role == "general_purpose" and not hasattr(task, "prompt"):
        raise UserError(
            f"model={names['model']} is given a prompt, and task={names['task']} has none; choose a specialist"
        )


def tasks_of(capabilities: Capabilities) -> list[str]:
    """The tasks that a model with these capabilities can do."""
    return [
        name
        for name, (accepts, gives) in _tasks((CONF, own_conf())).items()
        if fits(capabilities, name, accepts, gives)
    ]


@cache
def _tasks(folders: tuple[Path, ...]) -> Mapping[str, tuple[str, str]]:
    """Input and output of each task of these folders."""
    files = [path for folder in folders for path in sorted((folder / "task").glob("*.yaml"))]
    classes = {path.stem: class_of(yaml_file.read(path), "task") for path in files}
    return {name: (cls.accepts, cls.gives) for name, cls in classes.items()}
