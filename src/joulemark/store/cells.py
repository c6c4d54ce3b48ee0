"""What a store remembers of scatter on a card: between fresh processes, between windows, and how good models are."""

from collections import defaultdict
from dataclasses import dataclass

from joulemark.analysis.flags import NOT_CONVERGED, undeciding
from joulemark.analysis.planning import Windows
from joulemark.analysis.verdict import ENERGY, SPREAD
from joulemark.core.cell import Cell
from joulemark.store import listing
from joulemark.store.listing import Choice


@dataclass(frozen=True)
class Remembered:
    """What the runs of one task on one card say of the next ones.

    Attributes:
        cells: every setting that was measured in several processes, by their gross energies
        windows: of each run with an interval, those that did not converge too: they scatter most
        qualities: of each model by its name, the last one that is a mean over the inputs
    """

    cells: tuple[Cell, ...]
    windows: tuple[Windows, ...]
    qualities: dict[str, float]


def remembered(uri: str, card: str, task: str) -> Remembered:
    """What a store holds of a task on a card.

    Raises:
        UserError: the store cannot be read
    """
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    windows: list[Windows] = []
    qualities: dict[str, float] = {}
    for run in listing.runs(uri, Choice(tasks=(task,), card=card), ()):
        tags, energy, spread = run.tags, run.metrics.get(ENERGY), run.metrics.get(SPREAD)
        raised = tags.get("flags", "").split(", ")
        doubt = undeciding(flag for flag in raised if flag != NOT_CONVERGED)
        if tags.get("status") != "finished" or doubt or not energy:
            continue
        if "quality/ci95_low" in run.metrics:  # a mean over the inputs; the runs come newest first
            qualities.setdefault(tags.get("model", ""), run.metrics["quality/primary"])
        if spread is not None and tags.get("windows", "").isdigit():
            windows.append(Windows(int(tags["windows"]), spread))
        if NOT_CONVERGED not in raised and "compare.cell" in tags:
            values[(tags["compare.cell"], tags.get("compare.key", ""))].append(energy)
    cells = tuple(Cell(tuple(each), None, card) for each in values.values() if len(each) > 1)
    return Remembered(cells, tuple(windows), qualities)
