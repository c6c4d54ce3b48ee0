"""A cell: the fresh processes of one setting on one card, with what each of them gave for one quantity.

A process is the unit of evidence: memory layout, clocks, heat and the host's other work stay alike within one and
differ between two, so the windows of one process say nothing of the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.core import stats
from joulemark.core.stats import Estimate


@dataclass(frozen=True)
class Cell:
    """One quantity of one setting, measured in fresh processes.

    Attributes:
        values: one a process, the mean over its windows, in the quantity's unit
        within: half of the within-run interval of its only process; None with several processes, and where unknown
        card: digest of the card whose sensor read them; None where that is unknown or of no matter
    """

    values: tuple[float, ...]
    within: float | None = None
    card: str | None = None

    @property
    def processes(self) -> int:
        """How many fresh processes it is of."""
        return len(self.values)

    @property
    def estimate(self) -> Estimate | None:
        """The mean with its 95 % interval between processes, the within-run interval of one; None without values."""
        if self.processes == 1:
            return Estimate(self.values[0], self.within, 1, self.card)
        return stats.estimate(self.values, self.card)


def cell(values: Sequence[float], within: Sequence[float | None], card: str | None = None) -> Cell:
    """The cell of processes by their means and the halves of their within-run intervals, in one order."""
    return Cell(tuple(values), within[0] if len(values) == 1 else None, card)
