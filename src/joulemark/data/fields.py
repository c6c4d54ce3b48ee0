"""What the fields of a row may hold: text, a label, a file; each read as what it says, or the row is not usable."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from joulemark.core.errors import BadRowError
from joulemark.data.media import STANDARD, Media

SHOWN = 10  # of a map's labels or a row's fields, in a message
UNNAMED = "the dataset's names, of which there are none; type +task.datasets.NAME.labels=[…]"
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One row of a source.

    Attributes:
        id: where it stands in its source, for messages and the table of requests
        values: its fields by the task's names
        folder: of the data file, from which the paths in it start; None where there is no file
        media: what its images and sounds may be
    """

    id: str
    values: Mapping[str, Any]
    folder: Path | None = None
    media: Media = STANDARD


def text_of(row: Row, field: str) -> str:
    """The row's field as text; BadRowError where it holds something else or nothing."""
    value = row.values[field]
    if not isinstance(value, str) or not value.strip():
        raise BadRowError(f"field '{field}' is empty or not text")
    return value


def reference_of(row: Row, field: str) -> str | None:
    """The row's reference text; None where the source has none, BadRowError where it holds something else."""
    value = row.values.get(field)
    if blank(value):
        return None
    if not isinstance(value, str):
        raise BadRowError(f"field '{field}' is not text, but {type(value).__name__}")
    return value


def named(value: Any, labels: Sequence[str], what: str = "label") -> str:
    """The label in a field, given by its name or by its place among them; BadRowError where it is none of them.

    A number counts as a name where one of the labels is written so (`1`, of the stars of a review). A truth value has
    no place: which label is the true one is written nowhere.
    """
    number = whole(value)
    text = value.strip() if isinstance(value, str) else str(value if number is None else number)
    known = {label.strip().lower(): label for label in labels}
    if not labels and isinstance(value, str) and text:
        return text
    for name in (text, str(number)):
        if name.lower() in known:
            return known[name.lower()]
    if number is not None and 0 <= number < len(labels):
        return labels[number]
    true_or_false = "; a truth value names none: write the name" if text.lower() in ("true", "false") and labels else ""
    raise BadRowError(f"{what} {value!r} is not one of {some(labels) or UNNAMED}{true_or_false}")


def whole(value: Any) -> int | None:
    """The whole number that a field holds, also as text (a csv has nothing else) or as a float; None for all others."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(float(value)) if re.fullmatch(r"\s*-?[0-9]{1,9}(\.0*)?\s*", value) else None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value) else None


def blank(value: Any) -> bool:
    """Whether a field holds nothing: null, white space alone, or the NaN that tables have for a missing value."""
    if isinstance(value, float | Decimal):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and not value.strip())


def check_characters(value: Any, column: str) -> None:
    """BadRowError for text, however deep in a field, that holds half of a character: no tokenizer takes it."""
    if isinstance(value, str):
        half = None if value.isascii() else SURROGATE.search(value)
        if half:
            place = f"U+{ord(half.group()):04X} at character {half.start() + 1}"
            raise BadRowError(f"field '{column}' holds a lone surrogate ({place}), which is half of a character")
    elif isinstance(value, Mapping):
        for part in value.values():
            check_characters(part, column)
    elif isinstance(value, list | tuple):
        for part in value:
            check_characters(part, column)


def some(names: Sequence[str]) -> str:
    """The names there are, the first few where they are many: a message is one line."""
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
