"""What many runs came to, in the few lines that a terminal shows: their table (table.py) has the rest.

A family is what may be held against each other: the same task on the same inputs, asked for with the same options but
those of a model and its settings.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields

from joulemark.analysis import verdict
from joulemark.analysis.caveats import EXPLAINED
from joulemark.analysis.flags import undeciding
from joulemark.analysis.ranking import rank
from joulemark.core.answer import Answer
from joulemark.core.apart import told_apart
from joulemark.core.cell import Cell
from joulemark.core.formatting import digits, listed, percent, plus_minus, spoken, times, wh
from joulemark.core.model import Settings
from joulemark.reporting.table import Row, flags, merged, specialist, task

SETTINGS = {setting.name for setting in fields(Settings)}
ESTABLISHED = "established"
OTHERS = 3  # settings beside the lowest that have a line each, where there is one family


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


def _made(rows: Sequence[Row]) -> int:
    return sum(_measured(row) for row in rows)


def _measured(row: Row) -> bool:
    """Whether a run came to its end with an energy."""
    return row.energy is not None and not row.error


def _families(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that were measured, those of a family together, the lowest energy first."""
    families: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if _measured(row):
            families[(task(row), *_asked(row))].append(row)
    return [sorted(family, key=lambda row: row.energy or 0.0) for family in families.values()]


def _asked(row: Row) -> list[str]:
    """The options of a row's inputs but those of the model's settings."""
    return [option for option in row.inputs.split() if option.lstrip("+").partition("=")[0] not in SETTINGS]


def _names(families: Sequence[Sequence[Row]]) -> list[str]:
    """The task of each family, with what else was asked for where two are of one task."""
    asked = [{option.partition("=")[0]: option for option in _asked(family[0])} for family in families]
    return told_apart([spoken(task(family[0])) for family in families], asked)


def _energy(row: Row) -> str:
    assert row.energy is not None
    return wh(row.energy) if row.spread is None else plus_minus(row.energy, row.spread * row.energy)


def _quality(row: Row) -> str:
    return "" if row.quality is None else f", {row.tags.get('metric', 'quality')} {digits(row.quality)}"


def _of_one(name: str, family: Sequence[Row]) -> list[str]:
    """The lowest of a family, then the next ones, each as a multiple of it."""
    lowest, others = family[0], family[1:]
    assert lowest.energy is not None
    lines = [_line(name, family)]
    for row in others[:OTHERS]:
        assert row.energy is not None
        lines.append(f"   {row.name}: {_energy(row)}, {times(row.energy / lowest.energy, 2)}{_quality(row)}")
    more = len(others) - OTHERS
    return [*lines, *([f"   and {more} more"] if more > 0 else [])]


def _line(name: str, family: Sequence[Row]) -> str:
    """A family in one line: the lowest of it, or the set that ties, and how sure that is."""
    lowest, tied = family[0], _tied(family)
    said = f"{name}: {listed([row.name for row in (lowest, *tied)])}"
    energy = f"{_energy(lowest)} per 1,000{_quality(lowest)}"
    if len(family) == 1:
        return f"{said}: {energy}"
    verb = "tie for the least" if tied else "takes the least"
    return f"{said} {verb} of {len(family)}: {energy}" + ("" if tied else f" ({_outcome(family)})")


def _cells(family: Sequence[Row]) -> list[Cell]:
    """The energies as a verdict takes them, of rows that may decide something."""
    return [row.cell for row in family if row.cell.values]


def _tied(family: Sequence[Row]) -> list[Row]:
    """The rows that are indistinguishable from the lowest, where all are judged."""
    cells = _cells(family)
    if len(family) < 2 or len(cells) < len(family):
        return []
    ranking = rank(cells)
    return [] if ranking.open else [family[place] for place in ranking.tied]


def _outcome(family: Sequence[Row]) -> str:
    """What is established of the lowest of a family, in the verdict's words."""
    cells = _cells(family)
    if len(cells) < len(family):
        return verdict.NOT_ESTABLISHED
    if rank(cells).lead_is_established:
        return ESTABLISHED
    return verdict.TIE if _tied(family) else str(verdict.between(cells[0], cells[1]))


def _sure(families: Sequence[Sequence[Row]]) -> str:
    """How many lowest ones are established, and what that takes."""
    several = [family for family in families if len(family) > 1]
    if not several:
        return "nothing to compare: one setting each"
    outcomes = Counter(_outcome(family) for family in several)
    of = f" of {len(several)}" if len(several) > 1 else ""
    return "; ".join(
        f"{f'{count}{of} ' if of else ''}{outcome}{_why(several, outcome)}" for outcome, count in outcomes.items()
    )


def _why(families: Sequence[Sequence[Row]], outcome: str) -> str:
    if outcome in (ESTABLISHED, verdict.TIE):
        fewest = min(len(row.values) for family in families if _outcome(family) == outcome for row in family)
        return f", by {fewest} processes of each setting or more"
    family = next(family for family in families if _outcome(family) == outcome)
    doubts = [doubt for row in family if (doubt := undeciding(flags(row))) is not None]
    if doubts and not _cells(family):
        return f": no run decides anything ({EXPLAINED.get(doubts[0], doubts[0])})"
    fewest = min(len(row.values) or 1 for row in family)
    return f": {fewest} process{'es' * (fewest > 1)} of a setting, where {verdict.MIN_PROCESSES} are needed"


def _counted(rows: Sequence[Row], families: Sequence[Sequence[Row]]) -> str:
    """How many runs of how many tasks, and between what a general-purpose model costs in multiples of a specialist."""
    total = f"{_made(rows)} runs of {len(families)} tasks" if families else "no run was measured"
    ratios = sorted(
        (row.energy / best.energy, name)
        for name, family in zip(_names(families), families, strict=True)
        for row in family
        if row.energy and (best := specialist(row, family)) is not None and best.energy
    )
    if not ratios:
        return total
    (least, where_least), (most, where_most) = ratios[0], ratios[-1]
    span = f"{times(least, 2)} ({where_least})"
    span += f" to {times(most, 2)} ({where_most})" if len(ratios) > 1 else ""
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
    return ["; ".join([*estimated, *([f"flags: {named}"] if named else [])])] if estimated or named else []


def _repeat(families: Sequence[Sequence[Row]]) -> list[str]:
    """What makes a verdict of several settings, where they have too few processes for one."""
    few = any(len(row.values) < verdict.MIN_PROCESSES for family in families if len(family) > 1 for row in family)
    return ["next: the same line with repeats=3, fresh processes of each setting in turn"] if few else []
