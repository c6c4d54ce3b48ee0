"""The cells of a store: how far fresh processes of one setting differed on a card, as its runs remember."""

from collections import defaultdict

from joulemark.analysis.flags import undeciding
from joulemark.analysis.verdict import ENERGY
from joulemark.core.cell import Cell
from joulemark.store import listing
from joulemark.store.listing import Choice


def cells_on(uri: str, card: str, task: str) -> list[Cell]:
    """Every setting of a task that was measured in several processes on a card, by their gross energies.

    Raises:
        UserError: the store cannot be read
    """
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in listing.runs(uri, Choice(tasks=(task,)), ()):
        tags, energy = run.tags, run.metrics.get(ENERGY)
        counts = tags.get("status") == "finished" and not undeciding(tags.get("flags", "").split(", "))
        if counts and energy and tags.get("compare.card") == card and "compare.cell" in tags:
            values[(tags["compare.cell"], tags.get("compare.key", ""))].append(energy)
    return [Cell(tuple(each), None, card) for each in values.values() if len(each) > 1]
