"""Whether two runs answer the same inputs equally well, as pairs: of the few runs that a decision turns on.

Lists of runs hold no scores of single inputs, and reading them for ten thousand runs would take minutes.
"""

from collections.abc import Callable

from joulemark.analysis import quality
from joulemark.analysis.quality import QualityDifference, QualityInterval
from joulemark.core.record import Record
from joulemark.reporting.entry import Entry

MOST = 60  # runs of a report whose scores are read, each once


class Answers:
    """The scores of single inputs by run; `read` gives the record of a run id, which knows them, None without one."""

    def __init__(self, read: Callable[[str], Record | None], most: int = MOST) -> None:
        self._read, self._most = read, most
        self._known: dict[str, Record | None] = {}
        self._differences: dict[tuple[str, str], QualityDifference] = {}

    def interval(self, entry: Entry) -> QualityInterval | None:
        """The interval of a run's quality by itself; None where that is unknown."""
        record = self._record(entry)
        return None if record is None else quality.interval(record)

    def difference(self, a: Entry, b: Entry) -> QualityDifference | None:
        """Which of two runs of one group answers better; None where that is unknown."""
        of_a, of_b = self._record(a), self._record(b)
        if of_a is None or of_b is None:
            return None
        pair = (a.run_id, b.run_id)
        if pair not in self._differences:
            self._differences[pair] = quality.difference(of_a, of_b)
        result = self._differences[pair]
        return None if result.outcome == quality.UNKNOWN else result

    def surely_loses(self, entry: Entry, best: Entry, share: float) -> bool | None:
        """Whether a run is established to lose more than a share of the best one's quality; None where unknown."""
        own, other = self._record(entry), self._record(best)
        return None if own is None or other is None else quality.surely_loses(own, other, share)

    def _record(self, entry: Entry) -> Record | None:
        """The record of an entry's newest process; None where it is no evidence of its quality, and beyond `most`."""
        if entry.external or entry.quality is None:
            return None
        if entry.run_id not in self._known:
            if len(self._known) >= self._most:
                return None
            self._known[entry.run_id] = self._read(entry.run_id)
        return self._known[entry.run_id]


NONE = Answers(lambda run_id: None, 0)
