"""What a number of watt hours means to people: so much of a thing that they know, with who says what it takes.

    3,000 Wh -> "10 hours of a game on a gaming PC with its display"

Other tasks of a computer come first, then charges, kettles and lamps, cars last. A number is said in the unit in which
it lies between 0.1 and 1,000; a thing of which there would be more or less is not said at all.
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
KINDS = ("computer", "charge", "kettle", "lamp", "car")  # in the order in which they are said
BASES = {
    "published": "as published",
    "physics": "by calculation",
    "definition": "by definition",
    "assumption": "an assumption",
}
LEAST, MOST = 0.1, 1000.0
HOUR_WORDS = (("second", 1 / 3600), ("minute", 1 / 60), ("hour", 1.0), ("day", 24.0), ("year", 8760.0))


@dataclass(frozen=True)
class Unit:
    """A unit in which a thing is counted: its name for one and for several, and the Wh of one."""

    one: str
    many: str
    wh: float


@dataclass(frozen=True)
class Equivalence:
    """A thing that takes energy: `sentence` has `{amount}` where the number and its unit go.

    Either `watts`, for what is done for some time, or `units` of known Wh. `basis` is one of BASES, `source` has title
    and publisher, or the arithmetic.
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
            return tuple(Unit(word, f"{word}s", self.watts * hours) for word, hours in HOUR_WORDS)
        return tuple(sorted(self.units, key=lambda unit: unit.wh))

    def said(self, wh: float) -> str | None:
        """The words for so many Wh; None where there is no unit in which the number can be read."""
        fitting = [unit for unit in self.scale if wh / unit.wh >= 1]
        unit = fitting[-1] if fitting else self.scale[0]
        number = wh / unit.wh
        if not LEAST <= number < MOST:
            return None
        words = rounded(number)
        return self.sentence.format(amount=f"{words} {unit.one if words == '1' else unit.many}")


@cache
def known(folder: Path = FOLDER) -> tuple[Equivalence, ...]:
    """Every thing of the folder, one file each, in the order in which they are said; UserError for a broken file."""
    found = [_read(path) for path in sorted(folder.glob("*.yaml"))]
    return tuple(sorted(found, key=lambda one: (KINDS.index(one.kind), one.order, one.name)))


def _read(path: Path) -> Equivalence:
    where = f"conf/equivalence/{path.name}"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict):
        raise UserError(f"{where} holds no keys; see docs/meaning.md")
    found = typed(Equivalence, {"name": path.stem, **values}, where)
    for key, known_words in (("kind", KINDS), ("basis", BASES)):
        if getattr(found, key) not in known_words:
            raise UserError(choose(f"{where}: {key}", getattr(found, key), known_words))
    if (found.watts is None) == (not found.units):
        raise UserError(f"{where}: give either watts or units")
    if not all(unit.wh > 0 for unit in found.scale):
        raise UserError(f"{where}: what takes no energy compares with nothing; its Wh must be above 0")
    if "{amount}" not in found.sentence:
        raise UserError(f"{where}: sentence must hold {{amount}}")
    return found


def named(name: str) -> Equivalence:
    """One thing by its name; UserError for one that is not there."""
    things = {one.name: one for one in known()}
    if name not in things:
        raise UserError(choose("equivalence", name, things))
    return things[name]


def sentences(wh: float, count: int = 3, things: Sequence[Equivalence] | None = None) -> tuple[str, ...]:
    """So many Wh in the words of at most `count` things, the nearest to a computer first."""
    told = [words for one in (known() if things is None else things) if (words := one.said(wh)) is not None]
    return tuple(f"about {words}" for words in told[:count])


def table(wh: float, things: Sequence[Equivalence] | None = None) -> Table:
    """So many Wh beside every thing that can be said of them, each with how it is known."""
    rows = tuple(
        (f"about {words}", f"{one.source}, {one.year}", BASES[one.basis], f"v{one.version}")
        for one in (known() if things is None else things)
        if (words := one.said(wh)) is not None
    )
    note = "What is an assumption or a calculation says so; none of it was measured here."
    return Table(f"{wh_rounded(wh)} is as much as", ("as much as", "source", "how known", "version"), rows, note)


def sources(things: Sequence[Equivalence] | None = None) -> Table:
    """Every thing with what it takes, who says so, and how that is known."""
    rows = tuple(
        (one.name, one.kind, _takes(one), f"{one.source}, {one.year}", BASES[one.basis], f"v{one.version}")
        for one in (known() if things is None else things)
    )
    return Table("Sources", ("conf/equivalence", "kind", "takes", "source", "how known", "version"), rows)


def _takes(equivalence: Equivalence) -> str:
    if equivalence.watts is not None:
        return f"{equivalence.watts:g} W"
    largest = equivalence.scale[-1]
    return f"{largest.wh:g} Wh a {largest.one}"
