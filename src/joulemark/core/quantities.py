"""What a number or a moment can be, as a type: pydantic refuses any other wherever options or a record are read.

The largest are beyond anything that is measured, and far enough below the largest float that no product overflows.
"""

from datetime import datetime
from typing import Annotated

from annotated_types import Ge, Gt, Le, Predicate

LARGEST = 1e30
LARGEST_COUNT = 2**63 - 1  # of a database's integer

Amount = Annotated[float, Ge(0), Le(LARGEST)]  # seconds, joules, watts, FLOPs: never below nothing
Positive = Annotated[float, Gt(0), Le(LARGEST)]
Share = Annotated[float, Ge(0), Le(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
Factor = Annotated[float, Ge(1), Le(LARGEST)]
Count = Annotated[int, Ge(0), Le(LARGEST_COUNT)]
Number = Annotated[int, Ge(1), Le(LARGEST_COUNT)]  # of things of which there is at least one
YEARS = range(1970, 3000)  # beyond them the seconds of a run reach past what a date can be


def iso_8601(text: str) -> bool:
    """Whether the text is a time by ISO 8601."""
    try:
        return datetime.fromisoformat(text).year in YEARS
    except ValueError:
        return False


Moment = Annotated[str, Predicate(iso_8601)]
