"""What a store remembers of scatter on a card: between fresh processes, between windows, and how good models are."""

from collections import defaultdict
from dataclasses import dataclass

from joulemark.analysis import whole_set
from joulemark.analysis.flags import NOT_CONVERGED, of_text, undeciding
from joulemark.analysis.planning import Windows
from joulemark.analysis.verdict import ENERGY, SPREAD
from joulemark.core.cell import Cell
from joulemark.store import listing
from joulemark.store.listing import Choice, StoredRun


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
        raised = of_text(tags.get("flags"))
        doubt = undeciding(flag for flag in raised if flag != NOT_CONVERGED)
        if tags.get("status") != "finished" or doubt or not energy:
            continue
        model = tags.get("model", "")
        if "quality/ci95_low" in run.metrics and model not in qualities and _is_a_mean(uri, run):  # the newest first
            qualities[model] = run.metrics["quality/primary"]
        if spread is not None and tags.get("windows", "").isdigit():
            windows.append(Windows(int(tags["windows"]), spread))
        if NOT_CONVERGED not in raised and "compare.cell" in tags:
            values[(tags["compare.cell"], tags.get("compare.key", ""))].append(energy)
    cells = tuple(Cell(tuple(each), None, card) for each in values.values() if len(each) > 1)
    return Remembered(cells, tuple(windows), qualities)


def _is_a_mean(uri: str, run: StoredRun) -> bool:
    """Whether a run's quality is a mean over its inputs, for which a count of inputs can be planned."""
    record = listing.record(uri, run)
    return record is None or not whole_set.is_primary(record)
