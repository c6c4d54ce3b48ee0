"""The carbon intensity of each zone's electricity, from a table that ships with the program and names its version."""

import csv
from dataclasses import dataclass
from pathlib import Path

from joulemark.analysis import zone_names
from joulemark.core.errors import UserError
from joulemark.core.suggest import nearest

TABLE = Path(__file__).with_name("zones.csv")


@dataclass(frozen=True)
class Factor:
    """The emission factor of one zone.

    Attributes:
        zone: ISO 3166-1 alpha-3 code, or `WOR` for the world
        name: name of the zone
        g_per_kwh: grams of CO2 equivalent per kWh
        year: year that it holds for
        basis: what the number is; what the source does not state of it is named as not stated
        source: who says so
    """

    zone: str
    name: str
    g_per_kwh: float
    year: int
    basis: str
    source: str


def factor(zone: str) -> Factor:
    """The factor of a country's code or name (`WOR` is the world); UserError where none or several are meant."""
    table = _read()
    choices = zone_names.meant(zone, {code: row.name for code, row in table.items()})
    if len(choices) == 1 and choices[0] in table:
        return table[choices[0]]
    key = f"site.zone={zone}"
    if len(choices) == 1:
        raise UserError(f"{key} is {choices[0]}, whose factor is not in the table; type site.g_per_kwh=… of its supply")
    if choices:
        raise UserError(f"{key} may mean {', '.join(choices)}; type one of them: site.zone={choices[0]}")
    names = {row.name: code for code, row in table.items()}
    close = names.get(nearest(zone, names) or "") or (nearest(zone.upper(), table) if len(zone) > 2 else None)
    hint = f"; did you mean site.zone={close} ({table[close].name})?" if close else "; type one such as site.zone=FRA"
    raise UserError(f"{key} is no country's ISO 3166-1 code or name{hint}")


def _read() -> dict[str, Factor]:
    with TABLE.open(newline="", encoding="utf-8") as file:
        next(file)  # the version
        rows = csv.DictReader(file)
        return {
            row["zone"]: Factor(
                row["zone"], row["name"], float(row["g_per_kwh"]), int(row["year"]), row["basis"], row["source"]
            )
            for row in rows
        }


def version() -> str:
    """The table's version, as its first line says."""
    with TABLE.open(encoding="utf-8") as file:
        return file.readline().removeprefix("# version:").split(";")[0].strip()
