"""The setting that a sweep recommended, saved as `conf/tuned/NAME.yaml` and run with `tuned=NAME`.

The file holds settings only, so options on the command line prevail, and names the model, card and sweep that they come
from: another model is refused, another task or card becomes a note of the run.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.model import Settings

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# Of the overrides of a sweep only these, and keys of a task that were searched, are kept
SETTINGS = tuple(setting.name for setting in fields(Settings))


@dataclass(frozen=True)
class SavedSetting:
    """Where a saved setting comes from.

    Attributes:
        name: of its file, as in `tuned=NAME`
        model: the model's label with its size, such as `bloomz-560m`
        task: the task that the sweep measured
        card: product name of the device that it measured on
        date: day of the recommendation, YYYY-MM-DD
        sweep_id: the sweep that recommended it
        versions: the packages whose version may change the recommendation; None for one that was not installed
    """

    name: str
    model: str
    task: str
    card: str
    date: str
    sweep_id: str
    versions: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def params(self) -> dict[str, str]:
        """How the params of a run name it."""
        return {"tuned": self.name, **{f"tuned.{key}": getattr(self, key) for key in ("sweep_id", "card", "date")}}


def check(saved: SavedSetting, model: str, task: str, card: str) -> tuple[str, ...]:
    """The notes of a run with a saved setting: each way in which the run differs from the sweep that recommended it.

    Raises:
        UserError: the run is of another model.
    """
    if model != saved.model:
        raise UserError(
            f"tuned={saved.name} was found for {saved.model}, and this run is of {model}; "
            f"leave tuned=… out, or sweep it: -m sweep=efficiency sweep.save_as=…"
        )
    differences = [
        *([f"task={saved.task}, and this run does {task}"] if task != saved.task else []),
        *([f"{saved.card}, and this run is on {card}"] if card != saved.card else []),
    ]
    return tuple(
        f"tuned={saved.name} was found on {difference}: it may not be the best here" for difference in differences
    )


def place(name: str | None, folder: Path | None = None) -> Path | None:
    """The file for a saved setting of this name; UserError for a name that is invalid or taken."""
    if name is None:
        return None
    if not NAME.fullmatch(name) or name == "none":
        raise UserError(
            f"sweep.save_as={name}: a name of letters, digits and _ that begins with a letter, and not none"
        )
    path = (folder or paths.own_conf() / "tuned") / f"{name}.yaml"
    if path.exists():
        raise UserError(f"sweep.save_as={name}: {shown(path)} is there already; type another name, or remove it")
    return path


def settings(overrides: Sequence[str]) -> dict[str, Any]:
    """The settings among the overrides of a run, as nested values of YAML."""
    values: dict[str, Any] = {}
    for override in overrides:
        key, _, value = override.partition("=")
        if key in SETTINGS or key.startswith("task."):
            *path, last = key.split(".")
            node = values
            for part in path:
                node = node.setdefault(part, {})
            node[last] = yaml.safe_load(value)
    return values


def text(saved: SavedSetting, overrides: Sequence[str], figures: str) -> str:
    """The content of the file: a comment with its origin and the measured `figures`, then the settings."""
    shown = ", ".join(f"{name} {version}" for name, version in saved.versions.items() if version)
    head = [
        "# @package _global_",
        f"# {saved.model}, task={saved.task}: {' '.join(overrides)}",
        f"# found on {saved.card}, {saved.date}, by sweep {saved.sweep_id}, with {shown}",
        f"# {figures}",
    ]
    values = {"tuned": asdict(saved), **settings(overrides)}
    return "\n".join([*head, yaml.safe_dump(values, sort_keys=False, allow_unicode=True)])


def write(path: Path, content: str) -> str:
    """Writes the file unless it exists; returns one sentence with its path, or why it was not written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        return f"not saved: {shown(path)}: {error.strerror}"
    return f"saved: {shown(path)}"


def shown(path: Path) -> str:
    """The last three parts of the path, as in `conf/tuned/NAME.yaml`."""
    return "/".join(path.parts[-3:])
