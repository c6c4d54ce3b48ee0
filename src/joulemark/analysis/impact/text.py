"""What a meaning looks like in plain text, which a page and Markdown both can render: a table, and sensible digits."""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis.impact.amount import Amount

LONG = 1e3  # from here on digits are grouped, and from LARGE on they are words
LARGE = {1e12: "trillion", 1e9: "billion", 1e6: "million"}


@dataclass(frozen=True)
class Table:
    """A table of words: `rows` have one cell for each column, `note` says what the numbers are. Nothing is escaped."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def digits(value: float | None, count: int = 2) -> str:
    """A number as one says it: so many significant digits, never an exponent, `-` where it is unknown."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    for size, name in LARGE.items():
        if abs(value) >= size:
            return f"{_rounded(value / size, count)} {name}"
    return _rounded(value, count)


def _rounded(value: float, count: int) -> str:
    from math import floor, log10

    places = count - 1 - floor(log10(abs(value)))
    rounded = round(value, places)
    if abs(rounded) >= LONG:
        return f"{rounded:,.0f}"
    return f"{rounded:.{max(places, 0)}f}".rstrip("0").rstrip(".") if places > 0 else f"{rounded:.0f}"


def energy(wh: float | None, count: int = 3) -> str:
    """Watt hours in the unit in which they are read easily."""
    if wh is None:
        return "-"
    size, unit = _unit(wh)
    return f"{digits(wh / size, count)} {unit}"


def _unit(wh: float) -> tuple[float, str]:
    """The unit in which so many watt hours are read easily, and what it is of them."""
    units = ((1e9, "GWh"), (1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh"), (1e-6, "µWh"))
    return next((pair for pair in units if abs(wh) >= pair[0]), units[-1] if wh else (1.0, "Wh"))


def mass(grams: float | None, count: int = 3) -> str:
    """Grams in the unit in which they are read easily."""
    if grams is None:
        return "-"
    for size, unit in ((1e6, "t"), (1e3, "kg"), (1.0, "g")):
        if abs(grams) >= size:
            return f"{digits(grams / size, count)} {unit}"
    return f"{digits(grams * 1000, count)} mg"


def interval(amount: Amount | None, count: int = 3) -> str:
    """Energy in Wh with its interval, all in one unit: `12.3 Wh (12.1 to 12.5 Wh)`, or that there is none."""
    if amount is None:
        return "-"
    if amount.low is None or amount.high is None:
        return f"{energy(amount.mean, count)} (no interval)"
    if amount.low == amount.high:
        return energy(amount.mean, count)
    size, unit = _unit(amount.mean)
    low, high = (digits(end / size, count) for end in (amount.low, amount.high))
    return f"{energy(amount.mean, count)} ({low} to {high} {unit})"


def markdown(table: Table) -> str:
    """The table as Markdown; a bar in a cell would end it, and a line break its row."""
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    body = "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
    return "\n\n".join(part for part in (f"**{table.title}**", body, table.note) if part)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
