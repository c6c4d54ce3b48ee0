"""The order of runs by what they cost, and the Pareto front of energy and quality."""

from collections.abc import Sequence

from joulemark.analysis import verdict
from joulemark.reporting.entry import Entry


def pareto(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The runs that no other dominates in energy and quality; none without a quality, and no random weights."""
    judged = {entry.run_id: entry for entry in entries if entry.quality is not None and entry.ranked}
    if not judged:
        return ()
    # Sorted by energy, a run is on the front where its quality is above every cheaper one's: no pairs are compared
    front: list[Entry] = []
    for entry in sorted(judged.values(), key=order):
        if not front or verdict.higher_quality(entry.quality, front[-1].quality):
            front.append(entry)
    return tuple(front)


def order(entry: Entry) -> tuple[float, float, float, int, str]:
    """The least energy first; among equals the higher quality, the lower latency, the newer run."""
    latency = entry.metrics.get("latency/p95_s", float("inf"))
    return (
        entry.compared.mean,
        -(entry.quality if entry.quality is not None else 0.0),
        latency,
        -entry.began_ms,
        entry.run_id,
    )
