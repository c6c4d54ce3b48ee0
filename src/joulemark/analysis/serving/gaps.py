"""The times between the parts of answers, of which a run may have a hundred million, in a few hundred kilobytes.

They are counted in bins that are 0.2 % wide each, the rule of DDSketch (Masson, Rim and Lee, VLDB 2019): whatever the
distribution, every percentile is within RELATIVE_ERROR of that of the times themselves.
"""

from array import array
from collections.abc import Sequence
from math import log

from joulemark.core.ranks import MOST

RELATIVE_ERROR = 0.001
LEAST_S, LARGEST_S = 1e-7, 1e6  # outside of these a time counts as one of them
BUFFERED = 4096  # times that are counted at once, in some 0.1 ms

GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)  # the ends of a bin by its beginning
BINS = int(log(LARGEST_S / LEAST_S) / log(GAMMA)) + 2


class Gaps:
    """Takes one time after another and gives their distribution."""

    def __init__(self) -> None:
        import numpy

        self._counts = numpy.zeros(BINS, dtype=numpy.int64)
        self._buffer = array("d")
        self._added = 0

    def add(self, gap_s: float) -> None:
        """Counts a time, s; one below nothing, of a clock that was set back, as nothing."""
        self._buffer.append(gap_s)
        self._added += 1
        if len(self._buffer) >= BUFFERED:
            self._count()

    def __len__(self) -> int:
        return self._added

    def samples(self) -> Sequence[float]:
        """The times in ascending order, within RELATIVE_ERROR; of more than 20,000 so many, evenly over the ranks."""
        import numpy

        self._count()
        ends = numpy.cumsum(self._counts)
        kept = min(self._added, MOST)
        ranks = ((numpy.arange(kept) + 0.5) * self._added / max(kept, 1)).astype(numpy.int64)
        bins = numpy.searchsorted(ends, ranks, side="right")
        middles = LEAST_S * GAMMA**bins * 2 / (1 + GAMMA)  # the value that is as far from both ends, relative to each
        return array("d", middles.tobytes())

    def _count(self) -> None:
        import numpy

        values = numpy.clip(numpy.frombuffer(self._buffer, dtype=float), LEAST_S, LARGEST_S)
        bins = numpy.ceil(numpy.log(values / LEAST_S) / log(GAMMA)).astype(numpy.int64)
        self._counts += numpy.bincount(bins, minlength=BINS)
        self._buffer = array("d")
