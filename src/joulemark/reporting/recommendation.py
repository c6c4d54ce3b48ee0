"""The recommendation for one group of runs, and how every other choice stands against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from joulemark.analysis import verdict
from joulemark.analysis.quality import QualityDifference
from joulemark.analysis.verdict import TIE, A, Verdict
from joulemark.reporting.entry import Entry
from joulemark.reporting.group import Group


@dataclass(frozen=True)
class Recommendation:
    """The recommendation for one group.

    Attributes:
        group: the runs that may be ranked together
        chosen: the recommended run; None where no run meets the constraints
        runner_up: the cheapest other choice
        tied: other choices whose energy is indistinguishable from the chosen one's, in the family of all choices
        open: other choices of which nothing is established, since one side has too few processes
        test: the test that held the error of the family; None where nothing could be judged
        better: the cheapest run of a higher quality than the chosen one
        usual: the chosen model at batch 1 in fp32
        again: other runs of the chosen choice
        front: the Pareto front of energy and quality
        by_quality: false where no quality is known: the recommendation is then about energy alone
        floor: the least quality that is accepted
        floor_note: why the chosen run, whose quality is below it, is not excluded; None where it is not below it
        quality: whether the chosen run (A) and those named beside it (B) answer equally well, by run id
        asked: the constraints, as sentences about its metric
        kept: the runs that meet all of them, the cheapest first
        next_model: the cheapest run of another model, where the runner-up is another setting of the chosen model
        refused: the cheapest other choice that violates a constraint, with those that it violates
        nearest: where nothing is chosen, the runs nearest to the constraints, each with those that it violates
    """

    group: Group
    chosen: Entry | None = None
    runner_up: Entry | None = None
    tied: tuple[Entry, ...] = ()
    open: tuple[Entry, ...] = ()
    test: str | None = None
    better: Entry | None = None
    usual: Entry | None = None
    again: tuple[Entry, ...] = ()
    front: tuple[Entry, ...] = ()
    by_quality: bool = False
    floor: float | None = None
    floor_note: str | None = None
    quality: Mapping[str, QualityDifference] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    kept: tuple[Entry, ...] = ()
    next_model: Entry | None = None
    refused: tuple[Entry, tuple[str, ...]] | None = None
    nearest: tuple[tuple[Entry, tuple[str, ...]], ...] = ()

    @cached_property
    def others(self) -> tuple[Entry, ...]:
        """The other choices that meet all constraints, of each setting its cheapest run."""
        if self.chosen is None:
            return ()
        return once([entry for entry in self.kept if entry.setting != self.chosen.setting])

    @property
    def choices(self) -> int:
        """How many settings meet all constraints."""
        return len(self.others) + (self.chosen is not None)

    @property
    def sure(self) -> str:
        """`established`, `tie`, `open` (not established), `alone` (nothing to compare with) or `none`."""
        if self.chosen is None:
            return "none"
        if self.lead is None:
            return "alone"
        if self.open:
            return "open"
        return "tie" if self.tied else "established"

    @property
    def weight(self) -> tuple[bool, bool, bool, int]:
        """What puts a group before others (not preliminary, a recommendation, a comparison, the most runs)."""
        group = self.group
        return (not group.preliminary, self.chosen is not None, self.runner_up is not None, len(group.entries))

    @property
    def lead(self) -> Verdict | None:
        """The verdict between the chosen run (A) and the runner-up (B); None without one."""
        return None if self.runner_up is None else self.against(self.runner_up)

    def against(self, entry: Entry) -> Verdict:
        """The chosen run (A) and another one (B): the outcome is the family's where all choices were judged together.

        So a badge, a table and a picked pair say the same.
        """
        assert self.chosen is not None
        pair = verdict.between(self.chosen.as_cell, entry.as_cell)
        if entry in self.tied and pair.established:
            return replace(pair, outcome=TIE, note=f"a tie among all {self.choices} choices, though a pair differs")
        behind = entry in self.others and entry not in (*self.tied, *self.open)
        if behind and pair.outcome == TIE:
            note = f"established among all {self.choices} choices by {self.test}"
            return replace(pair, outcome=A, note=note, least=None, most=None)
        return pair

    def standing(self, entry: Entry) -> str:
        """How sure it is that the chosen run takes less than another one, in the verdict's words."""
        found = self.against(entry)
        return verdict.ESTABLISHED if found.established else str(found)


def once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The first run of each choice."""
    first: dict[tuple[str, ...], Entry] = {}
    for entry in entries:
        first.setdefault(entry.setting, entry)
    return tuple(first.values())
