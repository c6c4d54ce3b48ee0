"""`repeats=N`: N fresh processes of each setting, taken in turn, so that a slow quarter of an hour falls on all."""

from collections import Counter
from collections.abc import Sequence

from joulemark.core.errors import UserError

KEY = "repeats"
MOST = 100  # processes of one setting: the plan of a small difference never takes more


def repeated(jobs: Sequence[Sequence[str]]) -> tuple[list[list[str]], int]:
    """The jobs without their `repeats`, and how many processes each setting gets.

    Raises:
        UserError: a number that cannot be, or several numbers
    """
    values = {override.partition("=")[2] for job in jobs for override in job if _names(override)}
    if len(values) > 1:
        raise UserError(f"{KEY}={','.join(sorted(values))}: every setting gets as many processes; type one number")
    count = checked(next(iter(values), "1"))
    return [[override for override in job if not _names(override)] for job in jobs], count


def checked(value: str | int) -> int:
    """The number of processes; UserError for one that cannot be."""
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = 0
    if not 1 <= count <= MOST:
        raise UserError(f"{KEY}={value}: must be a whole number from 1 to {MOST}")
    return count


def numbered(names: Sequence[str]) -> list[str]:
    """Each name with the number of its process, where a name comes several times."""
    totals, seen = Counter(names), Counter[str]()
    result = []
    for name in names:
        seen[name] += 1
        result.append(f"{name}  process {seen[name]} of {totals[name]}" if totals[name] > 1 else name)
    return result


def _names(override: str) -> bool:
    return override.lstrip("+").partition("=")[0] == KEY
