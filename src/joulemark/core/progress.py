"""How far a command is, and how long the rest takes: `[9/49, about 6 min left]`."""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import TypeVar

T = TypeVar("T")

QUIET_S = 2.0  # a shorter wait is none, and lines are no nearer to each other


def duration(seconds: float) -> str:
    """A duration as a line of progress says it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def time_left(durations_s: Sequence[float], left: int) -> str:
    """`, about 6 min left`, by the mean of what was made; empty where nothing was, or nothing is left."""
    return about_left(fmean(durations_s) * left if durations_s else None)


def about_left(seconds: float | None) -> str:
    """`, about 6 min left`; empty where that is not known, or next to nothing."""
    return "" if seconds is None or seconds < 1 else f", about {duration(seconds)} left"


def counted(
    items: Sequence[T], what: str, report: Callable[[str], None], now: Callable[[], float] = time.monotonic
) -> Iterator[T]:
    """The items one by one; of a long wait `report` gets a line now and then, with what is left of it."""
    began = said = now()
    for number, item in enumerate(items):
        moment = now()
        if number and moment - said >= QUIET_S:
            said = moment
            report(f"[{number}/{len(items)}{time_left([(moment - began) / number], len(items) - number)}] {what}")
        yield item
