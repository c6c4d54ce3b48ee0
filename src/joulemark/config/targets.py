"""What a `_target_` may be: a class of one of five groups, of this package or named in a user's own YAML.

A class is code that runs. So it is chosen where code is: in a file of the package's conf/, or of a folder that the user
wrote (./conf) or named (--config-dir). No option, no row of data and no stored record names another one.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra.errors import HydraException
from hydra.utils import instantiate

from joulemark.config import search_path, yaml_file
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.serving import STARTED

# What each is by its protocol (core/task.py, core/model.py, core/measurement.py), and the package of those that ship
PROTOCOLS = {
    "task": ("joulemark.tasks.", ("accepts", "gives", "samples", "score")),
    "model": ("joulemark.models.", ("load",)),
    "meter": ("joulemark.meters.", ("open", "start", "stop", "close")),
    "scenario": ("joulemark.scenarios.", ("schedule",)),
    "engine": ("joulemark.engines.", ("needs", "options", "check", "start")),
}
# Keys that Hydra gives a meaning of their own, beside parameters of the class
RESERVED = ("_target_", "_args_", "_partial_", "_recursive_", "_convert_")


def class_of(node: Mapping[str, Any], kind: str) -> Any:
    """The class that a composed node of `conf/task`, `model` or `meter` names.

    Raises:
        UserError: a target of neither this package nor a user's own YAML, or one that is no class of that kind
    """
    target = node["_target_"]
    package, needed = PROTOCOLS[kind]
    if not isinstance(target, str) or not (target.startswith(package) or target in _named(kind)):
        raise UserError(
            f"{kind}._target_={target}: a class is named in a YAML of conf/{kind} here or of --config-dir, nowhere else"
        )
    if reserved := next((key for key in RESERVED[1:] if key in node), None):
        raise UserError(f"{kind}.{reserved}: no parameter of a {kind}; leave it out")
    # Hydra imports it, so that its own refusal of unsafe targets holds
    try:
        found = instantiate({"_target_": target, "_partial_": True}).func
    except HydraException as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise UserError(f"{kind}._target_={target} cannot be imported: {reason}") from None
    of_the_package = not target.startswith(package) or getattr(found, "__module__", "").startswith(package)
    missing = [name for name in needed if not hasattr(found, name)]
    if not isinstance(found, type) or missing or not of_the_package:
        raise UserError(f"{kind}._target_={target} is no class of a {kind}: it lacks {', '.join(missing) or 'a class'}")
    return found


def check_command(node: Mapping[str, Any], name: str) -> None:
    """Checks that what an engine starts stands in a YAML of conf/engine, here or in a folder of the user's.

    Raises:
        UserError: it was typed, or came with anything else than such a file
    """
    for key in STARTED:
        if key in node and not any(values.get(key) == node[key] for values in _files("engine", (CONF,))):
            raise UserError(
                f"engine.{key}: what is started is named in a YAML of conf/engine here or of --config-dir, nowhere "
                f"else; copy engine={name} to one of your own"
            )


def _named(kind: str) -> frozenset[str]:
    """The targets of a group in the folders that the user wrote or named."""
    return frozenset(target for values in _files(kind) for target in _targets(values))


def _files(kind: str, shipped: Sequence[Path] = ()) -> Iterator[Mapping[str, Any]]:
    """The values of each file of a group in those folders that the user wrote or named, after the `shipped` ones."""
    for folder in (*shipped, *search_path.of_the_user()):
        for path in (folder / kind).rglob("*.yaml"):
            yield _values(path, path.stat().st_mtime_ns)


@cache  # a sweep asks thousands of times
def _values(path: Path, changed_ns: int) -> Mapping[str, Any]:
    try:
        return yaml_file.read(path)
    except (OSError, ValueError, yaml.YAMLError):  # refused by Hydra where it is chosen
        return {}


def _targets(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(target := node.get("_target_"), str):
            yield target
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _targets(value)
