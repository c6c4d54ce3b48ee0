"""What many runs came to, in the few lines that a terminal shows: their table (table.py) has the rest.

A family is what may be held against each other: the same task on the same inputs, asked for with the same options but
those of a model and its settings.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

from joulemark.analysis import verdict
from joulemark.analysis.caveats import EXPLAINED
from joulemark.analysis.flags import undeciding
from joulemark.analysis.ranking import Ranking, rank
from joulemark.core.answer import Answer
from joulemark.core.apart import told_apart
from joulemark.core.cell import Cell
from joulemark.core.formatting import digits, listed, many, percent, plus_minus, spoken, times, wh
from joulemark.core.model import Settings
from joulemark.reporting.table import Row, flags, merged, specialist, task

SETTINGS = {setting.name for setting in fields(Settings)}
OTHERS = 3  # settings beside the lowest that have a line each, where there is one family


@dataclass(frozen=True)
class Family:
    """Rows that were measured and may be held against each other.

    Attributes:
        rows: the lowest energy first
    """

    rows: Sequence[Row]

    @property
    def lowest(self) -> Row:
        """The row of the lowest energy."""
        return self.rows[0]

    @cached_property
    def cells(self) -> list[Cell]:
        """The energies as a verdict takes them, of rows that may decide something."""
        return [row.cell for row in self.rows if row.cell.values]

    @cached_property
    def ranking(self) -> Ranking | None:
        """What is established of the lowest; None where some rows decide nothing."""
        return rank(self.cells) if len(self.cells) == len(self.rows) else None

    @property
    def tied(self) -> list[Row]:
        """The rows that are indistinguishable from the lowest, where all are judged."""
        ranking = self.ranking
        return [] if ranking is None or ranking.open else [self.rows[place] for place in ranking.tied]

    @cached_property
    def outcome(self) -> str:
        """What is established of the lowest, in the verdict's words."""
        if self.ranking is None:
            return verdict.NOT_ESTABLISHED
        if self.ranking.lead_is_established:
            return verdict.ESTABLISHED
        return verdict.TIE if self.tied else str(verdict.between(self.cells[0], self.cells[1]))


def of(rows: Sequence[Row], asked: int, then: Sequence[str] = ()) -> Answer:
    """The answer of so many runs that were asked for, by the rows of those that ended; `then` is what to do next."""
    lines = merged(rows)
    families = _families(lines)
    counted = [] if len(families) == 1 else [_counted(rows, families)]
    broken = [row for row in rows if row.error]
    failed = [f"{len(broken)} of {asked} failed: {row.name}: {row.error}" for row in broken[:1]]
    left = [f"{asked - len(rows)} of {asked} not begun"] if len(rows) < asked else []
    names = _names(families)
    if len(families) == 1:
        one = _of_one(names[0], families[0])
    else:
        one = [_line(name, family) for name, family in zip(names, families, strict=True)]
    sure = [*([_sure(families)] if families else []), *_warnings(lines)]
    return Answer([*counted, *one[:1], *failed, *left, *one[1:]], sure, [*_repeat(families), *then])


def _measured(row: Row) -> bool:
    """Whether a run came to its end with an energy."""
    return row.energy is not None and not row.error


def _families(rows: Sequence[Row]) -> list[Family]:
    """The rows that were measured, by family."""
    families: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if _measured(row):
            families[(task(row), *_asked(row))].append(row)
    return [Family(sorted(family, key=lambda row: row.energy or 0.0)) for family in families.values()]


def _asked(row: Row) -> list[str]:
    """The options of a row's inputs but those of the model's settings."""
    return [option for option in row.inputs.split() if option.lstrip("+").partition("=")[0] not in SETTINGS]


def _names(families: Sequence[Family]) -> list[str]:
    """The task of each family, with what else was asked for where two are of one task."""
    asked = [{option.partition("=")[0]: option for option in _asked(family.lowest)} for family in families]
    return told_apart([spoken(task(family.lowest)) for family in families], asked)


def _energy(row: Row) -> str:
    assert row.energy is not None
    return wh(row.energy) if row.spread is None else plus_minus(row.energy, row.spread * row.energy)


def _quality(row: Row) -> str:
    return "" if row.quality is None else f", {row.tags.get('metric', 'quality')} {digits(row.quality)}"


