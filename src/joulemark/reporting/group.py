"""Runs that may be ranked together: same inputs, options, device, protocol, sensors and boundary.

A specialist is asked nothing, so it stands beside the general models of every prompt; two prompts are two groups.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis.flags import PRELIMINARY
from joulemark.reporting.entry import Entry


@dataclass(frozen=True)
class Group:
    """Entries that may be ranked together. `id` is the same in every report that holds the group."""

    id: str
    entries: tuple[Entry, ...]

    @property
    def task(self) -> str:
        """The task of all its runs."""
        return self.entries[0].task

    @property
    def first(self) -> Entry:
        """The run that stands for what all of them share."""
        return self.entries[0]

    @property
    def preliminary(self) -> bool:
        """Whether none of its figures may be quoted, those of a sweep's screening say: such a group stands last."""
        return all(PRELIMINARY in entry.flags for entry in self.entries)

    @property
    def title(self) -> str:
        """What sets the group apart, as far as a few words can say."""
        one = self.first
        parts = [one.device, one.dataset and f"{one.dataset} data", one.protocol and f"protocol {one.protocol}"]
        return " · ".join([*(part for part in parts if part), *([f"boundary: {one.boundary}"] if one.boundary else [])])


def groups(entries: Sequence[Entry]) -> tuple[Group, ...]:
    """Every group, by task, those that can be quoted before first looks, and then the largest first.

    Each entry is in one, a specialist in one for each prompt.
    """
    by_key: dict[str, list[Entry]] = defaultdict(list)
    for one in entries:
        by_key[one.key].append(one)
    found = []
    for key, some in by_key.items():
        prompts = sorted({one.prompt for one in some if one.prompt is not None}) or [""]
        for prompt in prompts:
            own = tuple(one for one in some if one.prompt in (None, prompt))
            name = hashlib.sha256(f"{key}|{prompt}".encode()).hexdigest()[:8]
            found.append(Group(name, own))
    return tuple(sorted(found, key=lambda group: (group.task, group.preliminary, -len(group.entries), group.id)))
