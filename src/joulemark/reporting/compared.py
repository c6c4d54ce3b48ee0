"""By which energy the runs of a report are ranked: chosen for all that may be ranked together, and where asked for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from joulemark.analysis import quantity as quantities
from joulemark.analysis.quantity import DYNAMIC, Quantity
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose
from joulemark.reporting.entry import Entry
from joulemark.reporting.selection import LeftOut

AUTO = "auto"
OPTIONS = (AUTO, *quantities.QUANTITIES)
LACKING = "its dynamic energy is not available, or not above zero, and quantity=dynamic ranks by it"


def check(option: str) -> None:
    """Refuses a quantity that there is not: UserError."""
    if option not in OPTIONS:
        raise UserError(choose("quantity", option, OPTIONS))


def compared(entries: Sequence[Entry], option: str) -> tuple[tuple[Entry, ...], tuple[LeftOut, ...]]:
    """The entries, each process one, with the quantity that they are ranked by; and those that do not have it.

    It is one for all prompts of what else may be ranked together, since a specialist is ranked with each of them.
    """
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    chosen = {key: _chosen(some, None if option == AUTO else option) for key, some in by_key.items()}
    lacking = [entry for entry in entries if chosen[entry.key].name == DYNAMIC and entry.dynamic is None]
    names = {entry.run_id for entry in lacking}
    kept = (replace(entry, quantity=chosen[entry.key]) for entry in entries if entry.run_id not in names)
    return tuple(kept), tuple(LeftOut(entry.run_id, entry.named, entry.task, LACKING) for entry in lacking)


def _chosen(entries: Sequence[Entry], typed: str | None) -> Quantity:
    counted = [entry for entry in entries if entry.ranked] or entries
    busy = [entry.metrics.get(quantities.UTILIZATION) for entry in counted]
    shared = any(quantities.shared(entry.flags) for entry in counted)
    result = quantities.choose(busy, shared, typed)
    lacking = sum(entry.dynamic is None for entry in entries)
    if typed is None and result.name == DYNAMIC and lacking:
        return Quantity(reason=f"{lacking} of {len(entries)} runs have no dynamic energy, though {result.reason}")
    return result
