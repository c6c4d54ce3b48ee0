"""The nearest published figure as sentences, and the list of its task with the run in its place."""

from collections.abc import Mapping

from joulemark.analysis.impact.published import MOST_STARS, Place, stated
from joulemark.core.formatting import UNKNOWN, rounded, spoken
from joulemark.core.markdown import Table
from joulemark.core.record import Record

FIFTHS = ("best", "second", "middle", "fourth", "last")


def sentences(place: Place) -> tuple[str, ...]:
    """The nearest entry, the run's place, and what of it does not compare."""
    known, task, wh = place.reference, spoken(place.task), f"{rounded(place.wh_per_1k, 3)} Wh"
    lines = [*_entry(place), _rank(place, task, wh)]
    if place.differs:
        lines.append(f"This run differs from the list's: {'; '.join(place.differs)}. Read the place as a magnitude.")
    coverage = f"; it holds {known.coverage}" if known.coverage else ""
    lines.append(f"Published by {known.source}, {known.year}: {known.boundary}{coverage}.")
    return tuple(lines)


def _entry(place: Place) -> list[str]:
    entry = place.entry
    if entry is None or place.ratio is None:
        return ["The list has no entry of this model, and none whose size could be compared."]
    stars = "" if entry.stars is None else f", {entry.stars} of {MOST_STARS} stars"
    what = f"{rounded(entry.wh_per_1k, 3)} Wh per 1,000{stars}; this run takes {rounded(place.ratio, 3)} times that"
    if place.same:
        return [f"Published for this model: {what}."]
    return [
        f"Nothing is published for this model; the nearest in size of those that state one is {entry.model}: {what}."
    ]


def _rank(place: Place, task: str, wh: str) -> str:
    rank = (
        f"{place.below or 'None'} of the {place.count} published for {task} take less than the {wh} of this run's GPU"
    )
    fifth = "" if place.fifth is None else f", which puts it in the {FIFTHS[place.fifth - 1]} fifth of them"
    stars = "" if place.stars is None else f"; by the list's own stars its energy is in the band of {place.stars}"
    return f"{rank}{fifth}{stars}."


def beside(record: Record, metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """What a run's description says of the published figures; empty where it may say nothing."""
    place = stated(record, metrics)
    return () if place is None else sentences(place)


def tags(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """The same for a list of runs: the nearest entry, the times its energy, the band of stars, and what differs."""
    place = stated(record, metrics)
    if place is None:
        return {}
    entry, values = place.entry, {"published.differs": "; ".join(place.differs)}
    if entry is not None and place.ratio is not None:
        values["published.nearest"] = f"{entry.model}{'' if place.same else ' (another model)'}"
        values["published.ratio"] = rounded(place.ratio, 3)
    if place.stars is not None:
        values["published.band"] = f"{place.stars} of {MOST_STARS} stars"
    return {key: value for key, value in values.items() if value}


def table(place: Place) -> Table:
    """The published entries of the task, from the least, with the run in its place."""
    entries = sorted(
        (entry for entry in place.reference.entries if entry.task == place.task), key=lambda entry: entry.wh_per_1k
    )
    rows = [
        (entry.model, rounded(entry.wh_per_1k, 3), UNKNOWN if entry.stars is None else str(entry.stars))
        for entry in entries
    ]
    rows.insert(
        place.below,
        ("this run", rounded(place.wh_per_1k, 3), UNKNOWN if place.stars is None else f"band of {place.stars}"),
    )
    known = place.reference
    note = f"{known.source}, {known.year}: {known.boundary}." + (
        f" This run: {'; '.join(place.differs)}." if place.differs else ""
    )
    return Table(f"Published for {spoken(place.task)}", ("model", "GPU Wh per 1,000", "stars"), tuple(rows), note)
