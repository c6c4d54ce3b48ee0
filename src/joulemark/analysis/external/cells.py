"""Tables and documents as text, read without guessing: a cell that is no finite number is None."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.quantities import LARGEST

Row = dict[str, str]


def columns(path: Path) -> tuple[str, ...]:
    """The heads of a CSV file; empty for anything else."""
    if path.suffix.lower() != ".csv":
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, UnicodeDecodeError, csv.Error):
        return ()


def lacking(path: Path, needed: Iterable[str]) -> tuple[str, ...]:
    """The needed columns that a CSV file does not have."""
    there = set(columns(path))
    return tuple(column for column in needed if column not in there)


def rows(path: Path) -> list[Row]:
    """The rows of a CSV file as text; cells beyond the heads and missing ones are empty. UserError for broken text."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [
                {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}") from None


def document(path: Path) -> Mapping[str, Any] | None:
    """The object in a JSON file; None for anything else."""
    if path.suffix.lower() != ".json":
        return None
    try:
        values = _parsed(path)
    except (OSError, ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def broken(path: Path) -> str | None:
    """Where a JSON file is cut off or wrong; None for one that can be read and for other files."""
    if path.suffix.lower() != ".json":
        return None
    try:
        _parsed(path)
    except (OSError, ValueError, RecursionError) as error:
        return " ".join(str(error).split())
    return None


def _parsed(path: Path) -> Any:
    """The document's values, whose texts are whole: half of a character can be stored nowhere."""
    values = json.loads(path.read_text(encoding="utf-8"))
    json.dumps(values, ensure_ascii=False).encode()
    return values


def number(cell: Any) -> float | None:
    """The number in a cell or of a JSON value; None for anything else, `nan`, true and what no quantity is among it."""
    if isinstance(cell, bool) or cell is None:
        return None
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if abs(value) <= LARGEST else None  # not where it is NaN, either


def read(cell: Any, scale: float = 1.0) -> float | None:
    """A reading in another unit; None where it is not above zero: no sensor reads nothing while a machine is on."""
    value = number(cell)
    return value * scale if value is not None and value > 0 else None


def whole(cell: Any) -> int | None:
    """The count in a cell; None where it is not one."""
    value = number(cell)
    return int(value) if value is not None and value == int(value) else None


def count(cell: Any) -> int | None:
    """The count in a cell of things of which there is at least one; None for anything else."""
    value = whole(cell)
    return value if value is not None and value >= 1 else None


def text(value: Any) -> str | None:
    """A text that says something; None for anything else."""
    return value.strip() or None if isinstance(value, str) else None


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The numbers and texts among some values, as text."""
    return {name: str(value) for name, value in values.items() if isinstance(value, int | float | str)}


def seconds(stamp: str) -> float | None:
    """A time since the epoch; one that names no zone is taken for UTC. None where it cannot be read."""
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def listed(names: Sequence[str], most: int = 8) -> str:
    """`a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
