"""A pin: the setting that a sweep recommended, kept as `conf/tuned/NAME.yaml` and run with `tuned=NAME`.

It holds settings only, so words typed by hand win over it, and says of which model, on which card and by which sweep
they were found: another model is refused, another card is said.
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
class Pin:
    """Where a setting comes from. `model` is the model's label, with its size (`bloomz-560m`)."""

    name: str
    model: str
    task: str
    card: str
    date: str
    sweep_id: str
    versions: Mapping[str, str | None] = field(default_factory=dict)


def check(pin: Pin, model: str, task: str, card: str) -> tuple[str, ...]:
    """What must be said of a pinned setting on this run; UserError for another model than the one it was found with."""
    if model != pin.model:
        raise UserError(
            f"tuned={pin.name} was found for {pin.model}, and this run is of {model}; leave tuned=… out, or sweep it: "
            f"-m sweep=efficiency sweep.save_as=…"
        )
    other = [
        *([f"task={pin.task}, and this run does {task}"] if task != pin.task else []),
        *([f"{pin.card}, and this run is on {card}"] if card != pin.card else []),
    ]
    return tuple(f"tuned={pin.name} was found on {one}: it may not be the best here" for one in other)


def place(name: str | None, folder: Path | None = None) -> Path | None:
    """The file that a pin of this name gets; UserError where the name cannot be one, or is taken."""
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


def settings(words: Sequence[str]) -> dict[str, Any]:
    """Of the overrides of a run its settings, as nested values of YAML."""
    found: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key in SETTINGS or key.startswith("task."):
            *path, last = key.split(".")
            node = found
            for part in path:
                node = node.setdefault(part, {})
            node[last] = yaml.safe_load(value)
    return found


def text(pin: Pin, words: Sequence[str], figures: str) -> str:
    """The file: a head for people, where it comes from, and the settings. `figures` are what was measured."""
    shown = ", ".join(f"{name} {version}" for name, version in pin.versions.items() if version)
    head = [
        "# @package _global_",
        f"# {pin.model}, task={pin.task}: {' '.join(words)}",
        f"# found on {pin.card}, {pin.date}, by sweep {pin.sweep_id}, with {shown}",
        f"# {figures}",
    ]
    values = {"tuned": asdict(pin), **settings(words)}
    return "\n".join([*head, yaml.safe_dump(values, sort_keys=False, allow_unicode=True)])


def write(path: Path, content: str) -> str:
    """Writes the file where there is none; returns one sentence that says so, or why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        return f"not pinned: {shown(path)}: {error.strerror}"
    return f"pinned: {shown(path)}"


def shown(path: Path) -> str:
    """The file as it is called in the checkout."""
    return "/".join(path.parts[-3:])
