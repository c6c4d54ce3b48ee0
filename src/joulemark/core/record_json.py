"""A Record as JSON values and back, with nothing lost: what `record.json` holds and reports read."""

from array import array
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from math import isfinite
from typing import Any

from joulemark.core import record_upgrade
from joulemark.core.errors import UserError
from joulemark.core.record import SCHEMA, Record

UNSTORED = frozenset(field.name for field in fields(Record) if not field.metadata.get("stored", True))


def to_json(record: Record) -> dict[str, Any]:
    """The record as dicts, lists, strings and numbers, `schema` among them."""
    values: dict[str, Any] = plain(record)
    return {name: value for name, value in values.items() if name not in UNSTORED}


def from_json(values: Mapping[str, Any]) -> Record:
    """The record again, an older one upgraded to today's schema.

    Raises:
        UserError: it was written by a newer program than this one, or is no record
    """
    from pydantic import TypeAdapter, ValidationError

    schema = values.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UserError("this file is not a record of Joulemark: it has no schema")
    if schema > SCHEMA:
        raise UserError(f"this record has schema {schema}, this program reads up to {SCHEMA}: update Joulemark")
    try:
        current = record_upgrade.upgraded(values)
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"this record of schema {schema} is broken: {type(error).__name__}: {error}") from None
    try:
        return TypeAdapter(Record).validate_python(current)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"this record is broken at {place}: {first['msg']}") from None


def plain(value: Any) -> Any:
    """Any part of a record as JSON values; a number that is not finite is unknown, None: JSON has no name for it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | array):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
