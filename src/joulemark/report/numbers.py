"""Numbers as a person reads them: three digits and a unit that fits."""

import re
from math import floor, log10

UNIT = re.compile(r"(?<=\d) (?=(?:[kMGmµ]?(?:Wh|W|J|g|s)|h|min|t|%)(?![A-Za-z]))")


def digits(value: float | None, count: int = 3) -> str:
    """So many significant digits, no exponent, thousands grouped; `–` where it is unknown."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    places = max(0, count - 1 - floor(log10(abs(value))))
    text = f"{value:,.{min(places, 12)}f}"
    return text.rstrip("0").rstrip(".") if places > count + 2 else text


def wh(value: float | None) -> str:
    """Watt hours in the unit in which they are read easily; a mWh is 3.6 J."""
    return _scaled(value, ((1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh"), (1e-3, "mWh"), (1e-6, "µWh")))


def seconds(value: float | None) -> str:
    """Seconds, milliseconds or microseconds."""
    return _scaled(value, ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")))


def mass(grams: float | None) -> str:
    """Grams of CO2 equivalent in kg, g, mg or µg."""
    return _scaled(grams, ((1e3, "kg"), (1.0, "g"), (1e-3, "mg"), (1e-6, "µg")))


def size(value: float | None) -> str:
    """Bytes in MiB or GiB."""
    return _scaled(value, ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB")))


def count(value: float | None) -> str:
    """A number of parameters: `340 M`."""
    return _scaled(value, ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, "")))


def percent(value: float | None) -> str:
    """A share in per cent, to two digits."""
    return "–" if value is None else f"{digits(100 * value, 2)} %"


def times(value: float | None) -> str:
    """A multiple: `1.83×`."""
    return "–" if value is None else f"{digits(value)}×"


def plus_minus(value: float, half: float | None) -> str:
    """Energy with half of its interval in one unit: `12.3 ± 0.2 mWh`."""
    text = wh(value)
    if half is None:
        return f"{text} (no interval)"
    number, unit = text.rsplit(" ", 1)
    scaled = half / {"MWh": 1e6, "kWh": 1e3, "Wh": 1.0, "mWh": 1e-3, "µWh": 1e-6}[unit]
    rounded = f"{scaled:,.{len(number.partition('.')[2])}f}"  # no finer than the number, but where nothing were left
    return f"{number} ± {rounded if rounded.strip('0.') or not half else digits(scaled, 1)} {unit}"


def word(name: str) -> str:
    """A name of the program's as words: `text_classification` is text classification."""
    return name.replace("_", " ")


def _scaled(value: float | None, units: tuple[tuple[float, str], ...]) -> str:
    if value is None:
        return "–"
    for each, unit in units:
        if abs(value) >= each * 0.9995:
            return f"{digits(value / each)} {unit}".strip()
    each, unit = units[-1]
    return f"{digits(value / each)} {unit}".strip()


def whole(text: str) -> str:
    """The text with each number and its unit on one line."""
    return UNIT.sub("\u00a0", text)
