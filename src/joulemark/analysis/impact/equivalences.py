"""What a number of watt hours means to people: so much of a thing that they know, with who says what it takes.

    3,000 Wh -> "10 hours of a game on a gaming PC with its display"

Other tasks of a computer come first, then charges, kettles and lamps, cars last. A number is given in the unit in which
it lies between 0.1 and 1,000; a thing of which there would be more or less is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.formatting import rounded, wh_rounded
from joulemark.core.markdown import Table
from joulemark.core.paths import CONF
from joulemark.core.suggest import choose

FOLDER = CONF / "equivalence"
KINDS = ("computer", "charge", "kettle", "lamp", "car")  # in the order in which they are listed
BASES = {
    "published": "as published",
    "physics": "by calculation",
    "definition": "by definition",
    "assumption": "an assumption",
}
LEAST, MOST = 0.1, 1000.0
HOURS_OF_UNITS = (("second", 1 / 3600), ("minute", 1 / 60), ("hour", 1.0), ("day", 24.0), ("year", 8760.0))


@dataclass(frozen=True)
class Unit:
    """A unit in which a thing is counted.

    Attributes:
        singular: its name for a count of 1
        plural: its name for any other count
        wh: energy of one unit, Wh
    """

    singular: str
    plural: str
    wh: float


@dataclass(frozen=True)
class Equivalence:
    """A thing that takes energy, with either `watts` or `units`.

    Attributes:
        name: name of its file
        kind: one of KINDS
        order: place among those of its kind
        sentence: a text with `{amount}` where the number and its unit go
        basis: one of BASES
        source: title and publisher, or the arithmetic
        year: year of the source
        version: version of the entry
        watts: power of what is done for some time, W
        units: units of known energy
    """

    name: str
    kind: str
    order: int
    sentence: str
    basis: str
    source: str
    year: int
    version: int
    watts: float | None = None
    units: tuple[Unit, ...] = ()

    @property
    def scale(self) -> tuple[Unit, ...]:
        """The units from the smallest to the largest."""
        if self.watts is not None:
            return tuple(Unit(unit, f"{unit}s", self.watts * hours) for unit, hours in HOURS_OF_UNITS)
        return tuple(sorted(self.units, key=lambda unit: unit.wh))

    def phrase(self, wh: float) -> str | None:
        """So many Wh as a phrase; None where the number is readable in none of its units."""
        fitting = [unit for unit in self.scale if wh / unit.wh >= 1]
        unit = fitting[-1] if fitting else self.scale[0]
        number = wh / unit.wh
        if not LEAST <= number < MOST:
            return None
        count = rounded(number)
        return self.sentence.format(amount=f"{count} {unit.singular if count == '1' else unit.plural}")


@cache
def known(folder: Path = FOLDER) -> tuple[Equivalence, ...]:
    """Every thing of the folder, one file each, in the order in which they are listed; UserError for a broken file."""
    things = [_read(path) for path in sorted(folder.glob("*.yaml"))]
    return tuple(sorted(things, key=lambda thing: (KINDS.index(thing.kind), thing.order, thing.name)))


def _read(path: Path) -> Equivalence:
    where = f"conf/equivalence/{path.name}"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise UserError(f"{where} holds no keys; see docs/impact.md")
    thing = typed(Equivalence, {"name": path.stem, **values}, where)
    for key, allowed in (("kind", KINDS), ("basis", BASES)):
        if getattr(thing, key) not in allowed:
            raise UserError(choose(f"{where}: {key}", getattr(thing, key), allowed))
    if (thing.watts is None) == (not thing.units):
        raise UserError(f"{where}: give either watts or units")
    if not all(unit.wh > 0 for unit in thing.scale):
        raise UserError(f"{where}: what takes no energy compares with nothing; its Wh must be above 0")
    if "{amount}" not in thing.sentence:
        raise UserError(f"{where}: sentence must hold {{amount}}")
    return thing


def named(name: str) -> Equivalence:
    """One thing by its name; UserError for one that is not there."""
    things = {thing.name: thing for thing in known()}
    if name not in things:
        raise UserError(choose("equivalence", name, things))
    return things[name]


def sentences(wh: float, count: int = 3, things: Sequence[Equivalence] | None = None) -> tuple[str, ...]:
    """So many Wh as at most `count` things, the nearest to a computer first."""
    phrases = [thing.phrase(wh) for thing in (known() if things is None else things)]
    return tuple(f"about {phrase}" for phrase in [p for p in phrases if p is not None][:count])


def table(wh: float, things: Sequence[Equivalence] | None = None) -> Table:
    """So many Wh as every thing that compares, each with how it is known."""
    rows = tuple(
        (f"about {phrase}", f"{thing.source}, {thing.year}", BASES[thing.basis], f"v{thing.version}")
        for thing in (known() if things is None else things)
        if (phrase := thing.phrase(wh)) is not None
    )
    note = "What is an assumption or a calculation says so; none of it was measured here."
    return Table(f"{wh_rounded(wh)} is as much as", ("as much as", "source", "how known", "version"), rows, note)


def sources(things: Sequence[Equivalence] | None = None) -> Table:
    """Every thing with what it takes, who says so, and how that is known."""
    rows = tuple(
        (
            thing.name,
            thing.kind,
            _takes(thing),
            f"{thing.source}, {thing.year}",
            BASES[thing.basis],
            f"v{thing.version}",
        )
        for thing in (known() if things is None else things)
    )
    return Table("Sources", ("conf/equivalence", "kind", "takes", "source", "how known", "version"), rows)


def _takes(equivalence: Equivalence) -> str:
    if equivalence.watts is not None:
        return f"{equivalence.watts:g} W"
    largest = equivalence.scale[-1]
    return f"{largest.wh:g} Wh a {largest.singular}"
