"""How far a command is, and how long the rest takes: `[9/49, about 6 min left]`."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean
from typing import TypeVar

from joulemark.core.formatting import many

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


def to_make(runs: int, spans_s: Sequence[tuple[float, float]], before: str = "") -> str:
    """`8 runs to make: 60 s to 4 min of measuring, and starting each`; where that is unknown, when it is told.

    `spans_s` are the least and the most seconds that each run measures, or those of as many alike; `before` is said
    of those measured before.
    """
    made = f"{many(runs, 'run')} to make{before}"
    if not spans_s:
        return f"{made}; how long the rest takes is told once the first has ended"
    least, most = (sum(ends) * runs / len(spans_s) for ends in zip(*spans_s, strict=True))
    return f"{made}: {duration(least)} to {duration(most)} of measuring, and starting each"


def counted(
    items: Iterable[T],
    what: str,
    report: Callable[[str], None],
    now: Callable[[], float] = time.monotonic,
    *,
    of: int | None,
    size: Callable[[T], int] = lambda item: 1,
) -> Iterator[T]:
    """The items one by one; of a long wait `report` gets a line now and then, with what is left of it.

    An item counts as `size` of the `of` that there are; where nobody knows how many, the line says how many were.
    """
    began = said = now()
    done = 0
    for item in items:
        moment = now()
        if done and moment - said >= QUIET_S:
            said = moment
            left = "" if of is None else f"/{of}{time_left([(moment - began) / done], of - done)}"
            report(f"[{done}{left}] {what}")
        yield item
        done += size(item)
