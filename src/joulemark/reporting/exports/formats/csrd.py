"""A table for a CSRD statement (ESRS of Regulation (EU) 2023/2772), as CSV: emissions twice, water, embodied share.

The disclosure requirements have the numbers of the regulation's own tables of contents: E1-5 energy, E1-6 emissions,
E3-4 water consumption, E5-4 resource inflows. All of it is of `requests` requests, as many as the period had.
"""

from collections.abc import Iterator, Sequence

from joulemark.analysis.boundary import EMBODIED, LOCATED
from joulemark.core.errors import UserError
from joulemark.core.formatting import listed
from joulemark.core.units import PER, S_PER_YEAR
from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".csv", True, False
COLUMNS = ("run", "model", "task", "requests", "disclosure requirement", "line", "value", "unit", "method")

Row = tuple[str, str, float | None, str, str]


def write(runs: Sequence[Run], options: Options) -> Document:
    """The rows of each run; UserError without an emission factor, of which E1-6 has no location-based figure."""
    rows, left_out = [], []
    for run in runs:
        if run.record.site.g_per_kwh is None:
            raise UserError(
                f"run {run.name} has no emission factor, so no E1-6; type site.zone=FRA or site.g_per_kwh=…"
            )
        whose = (run.id, run.checkpoint, run.record.task.name, options.requests)
        rows += [(*whose, *row) for row in _rows(run, options.requests / PER)]
        if run.boundary.missing:
            left_out.append(f"run {run.name}: not declared and left empty: {listed(run.boundary.missing)}")
    left_out += [
        "materials of the hardware (E5-4): not in a record",
        "which scope it is (2 for own machines, 3 for bought services) and whether it is material: yours to say",
    ]
    return Document(csv_text(COLUMNS, rows), tuple(left_out))


def _rows(run: Run, thousands: float) -> Iterator[Row]:
    boundary = run.boundary
    lines = {line.name: line for line in boundary.lines}

    def of(value: float | None, scale: float) -> float | None:
        return None if value is None else value * thousands * scale

    for line in boundary.lines:
        if line.unit == "Wh":
            yield "E1-5", f"boundary: {line.name}", of(line.value, 1e-3), "kWh", line.known_by
    missing = [line.name for line in boundary.lines if line.unit == "Wh" and line.value is None]
    sums = f"sum of the lines above{f', without {listed(missing)}' if missing else ''}"
    yield "E1-5", "energy consumption", of(boundary.building_wh, 1e-3), "kWh", sums
    for name, value in (
        (LOCATED, boundary.emissions_g),
        ("emissions, market-based", boundary.market_g),
    ):
        yield "E1-6", name, of(value, 1e-3), "kg CO2e", lines[name].known_by
    yield "E1-6", "embodied emissions of the hardware, share", of(boundary.embodied_g, 1e-3), "kg CO2e", (
        f"{lines[EMBODIED].known_by}; of time reserved over lifespan"
    )  # fmt: skip
    yield "E3-4", "water consumption", of(boundary.water_l, 1e-3), "m3", (
        f"E x (WUE on site + PUE x WUE of the electricity); on site: {lines['water, on site'].known_by}; of the "
        f"electricity: {lines['water, of the electricity'].known_by}"
    )  # fmt: skip
    share = None if boundary.reserved_s is None or run.embodied.years is None else boundary.reserved_s * thousands * PER
    yield "E5-4", "share of the hardware's life", None if share is None or run.embodied.years is None else (
        share / (run.embodied.years * S_PER_YEAR)
    ), "1", (
        "time reserved over lifespan; materials of the hardware are not known"
        if share is not None
        else "not declared: type embodied.years=…"
    )  # fmt: skip
    yield "notes", "method", None, "", (
        f"measured: {run.energy_text} per 1,000 requests, component energy; {run.record.device_name}, "
        f"{run.settings_text}; verdict {run.verdict}; flags: {', '.join(run.record.flags) or 'none'}"
    )  # fmt: skip
