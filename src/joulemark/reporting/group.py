"""Runs that may be ranked together: same inputs, options, device, protocol, sensors and boundary; served ones of one
scenario, load and engine.

A specialist has no prompt, so it is compared with the general-purpose models of every prompt; two prompts are two
groups.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis.flags import PRELIMINARY
from joulemark.analysis.quantity import Quantity
from joulemark.reporting.entry import Entry


@dataclass(frozen=True)
class Group:
    """Entries that may be ranked together.

    Attributes:
        id: the same in every report that holds the group
        entries: its runs
        apart: what tells it from others of a report that read like it (apart.py)
    """

    id: str
    entries: tuple[Entry, ...]
    apart: str = ""

    @property
    def task(self) -> str:
        """The task of all its runs."""
        return self.entries[0].task

    @property
    def quantity(self) -> Quantity:
        """By which energy its runs are ranked, and why."""
        return self.first.quantity

    @property
    def first(self) -> Entry:
        """The run that stands for what all of them share."""
        return self.entries[0]

    @property
    def preliminary(self) -> bool:
        """Whether all its figures are preliminary, such as those of a sweep's screening; such a group stands last."""
        return all(PRELIMINARY in entry.flags for entry in self.entries)

    @property
    def title(self) -> str:
        """What sets the group apart, in a few words."""
        first, engines = self.first, sorted({entry.engine for entry in self.entries if entry.engine})
        parts = [
            first.arrivals and f"scenario {first.arrivals}",
            len(engines) == 1 and f"engine {engines[0]}",
            first.device,
            first.dataset and f"{first.dataset} data",
            first.protocol and f"protocol {first.protocol}",
            first.boundary and f"boundary: {first.boundary}",
            self.apart,
        ]
        return " · ".join(part for part in parts if part)


def _order(group: Group) -> tuple[str, bool, int, float, str]:
    return (group.task, group.preliminary, -len(group.entries), group.first.rate or 0.0, group.id)


def groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Every group, by task, preliminary ones last, and then the largest first.

    Each entry is in one, a specialist in one for each prompt.
    """
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    result = []
    for key, some in by_key.items():
        prompts = sorted({entry.prompt for entry in some if entry.prompt is not None}) or [""]
        for prompt in prompts:
            own = tuple(entry for entry in some if entry.prompt in (None, prompt))
            name = hashlib.sha256(f"{key}|{prompt}".encode()).hexdigest()[:8]
            result.append(Group(name, own))
    return tuple(sorted(result, key=_order))
