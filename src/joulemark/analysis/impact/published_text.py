"""The nearest published figure in words, and the list of its task with the run in its place."""

from collections.abc import Mapping

from joulemark.analysis.impact.published import MOST_STARS, Place, stated
from joulemark.core.formatting import UNKNOWN, rounded
from joulemark.core.markdown import Table
from joulemark.core.record import Record

FIFTHS = ("best", "second", "middle", "fourth", "last")


def sentences(place: Place) -> tuple[str, ...]:
    """The nearest entry, the run's place, and what of it does not compare."""
    known, task, wh = place.reference, place.task.replace("_", " "), f"{rounded(place.wh_per_1k, 3)} Wh"
    said = [*_entry(place), _rank(place, task, wh)]
    if place.differs:
        said.append(f"This run differs from the list's: {'; '.join(place.differs)}. Read the place as a magnitude.")
    coverage = f"; it holds {known.coverage}" if known.coverage else ""
    said.append(f"Published by {known.source}, {known.year}: {known.boundary}{coverage}.")
    return tuple(said)


def _entry(place: Place) -> list[str]:
    one = place.entry
    if one is None or place.ratio is None:
        return ["The list has no entry of this model, and none whose size could be compared."]
    stars = "" if one.stars is None else f", {one.stars} of {MOST_STARS} stars"
    what = f"{rounded(one.wh_per_1k, 3)} Wh per 1,000{stars}; this run takes {rounded(place.ratio, 3)} times that"
    if place.same:
        return [f"Published for this model: {what}."]
    return [f"Nothing is published for this model; the nearest in size of those that state one is {one.model}: {what}."]


def _rank(place: Place, task: str, wh: str) -> str:
    rank = (
        f"{place.below or 'None'} of the {place.count} published for {task} take less than the {wh} of this run's GPU"
    )
    fifth = "" if place.fifth is None else f", which puts it in the {FIFTHS[place.fifth - 1]} fifth of them"
    stars = "" if place.stars is None else f"; by the list's own stars its energy is in the band of {place.stars}"
    return f"{rank}{fifth}{stars}."


def beside(record: Record, metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """What a run's description says of the published figures; empty where it may say nothing."""
    found = stated(record, metrics)
    return () if found is None else sentences(found)


def tags(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """The same for a list of runs: the nearest entry, the times its energy, the band of stars, and what differs."""
    found = stated(record, metrics)
    if found is None:
        return {}
    one, told = found.entry, {"published.differs": "; ".join(found.differs)}
    if one is not None and found.ratio is not None:
        told["published.nearest"] = f"{one.model}{'' if found.same else ' (another model)'}"
        told["published.ratio"] = rounded(found.ratio, 3)
    if found.stars is not None:
        told["published.band"] = f"{found.stars} of {MOST_STARS} stars"
    return {key: value for key, value in told.items() if value}


def table(place: Place) -> Table:
    """The published entries of the task, from the least, with the run in its place."""
    early_stop_against = sorted(
        (entry for entry in place.reference.entries if entry.task == place.task), key=lambda one: one.wh_per_1k
    )
    rows = [
        (one.model, rounded(one.wh_per_1k, 3), UNKNOWN if one.stars is None else str(one.stars))
        for one in early_stop_against
    ]
    rows.insert(
        place.below,
        ("this run", rounded(place.wh_per_1k, 3), UNKNOWN if place.stars is None else f"band of {place.stars}"),
    )
    known = place.reference
    note = f"{known.source}, {known.year}: {known.boundary}." + (
        f" This run: {'; '.join(place.differs)}." if place.differs else ""
    )
    return Table(
        f"Published for {place.task.replace('_', ' ')}", ("model", "GPU Wh per 1,000", "stars"), tuple(rows), note
    )
