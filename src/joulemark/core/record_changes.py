"""What is new in a record since it was last written, as JSON values: a draft costs what was measured since the last."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from joulemark.core.record import Record
from joulemark.core.record_json import plain


def changes(before: Record, after: Record) -> dict[str, dict[str, Any]]:
    """The fields that differ, by dotted name: `set` holds whole values, `extend` what was added to a sequence."""
    found: dict[str, dict[str, Any]] = {"set": {}, "extend": {}}
    for kind, name, value in _differences("", before, after):
        found[kind][name] = plain(value)
    return {kind: values for kind, values in found.items() if values}


def apply(values: dict[str, Any], change: Mapping[str, Mapping[str, Any]]) -> None:
    """Brings a record's JSON values up to date, in place."""
    for name, value in change.get("set", {}).items():
        place, last = _place(values, name)
        place[last] = value
    for name, added in change.get("extend", {}).items():
        place, last = _place(values, name)
        place[last] = [*(place[last] or ()), *added]


def _differences(prefix: str, before: Any, after: Any) -> Iterator[tuple[str, str, Any]]:
    """(`set` or `extend`, dotted name, value). What was not replaced is the same object: a record is never changed."""
    for field in fields(after):
        name, old, new = f"{prefix}{field.name}", getattr(before, field.name), getattr(after, field.name)
        if old is new or not field.metadata.get("stored", True):
            continue
        if is_dataclass(new) and type(old) is type(new):
            yield from _differences(f"{name}.", old, new)
        elif isinstance(new, tuple) and isinstance(old, tuple) and _begins_with(new, old):
            yield "extend", name, new[len(old) :]
        else:
            yield "set", name, new


def _begins_with(longer: tuple[Any, ...], shorter: tuple[Any, ...]) -> bool:
    return len(longer) >= len(shorter) and all(a is b for a, b in zip(longer, shorter, strict=False))


def _place(values: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    *parents, last = name.split(".")
    for parent in parents:
        values = values[parent]
    return values, last
