"""Numbers for people: significant digits, units that fit, intervals and shares; the only place that writes them.

digits    1,234    12.0    0.00123     a page's and a table's columns: so many significant digits, zeros kept
rounded   1.2 million    12    0.0012  sentences: as one says it
quantity  0.007728 Wh                  the terminal's four digits with a unit given
"""

import re
from collections.abc import Callable, Sequence
from math import floor, log10

UNKNOWN = "n/a"

WH = ((1e9, "GWh"), (1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh"), (1e-6, "µWh"))
JOULES = ((1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"))
WATTS = ((1e6, "MW"), (1e3, "kW"), (1.0, "W"), (1e-3, "mW"))
SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
GRAMS = ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg"), (1e-6, "µg"))
BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
COUNTS = ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, ""))
LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))

Units = Sequence[tuple[float, str]]

# What moves a terminal's cursor, colours it, or turns text around: all control characters but line feed and tab, and
# Unicode's marks of direction, lines and paragraphs (Unicode Technical Report 36, "Bidirectional Text Spoofing")
_UNSEEN = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(9), *range(11, 32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F),
                 *range(0x2066, 0x206A))
}  # fmt: skip

_UNIT = re.compile(r"(?<=\d) (?=±)|(?<=±) |(?<=\d) (?=(?:[kMGmµ]?(?:Wh|W|J|g|s)|h|min|t|%)(?![A-Za-z]))")


def digits(value: float | None, count: int = 3) -> str:
    """So many significant digits, no exponent, thousands grouped."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    places = max(0, count - 1 - floor(log10(abs(value))))
    text = f"{value:,.{min(places, 12)}f}"
    return text.rstrip("0").rstrip(".") if places > count + 2 else text


def rounded(value: float | None, count: int = 2) -> str:
    """A number for people: rounded to so many digits, trailing zeros dropped, millions spelled out."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    size, name = next(((size, name) for size, name in LARGE if abs(value) >= size), (1.0, ""))
    scaled = value / size
    places = count - 1 - floor(log10(abs(scaled)))
    number = round(scaled, places)
    text = f"{number:,.{max(places, 0)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {name}".strip()


def quantity(value: float | None, unit: str | None = None, count: int = 4) -> str:
    """A measured value with its unit, `0.007728 Wh`."""
    return UNKNOWN if value is None else f"{value:.{count}g} {unit or ''}".strip()


def scaled(value: float | None, units: Units, write: Callable[[float], str] = digits) -> str:
    """The value in the largest of these units of which it is at least one."""
    if value is None:
        return UNKNOWN
    size, unit = unit_for(value, units)
    return f"{write(value / size)} {unit}".strip()


def unit_for(value: float, units: Units) -> tuple[float, str]:
    """The unit in which a value is read easily, and its size; of nothing the unit of size one."""
    if not value:
        return next((pair for pair in units if pair[0] == 1.0), units[-1])
    return next((pair for pair in units if abs(value) >= pair[0] * 0.9995), units[-1])


def wh(value: float | None) -> str:
    """Watt hours; a mWh is 3.6 J."""
    return scaled(value, WH)


def wh_rounded(value: float | None, count: int = 3) -> str:
    """Watt hours in a sentence."""
    return scaled(value, WH, lambda number: rounded(number, count))


def mass_rounded(grams: float | None, count: int = 3) -> str:
    """Grams of CO2 equivalent in a sentence."""
    return scaled(grams, GRAMS, lambda number: rounded(number, count))


def seconds(value: float | None) -> str:
    """Seconds, milliseconds or microseconds."""
    return scaled(value, SECONDS)


def mass(grams: float | None) -> str:
    """Grams of CO2 equivalent, from µg to t."""
    return scaled(grams, GRAMS)


def size(value: float | None) -> str:
    """Bytes in KiB, MiB or GiB."""
    return scaled(value, BYTES)


def count(value: float | None) -> str:
    """A number of parameters: `340 M`."""
    return scaled(value, COUNTS)


def percent(value: float | None, count: int = 2) -> str:
    """A share in per cent."""
    return UNKNOWN if value is None else f"{digits(100 * value, count)} %"


def times(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """A multiple, with the ends of its interval where they are known: `1.83×`, `1.83× (1.79× to 1.87×)`."""
    if value is None:
        return UNKNOWN
    ends = "" if low is None or high is None else f" ({times(low)} to {times(high)})"
    return f"{digits(value)}×{ends}"


def plus_minus(value: float, half_width: float | None, units: Units = WH) -> str:
    """A value with the half-width of its interval in one unit: `12.3 ± 0.2 mWh`."""
    if half_width is None:
        return f"{scaled(value, units)} (no interval)"
    size, unit = unit_for(value, units)
    number, width = digits(value / size), half_width / size
    # no finer than the number, but where nothing were left
    width_text = f"{width:,.{len(number.partition('.')[2])}f}"
    return f"{number} ± {width_text if width_text.strip('0.,') or not half_width else digits(width, 1)} {unit}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """A value with the ends of its interval, where they are known: `0.910 (0.893 to 0.925)`."""
    return digits(value) if low is None or high is None else f"{digits(value)} ({digits(low)} to {digits(high)})"


def spoken(name: str) -> str:
    """A name of the program's as text: `text_classification` is text classification."""
    return name.replace("_", " ")


def many(count: int, noun: str) -> str:
    """So many of them: `1 run`, `2,000 runs`, `3 processes`."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def listed(items: Sequence[str], comma: str = ", ") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{comma.join(items[:-1])} and {items[-1]}"


def visible(text: str) -> str:
    """A text from elsewhere on a terminal: what would act on it, or turn it around, is shown as `\\x1b` instead."""
    return text.translate(_UNSEEN)


def unbroken(text: str) -> str:
    """The text with each number and its unit on one line."""
    return _UNIT.sub("\u00a0", text)
