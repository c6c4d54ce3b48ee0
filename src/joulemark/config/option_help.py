"""Every option of a command with its default and its meaning: those of conf/, and the settings of a run.

In conf/ a comment after a value is its meaning; one after an entry of the defaults list is the meaning of that group.
The settings have both in the fields of `core.model.Settings`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from joulemark.core.model import Settings
from joulemark.core.paths import CONF, own_conf
from joulemark.core.serving import STARTED

# Tables of a task or model, whose entries are choices and not options
TABLES = ("datasets", "sizes", "shape", "processor", "cells", "requires")
# Keys that are no options: what composes the file, Hydra's own, a fact of a kind of model, and what an engine starts
INTERNAL = ("defaults", "hydra", "_target_", "model.tasks", *(f"engine.{key}" for key in STARTED))


@dataclass(frozen=True)
class Option:
    """One key of a command.

    Attributes:
        key: dotted, as it is typed
        default: the value in the YAML, as it is typed
        meaning: the comment beside it, empty where there is none
    """

    key: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Group:
    """One group of choices: a folder of conf/.

    Attributes:
        name: the folder
        default: the choice that is taken where none is typed
        meaning: the comment beside it in the defaults list
        choices: the names of its YAMLs
    """

    name: str
    default: str
    meaning: str
    choices: tuple[str, ...]


def groups(command: str) -> list[Group]:
    """The groups of a command, in the order of its defaults list."""
    text = (CONF / f"{command}.yaml").read_text(encoding="utf-8")
    listed = []
    for node in _children(yaml.compose(text)).get("defaults", yaml.SequenceNode("", [])).value:
        if isinstance(node, yaml.MappingNode):
            ((key, value),) = node.value
            if " " not in key.value:  # not `override hydra/…`
                listed.append(Group(key.value, value.value, _comment(text, value), choices(key.value)))
    return listed


def choices(group: str) -> tuple[str, ...]:
    """The names that may be chosen in a group, a user's own included."""
    folders = (CONF / group, own_conf() / group)
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.yaml")}))


def options(command: str, chosen: Mapping[str, str] | None = None) -> list[Option]:
    """The settings of a run and the command's own options, then those of each group with the choice that is named in
    `chosen`, or its default."""
    listed = [*(settings() if command == "run" else ()), *_of_file(CONF / f"{command}.yaml", "")]
    for group in groups(command):
        if group.name != "tuned":  # a saved setting has the options of the run
            listed += options_of(group.name, (chosen or {}).get(group.name, group.default))
    return listed


def settings() -> list[Option]:
    """The settings of a run, which no file of conf/ lists."""
    return [
        Option(setting.name, str(yaml.safe_dump(setting.default)).split()[0], setting.metadata["meaning"])
        for setting in fields(Settings)
    ]


def options_of(group: str, choice: str) -> list[Option]:
    """The options that one choice of a group has; none where there is no such choice."""
    file = next(
        (
            folder / group / f"{choice}.yaml"
            for folder in (CONF, own_conf())
            if (folder / group / f"{choice}.yaml").is_file()
        ),
        None,
    )
    return _explained(_merged(_of_choice(file, group)), group) if file else []


def _explained(listed: list[Option], group: str) -> list[Option]:
    """Options without a meaning get the one that another choice of the group gives to that key."""
    if all(option.meaning for option in listed):
        return listed
    files = sorted((CONF / group).glob("*.yaml"))
    meanings = {option.key: option.meaning for file in files for option in _of_choice(file, group) if option.meaning}
    return [replace(option, meaning=option.meaning or meanings.get(option.key, "")) for option in listed]


def _merged(iterator: Iterator[Option]) -> list[Option]:
    """One of each key: the last default, and the last meaning that is given."""
    merged: dict[str, Option] = {}
    for option in iterator:
        before = merged.get(option.key, option)
        merged[option.key] = replace(option, meaning=option.meaning or before.meaning)
    return list(merged.values())


def _of_choice(file: Path, prefix: str) -> Iterator[Option]:
    """The options of a choice: those of the files that its defaults list names, then its own."""
    values: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    for entry in values.get("defaults", []):
        name, _, package = (entry if isinstance(entry, str) else "/".join(*entry.items())).partition("@")
        package, _, choice = package.partition("/")
        if package in TABLES:
            continue
        base = CONF / f"{name[1:]}.yaml" if name.startswith("/") else file.parent / f"{name}.yaml"
        base = base.with_suffix("") / f"{choice}.yaml" if choice else base
        if base.is_file():
            yield from _of_choice(base, prefix if package in ("", "_here_") else f"{prefix}.{package}")
    text = file.read_text(encoding="utf-8")
    yield from _of_file(file, "" if text.startswith("# @package _global_") else prefix)


def _of_file(file: Path, prefix: str) -> Iterator[Option]:
    text = file.read_text(encoding="utf-8")
    node = yaml.compose(text)
    if isinstance(node, yaml.MappingNode):
        yield from _of_mapping(text, node, f"{prefix}." if prefix else "")


def _of_mapping(text: str, node: yaml.MappingNode, prefix: str) -> Iterator[Option]:
    for name, value in _children(node).items():
        key = f"{prefix}{name}"
        if {name, key} & set(INTERNAL):
            continue
        if name in TABLES:
            yield Option(key, "…", _comment(text, value) or f"a table: {', '.join(_children(value)) or 'see the YAML'}")
        elif isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            yield from _of_mapping(text, value, f"{key}.")
        else:
            yield Option(key, _shown(text, value), _comment(text, value))


def _children(node: Any) -> dict[str, Any]:
    return {key.value: value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _shown(text: str, node: yaml.Node) -> str:
    return " ".join(text[node.start_mark.index : node.end_mark.index].split())


def _comment(text: str, node: yaml.Node) -> str:
    """The comment after a value on its last line."""
    rest = text[node.end_mark.index :].partition("\n")[0].strip()
    return rest.removeprefix("#").strip() if rest.startswith("#") else ""
