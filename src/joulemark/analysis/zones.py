"""The carbon intensity of each zone's electricity, from a table that ships with the program and names its version."""

import csv
from dataclasses import dataclass
from pathlib import Path

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
    """The emission factor of an ISO 3166-1 alpha-3 zone (`WOR` is the world); UserError for an unknown zone."""
    table = _read()
    if zone in table:
        return table[zone]
    names = {row.name: code for code, row in table.items()}
    close = nearest(zone.upper(), table) or names.get(nearest(zone, names) or "")
    hint = f"; did you mean site.zone={close} ({table[close].name})?" if close else ""
    raise UserError(f"site.zone={zone} is not an ISO 3166-1 alpha-3 code in src/zones.csv{hint}")


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