def _of_one(name: str, family: Family) -> list[str]:
    """The lowest of a family, then the next ones, each as a multiple of it."""
    lowest, others = family.lowest, family.rows[1:]
    assert lowest.energy is not None
    lines = [_line(name, family)]
    for row in others[:OTHERS]:
        assert row.energy is not None
        lines.append(f"   {row.name}: {_energy(row)}, {times(row.energy / lowest.energy)}{_quality(row)}")
    more = len(others) - OTHERS
    return [*lines, *([f"   and {more} more"] if more > 0 else [])]


def _line(name: str, family: Family) -> str:
    """A family in one line: the lowest of it, or the set that ties, and how sure that is."""
    lowest, tied = family.lowest, family.tied
    said = f"{name}: {listed([row.name for row in (lowest, *tied)])}"
    energy = f"{_energy(lowest)} per 1,000{_quality(lowest)}"
    if len(family.rows) == 1:
        return f"{said}: {energy}"
    verb = "tie for the least" if tied else "takes the least"
    return f"{said} {verb} of {len(family.rows)}: {energy}" + ("" if tied else f" ({family.outcome})")


def _sure(families: Sequence[Family]) -> str:
    """How many lowest ones are established, and what that takes."""
    several = [family for family in families if len(family.rows) > 1]
    if not several:
        return "nothing to compare: one setting each"
    outcomes = Counter(family.outcome for family in several)
    of = f" of {len(several)}" if len(several) > 1 else ""
    return "; ".join(
        f"{f'{count}{of} ' if of else ''}{outcome}{_why(several, outcome)}" for outcome, count in outcomes.items()
    )


def _why(families: Sequence[Family], outcome: str) -> str:
    if outcome in (verdict.ESTABLISHED, verdict.TIE):
        fewest = min(len(row.values) for family in families if family.outcome == outcome for row in family.rows)
        return f", by {fewest} processes of each setting or more"
    family = next(family for family in families if family.outcome == outcome)
    doubts = [doubt for row in family.rows if (doubt := undeciding(flags(row))) is not None]
    if doubts and not family.cells:
        return f": no run decides anything ({EXPLAINED.get(doubts[0], doubts[0])})"
    fewest = min(len(row.values) or 1 for row in family.rows)
    return f": {many(fewest, 'process')} of a setting, where {verdict.MIN_PROCESSES} are needed"


def _counted(rows: Sequence[Row], families: Sequence[Family]) -> str:
    """How many runs of how many tasks, and between what a general-purpose model costs in multiples of a specialist."""
    total = f"{sum(map(_measured, rows))} runs of {len(families)} tasks" if families else "no run was measured"
    ratios = sorted(
        (row.energy / best.energy, name)
        for name, family in zip(_names(families), families, strict=True)
        for row in family.rows
        if row.energy and (best := specialist(row, family.rows)) is not None and best.energy
    )
    if not ratios:
        return total
    (least, where_least), (most, where_most) = ratios[0], ratios[-1]
    span = f"{times(least)} ({where_least})"
    span += f" to {times(most)} ({where_most})" if len(ratios) > 1 else ""
    return f"{total}: a general-purpose model takes {span} the energy of the specialist"


def _warnings(rows: Sequence[Row]) -> list[str]:
    """The flags of these runs, in one line, and how much of their energy is estimated."""
    measured = [row for row in rows if _measured(row)]
    raised = Counter(flag for row in measured for flag in flags(row))
    shares = [share for row in measured if (share := row.metrics.get("energy/estimated_share"))]
    estimated = [f"up to {percent(max(shares))} of these energies is estimated"] if shares else []
    named = ", ".join(
        f"{flag} ({count} of {len(measured)})" for flag, count in sorted(raised.items()) if flag != "estimated"
    )
    return (
        ["; ".join([*estimated, *([f"flags: {named}, each explained by -v"] if named else [])])]
        if estimated or named
        else []
    )


def _repeat(families: Sequence[Family]) -> list[str]:
    """What makes a verdict of several settings, where they have too few processes for one."""
    few = [
        row
        for family in families
        if len(family.rows) > 1
        for row in family.rows
        if len(row.values) < verdict.MIN_PROCESSES
    ]
    if any(undeciding(flags(row)) is not None for row in few):
        return ["next: the same line with protocol=standard repeats=3, on a machine that does nothing else"]
    return ["next: the same line with repeats=3, fresh processes of each setting in turn"] if few else []
