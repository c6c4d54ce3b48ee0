"""What a number can be, as a type: pydantic refuses any other wherever options or a record are read.

The largest are beyond anything that is measured, and far enough below the largest float that no product overflows.
"""

from typing import Annotated

from annotated_types import Ge, Gt, Le

LARGEST = 1e30
LARGEST_COUNT = 2**63 - 1  # of a database's integer

Amount = Annotated[float, Ge(0), Le(LARGEST)]  # seconds, joules, watts, FLOPs: never below nothing
Positive = Annotated[float, Gt(0), Le(LARGEST)]
Share = Annotated[float, Ge(0), Le(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
Factor = Annotated[float, Ge(1), Le(LARGEST)]
Count = Annotated[int, Ge(0), Le(LARGEST_COUNT)]
Number = Annotated[int, Ge(1), Le(LARGEST_COUNT)]  # of things of which there is at least one
