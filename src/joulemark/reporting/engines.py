"""Runs of different engines: named apart by their options, and ranked together only where that is asked."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from joulemark.reporting.entry import Entry
from joulemark.reporting.stored_entry import ENGINE


def across(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, those of all engines in one group where nothing else differs."""
    return tuple(replace(entry, key=entry.key.partition(ENGINE)[0] if entry.served else entry.key) for entry in entries)


def named(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries, with the options by which those of one engine differ among their settings."""
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in entries:
        for key, value in _options(entry).items():
            values[(entry.engine, key)].add(value)
    return tuple(_with_options(entry, values) if entry.engine_options else entry for entry in entries)


def _with_options(entry: Entry, values: dict[tuple[str, str], set[str]]) -> Entry:
    differing = [
        f"engine.{key}={value}" for key, value in _options(entry).items() if len(values[(entry.engine, key)]) > 1
    ]
    return replace(entry, settings=", ".join(part for part in (entry.settings, *differing) if part))


def _options(entry: Entry) -> dict[str, str]:
    """The engine's options as texts; none where they cannot be read."""
    try:
        read = json.loads(entry.engine_options or "{}")
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in read.items()}
