"""The least quality that is accepted: it excludes only what is established to be below it.

Where it is a share of the best run's quality, the candidates whose place depends on it are compared with that run as
pairs on the same inputs; any other run counts by the interval of its own quality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile

from joulemark.analysis import planning, verdict
from joulemark.analysis.quality import WILSON
from joulemark.core.formatting import digits
from joulemark.reporting.answers import Answers
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.entry import Entry

PAIRED = 8  # candidates of a group that are compared with the best run as pairs, the cheapest first


@dataclass(frozen=True)
class QualityLimit:
    """The least quality of a group's recommendation.

    Attributes:
        floor: the least value; None where none is set or known
        best: the run whose quality it is a share of; None where it is a value of its own
        paired: whether a candidate is below it, by run id, as far as pairs tell
    """

    floor: float | None = None
    best: Entry | None = None
    paired: Mapping[str, bool] = field(default_factory=dict)

    def excludes(self, entry: Entry) -> bool:
        """Whether a run is established to be below it."""
        if self.floor is None:
            return False
        return self.paired.get(entry.run_id, entry.surely_below(self.floor))

    def doubt(self, entry: Entry, answers: Answers) -> str | None:
        """Why a run whose quality is below it is not excluded, as half a sentence; None for any other run."""
        if self.floor is None or entry.quality is None or not verdict.higher_quality(self.floor, entry.quality):
            return None
        if self.best is not None and (result := answers.difference(self.best, entry)) is not None:
            return f"not established to be below {digits(self.floor)}: {result.note}"
        return f"not established to be below {digits(self.floor)}: {_by_itself(entry, self.floor, answers)}"


def quality_limit(entries: Sequence[Entry], bounds: Constraints, answers: Answers) -> QualityLimit:
    """The limit among runs that meet every other constraint, the cheapest first."""
    floor = bounds.floor(entries)
    known = [entry for entry in entries if entry.quality is not None]
    if floor is None or bounds.quality is not None or bounds.quality_loss is None or not known:
        return QualityLimit(floor)
    best = max(known, key=lambda entry: entry.quality or 0.0)
    # Those that are cheaper than any at the limit or above it: dearer ones change no recommendation
    cheaper = takewhile(lambda entry: verdict.higher_quality(floor, entry.quality), known)
    paired = {}
    for entry in islice(cheaper, PAIRED):
        if (loses := answers.surely_loses(entry, best, bounds.quality_loss)) is not None:
            paired[entry.run_id] = loses
    return QualityLimit(floor, best, paired)


def _by_itself(entry: Entry, floor: float, answers: Answers) -> str:
    """Of how many inputs the quality is, and how many would tell it from the limit."""
    known = answers.interval(entry)
    if known is None:
        return "its 95 % interval reaches there"
    needed = planning.samples_to_limit(known.value, floor) if known.method == WILSON and 0 <= floor <= 1 else None
    more = f"; about {needed:,} samples would tell" if needed is not None and needed > known.n else ""
    return f"indistinguishable at n = {known.n}{more}"
