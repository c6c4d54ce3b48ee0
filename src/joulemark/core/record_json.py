"""A Record as JSON values and back, with nothing lost: what `record.json` holds and reports read."""

import json
from array import array
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from math import isfinite
from typing import Any

from joulemark.core import record_check, record_upgrade
from joulemark.core.errors import UserError
from joulemark.core.record import SCHEMA, Record

UNSTORED = frozenset(field.name for field in fields(Record) if not field.metadata.get("stored", True))


def to_json(record: Record) -> dict[str, Any]:
    """The record as dicts, lists, strings and numbers, `schema` among them; what is not finite is not available."""
    values: dict[str, Any] = plain(record)
    return {name: value for name, value in values.items() if name not in UNSTORED}


def from_text(text: str) -> Record:
    """The record in the text of a record.json, or of one that was set aside and has its params beside it.

    Raises:
        UserError: as `from_json`, and where the text is not JSON
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"this file is not JSON: {error}") from None
    return from_json(values.get("record", values) if isinstance(values, dict) else values)


def from_json(values: Any) -> Record:
    """The record again, an older one upgraded to today's schema.

    Raises:
        UserError: it was written by a newer program than this one, is no record, or contradicts itself
    """
    from pydantic import ValidationError

    schema = values.get("schema") if isinstance(values, Mapping) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UserError("this file is not a record of Joulemark: it has no schema")
    if schema > SCHEMA:
        raise UserError(f"this record has schema {schema}, this program reads up to {SCHEMA}: update Joulemark")
    if fault := record_check.unreadable(values):
        raise UserError(f"this record is broken at {fault}")
    try:
        current = record_upgrade.upgraded(values)
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"this record of schema {schema} is broken: {type(error).__name__}: {error}") from None
    try:
        record: Record = _adapter().validate_python(current)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(f"this record is broken at {place}: {first['msg']}") from None
    if fault := record_check.contradiction(record.measurement):
        raise UserError(f"this record is broken at {fault}")
    return record


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)  # made once: it takes a hundred times as long as reading a record


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
