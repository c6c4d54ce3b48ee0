"""Which constraints a run violates, and the runs that are nearest to meeting them."""

from collections.abc import Sequence

from joulemark.core.formatting import digits, spoken
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.entry import Entry
from joulemark.reporting.front import order
from joulemark.reporting.quality_limit import QualityLimit

NEAREST = 3  # runs named where none meets the constraints


def nearest(
    entries: Sequence[Entry], constraints: Constraints, limit: QualityLimit, by_quality: bool
) -> tuple[tuple[Entry, tuple[str, ...]], ...]:
    """The runs that violate the fewest constraints, the cheapest first, each with those that it violates."""
    found = [(entry, tuple(violations(entry, constraints, limit, by_quality))) for entry in entries]
    return tuple(sorted(found, key=lambda pair: (len(pair[1]), order(pair[0])))[:NEAREST])


def refused(
    entries: Sequence[Entry],
    chosen: Entry,
    kept: Sequence[Entry],
    constraints: Constraints,
    limit: QualityLimit,
    by_quality: bool,
) -> tuple[Entry, tuple[str, ...]] | None:
    """The cheapest other choice that violates a constraint, one that decides something before any that does not."""
    taken = {entry.run_id for entry in kept}
    others = [entry for entry in entries if entry.run_id not in taken and entry.setting != chosen.setting]
    cheapest = min(others, key=lambda entry: (not entry.ranked or entry.random, order(entry)), default=None)
    return None if cheapest is None else (cheapest, tuple(violations(cheapest, constraints, limit, by_quality)))


def violations(entry: Entry, constraints: Constraints, limit: QualityLimit, by_quality: bool) -> list[str]:
    """Why a run is not recommended, as sentences; none where it could be."""
    reasons = [] if entry.ranked else [f"it decides nothing: {spoken(entry.doubt)}"]
    if by_quality and entry.quality is None:
        reasons.append("random weights have no quality" if entry.random else "its quality is unknown")
    elif limit.excludes(entry):
        reasons.append(f"{entry.metric} {digits(entry.quality)} is below {digits(limit.floor)}")
    return [*reasons, *constraints.violated(entry)]
