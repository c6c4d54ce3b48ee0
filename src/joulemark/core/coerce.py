"""Composed values to dataclasses, each of the right type; one line that names the key for whatever is not."""

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

T = TypeVar("T")

KINDS = {"float_parsing": "a number", "int_parsing": "a whole number", "bool_parsing": "true or false"}
BOUNDS = {"ge": "{:g} or more", "gt": "above {:g}", "le": "at most {:g}"}  # of core.quantities, in our words


def typed(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """An instance of a dataclass with each value of the right type; UserError names the key that is not.

    `where` is what stands before its keys as they are typed; nothing for the options of a command itself.
    """
    from pydantic import ValidationError

    adapter = _adapter(cast(Hashable, cls))
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UserError(choose(_dotted(where, key), "…", known))
    for key, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and values.get(key, "???") == "???":
            raise UserError(f"{_dotted(where, key)} has no value; type {_dotted(where, key)}=…")
    given = {key: several(value) if _takes_several(known[key]) else value for key, value in values.items()}
    try:
        made: T = adapter.validate_python(given)
        return made
    except ValidationError as error:
        first = error.errors()[0]
        key = _dotted(where, *(str(part) for part in first["loc"]))
        if first["type"] == "string_type" and isinstance(first["input"], int | float):  # an id of digits, or with one e
            name = _dotted(where, str(first["loc"][0]))
            raise UserError(f"{name}: {first['input']} is a number to YAML, so quote it: '{name}=[\"…\"]'") from None
        shown = tracking.public_override(f"{key.rpartition('.')[2]}={first['input']}").partition("=")[2]
        wanted = _wanted(first)
        raise UserError(f"{key}={shown}{' ' if wanted.startswith('is not') else ': '}{wanted}") from None


def flag(key: str, value: Any) -> bool:
    """A value that is true or false; UserError for any other, which Python would take for true."""
    if not isinstance(value, bool):
        raise UserError(f"{key}={value} is not true or false")
    return value


def several(value: Any) -> Any:
    """The values of a key that takes several: `tasks=chat` means `tasks=[chat]`."""
    return [value] if isinstance(value, str | int | float) else value


def _takes_several(field: Field[Any]) -> bool:
    return tuple in (get_origin(each) for each in (field.type, *get_args(field.type)))


def _dotted(where: str, *parts: str) -> str:
    return ".".join(part for part in (where, *parts) if part)


@cache
def _adapter(cls: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def _wanted(error: Mapping[str, Any]) -> str:
    bounds = error.get("ctx", {})
    for bound, words in BOUNDS.items():
        if bound in bounds:
            return f"must be {words.format(bounds[bound])}"
    if error["type"] == "float_parsing" and (share := _share(error["input"])) is not None:
        return f"a share is typed as a number, {share:g}"
    if (kind := KINDS.get(error["type"])) is not None:
        return f"is not {kind}"
    message = str(error["msg"])
    return f"{message[0].lower()}{message[1:]}"


def _share(text: Any) -> float | None:
    """The share that `80%` means; None for any other text."""
    try:
        return float(str(text).removesuffix("%")) / 100 if str(text).endswith("%") else None
    except ValueError:
        return None


def mapping(node: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    """Takes the key out of the node; UserError where someone put a plain value in its place."""
    value = node.pop(key, None) or {}
    if not isinstance(value, dict):
        raise UserError(f"{where}.{key}={value}: this key holds others; set one of them, {where}.{key}.NAME=…")
    return value


def without(values: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The values less those of some keys."""
    return {key: value for key, value in values.items() if key not in keys}
