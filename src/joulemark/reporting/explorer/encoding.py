"""Columns as JSON that a browser reads fast: a hundred thousand rows in some ten megabytes.

Numbers are single precision, seven digits, where the page shows three and the CSV six. What repeats is numbered: its
values once, and for each row which.
"""

import base64
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

MOST_NUMBERED = 4096  # distinct numbers up to which a column of them is numbered
LARGEST, SMALLEST = (float(value) for value in (np.finfo(np.float32).max, np.finfo(np.float32).tiny))
OWN_ID = re.compile(r"[0-9a-f]{32}")  # of a run, as MLflow makes it


def numbered(texts: Sequence[str]) -> dict[str, Any]:
    """The texts once each, and for each row the number of its own."""
    number = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return {"values": list(number), **_codes([number[text] for text in texts], len(number))}


def numbers(values: Sequence[float | None]) -> dict[str, Any] | None:
    """The numbers, None where unknown; None for a column in which nothing is known."""
    known = [value if value is not None and math.isfinite(value) else None for value in values]
    distinct = dict.fromkeys(known)
    if not distinct.keys() - {None}:
        return None
    beyond = any(
        value is not None and (abs(value) > LARGEST or (value != 0 and abs(value) < SMALLEST)) for value in distinct
    )
    if beyond or len(distinct) <= min(MOST_NUMBERED, len(known) // 2 + 2) or _needs_all_digits(distinct):
        number = {value: place for place, value in enumerate(distinct)}
        return {"values": list(number), **_codes([number[value] for value in known], len(number))}
    singles = np.array([math.nan if value is None else value for value in known], dtype="<f4")
    return {"singles": _text(singles)}


def ids(run_ids: Sequence[str]) -> dict[str, Any]:
    """Run ids, 16 bytes each where all are MLflow's own; else as they are."""
    if not all(OWN_ID.fullmatch(each) for each in run_ids):
        return {"values": list(run_ids)}
    return {"bytes": base64.b64encode(bytes.fromhex("".join(run_ids))).decode()}


def bits(marked: Sequence[bool]) -> dict[str, Any]:
    """For each row 1 or 0."""
    return _codes([int(each) for each in marked], 2)


def _needs_all_digits(distinct: Iterable[float | None]) -> bool:
    """Whether single precision would change one: a whole number of more than 16 million."""
    return any(value is not None and value == int(value) and abs(value) > 2**24 for value in distinct)


def _codes(codes: Sequence[int], count: int) -> dict[str, Any]:
    width = 1 if count <= 2**8 else 2 if count <= 2**16 else 4
    return {"at": _text(np.array(codes, dtype=f"<u{width}")), "width": width}


def _text(values: Any) -> str:
    return base64.b64encode(values.tobytes()).decode()
