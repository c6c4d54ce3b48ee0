"""What stores hold under names that are no longer written, read under today's names; pure.

The names changed on 2026-11-28, with record schema 3. Every reader of a store passes what it reads through here.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from joulemark.config import renamed
from joulemark.core import paths, record_upgrade

METRIC_GROUPS = {"floor/": "lower_bound/", "phases/": "stages/"}

# A record has no results of others: theirs are runs without one
FLAGS = {**record_upgrade.FLAGS, "foreign": "external"}
TAGS = {"foreign": "external", "foreign.kind": "external.kind", "foreign.digest": "external.digest"}
COMMAND_TAGS = ("command", "sweep.command")

QUOTING = frozenset("\"'\\")

PROGRAMS = tuple(tuple(f"{prefix}run".split()) for prefix in paths.PREFIXES)


@cache
def metric(name: str) -> str:
    """Today's name of a metric."""
    for before, now in METRIC_GROUPS.items():
        if name.startswith(before):
            return now + name.removeprefix(before)
    return record_upgrade.METRICS.get(name, name)


def metrics(values: Mapping[str, float]) -> dict[str, float]:
    """The metrics under today's names; where a run has both names, today's value."""
    return {**{metric(name): value for name, value in values.items()},
            **{name: value for name, value in values.items() if metric(name) == name}}  # fmt: skip


def tags(values: Mapping[str, str]) -> dict[str, str]:
    """The tags under today's names and with today's flags, methods, and options in commands."""
    renewed = {TAGS.get(key, key): _tag(key, value) for key, value in values.items()}
    return {**renewed, **{key: _tag(key, value) for key, value in values.items() if key not in TAGS}}


def params(values: Mapping[str, str]) -> dict[str, str]:
    """The params under today's names of the options."""
    return dict(_option(key, value) for key, value in values.items())


def site(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a stored site under today's names."""
    return {(renamed.new_name(f"site.{key}") or f"site.{key}").removeprefix("site."): value
            for key, value in values.items()}  # fmt: skip


def param_names(names: Iterable[str]) -> frozenset[str]:
    """These params' names and those that they had before: what a store must be queried for."""
    wanted = frozenset(names)
    return wanted | {before for before, now in renamed.RUN.items() if now in wanted}


def overrides(command: str) -> tuple[str, ...] | None:
    """The overrides of a stored command under today's names, in alphabetical order, whichever program is named before.

    None for text that is no command of a run.
    """
    try:  # nothing quoted is split alike, twenty times as fast: a report splits the command of every run
        parts = shlex.split(command) if QUOTING & set(command) else command.split()
    except ValueError:
        return None
    for program in PROGRAMS:
        if tuple(parts[: len(program)]) == program:
            return tuple(sorted(renamed.renewed(parts[len(program) :])))
    return None


def command(text: str) -> str:
    """A stored command as it is typed today, here; text that is no command of a run as it is."""
    options = overrides(text)
    return text if options is None else " ".join([paths.program("run"), *map(shlex.quote, options)])


def _tag(key: str, value: str) -> str:
    if key == "flags":
        return ", ".join(_each(value.split(", "), FLAGS))
    if key.startswith("method."):
        return record_upgrade.METHODS.get(value, value)
    if key == "role":
        return record_upgrade.ROLES.get(value, value)
    return command(value) if key in COMMAND_TAGS else value


def _each(entries: Sequence[str], names: Mapping[str, str]) -> list[str]:
    return sorted(names.get(entry, entry) for entry in entries)


def _option(key: str, value: str) -> tuple[str, str]:
    (option,) = renamed.renewed([f"{key}={value}"])
    name, _, renewed = option.partition("=")
    return name, renewed
