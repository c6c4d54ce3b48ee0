"""Composed values to dataclasses, each of the right type; one line that names the key for whatever is not."""

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, TypeVar, cast

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

T = TypeVar("T")

BOUNDS = {"ge": "{:g} or more", "gt": "above {:g}", "le": "at most {:g}"}  # of core.quantities, in our words


def typed(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass with each value of the right type; UserError names the key that is not."""
    from pydantic import ValidationError

    adapter = _adapter(cast(Hashable, cls))
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UserError(choose(f"{where}.{key}", "…", known))
    for key, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and values.get(key, "???") == "???":
            raise UserError(f"{where}.{key} has no value; type {where}.{key}=…")
    try:
        made: T = adapter.validate_python(dict(values))
        return made
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join([where, *(str(part) for part in first["loc"])])
        shown = tracking.public_override(f"{key.rpartition('.')[2]}={first['input']}").partition("=")[2]
        raise UserError(f"{key}={shown}: {_wanted(first)}") from None


@cache
def _adapter(cls: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def _wanted(error: Mapping[str, Any]) -> str:
    bounds = error.get("ctx", {})
    for bound, words in BOUNDS.items():
        if bound in bounds:
            return f"must be {words.format(bounds[bound])}"
    message = str(error["msg"])
    return f"{message[0].lower()}{message[1:]}"


def mapping(node: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """Takes the key out of the node; UserError where someone put a plain value in its place."""
    value = node.pop(key, None) or {}
    if not isinstance(value, dict):
        raise UserError(f"{where}.{key}={value}: this key holds others; set one of them, {where}.{key}.NAME=…")
    return value


def without(values: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The values less those of some keys."""
    return {key: value for key, value in values.items() if key not in keys}
