"""The full boundary of 1,000 requests, line by line: what was measured, and beside it what a site adds to that.

The lines have the names of Google's account of a median prompt (arXiv 2508.15734): accelerator, CPU and DRAM, idle
machines, overhead. Each says how it is known. No line changes the measured figure, and a line that is not known is
None with what to type: the sum is then of the lines that are known, and says which are missing.

    idle    = idle power x time at work x ((1 - utilization) / utilization)     waiting for requests while reserved
    spare   = idle power x time at work / utilization x spare                   standing by
    overhead = (measured + idle + spare) x (PUE - 1)
    water   = E x (WUE on site + PUE x WUE of the electricity)                  E: measured + idle + spare
"""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis import embodied as embodied_emissions
from joulemark.analysis import emissions, energy_metrics, readings
from joulemark.analysis.embodied import NOT_DECLARED, Embodied
from joulemark.core.formatting import listed
from joulemark.core.machine import Site
from joulemark.core.measurement import COMPONENTS, Measurement
from joulemark.core.record import Record
from joulemark.core.units import J_PER_KWH, J_PER_WH, PER

WH, LITRES, GRAMS = "Wh", "L", "g CO2e"
LOCATED, EMBODIED = "emissions, location-based", "embodied"  # names of lines that others look for


@dataclass(frozen=True)
class Line:
    """One line of the boundary, of 1,000 requests.

    Attributes:
        name: what it is of
        value: in `unit`; None where it is not known
        unit: `Wh`, `L` (water) or `g CO2e`
        known_by: how it is known, or what to type so that it is
        measured: whether it is part of the measured figure
    """

    name: str
    value: float | None
    unit: str
    known_by: str
    measured: bool = False


@dataclass(frozen=True)
class Boundary:
    """The full boundary of a run at a site, of 1,000 requests.

    Attributes:
        lines: in order
        busy_s: seconds for which the machine worked, a request; None where nothing was measured
        reserved_s: seconds for which it is reserved, a request, idle and spare ones among them as far as declared
        computers_wh: measured energy with the idle machines that are declared, Wh; None where nothing was measured
        building_wh: the same with the building's overhead
        emissions_g: of that, with the site's (location-based) factor; None without one
        market_g: the same with the contract's factor
        water_l: on site and for the electricity; None unless both are known
        embodied_g: share of what making the hardware emitted; None where it is not declared
    """

    lines: tuple[Line, ...]
    busy_s: float | None = None
    reserved_s: float | None = None
    computers_wh: float | None = None
    building_wh: float | None = None
    emissions_g: float | None = None
    market_g: float | None = None
    water_l: float | None = None
    embodied_g: float | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the lines that are not known."""
        return tuple(line.name for line in self.lines if line.value is None)


def boundary(record: Record, site: Site, embodied: Embodied = NOT_DECLARED) -> Boundary:
    """The full boundary of a record at a site; UserError as in `embodied.of_request`."""
    measurement = record.measurement
    total_j, busy_s = energy_metrics.total_j(measurement), _busy_s(measurement)
    measured = _measured(record)
    if total_j is None or busy_s is None:
        return Boundary(measured)
    idle, spare = _idle(measurement, site, busy_s), _spare(measurement, site, busy_s)
    computers_wh = (energy_metrics.wh_per_1k(total_j) or 0.0) + sum(line.value or 0.0 for line in (idle, spare))
    reserved_s = busy_s if site.utilization is None else busy_s / site.utilization * (1.0 + (site.spare or 0.0))
    grams, notes = embodied_emissions.of_request(record, embodied, reserved_s)
    embodied_g = None if grams is None else grams * PER
    on_site, off_site = _water(computers_wh, site)
    located = emissions.metrics(computers_wh * J_PER_WH / PER, site)["emissions/g_per_1k"]
    return Boundary(
        (
            *measured,
            idle,
            spare,
            _overhead(computers_wh, site),
            Line(LOCATED, located, GRAMS, _factor(site)),
            _market(computers_wh, site),
            on_site,
            off_site,
            Line(EMBODIED, embodied_g, GRAMS, "; ".join(notes)),
        ),
        busy_s,
        reserved_s,
        computers_wh,
        computers_wh * site.pue,
        located,
        _market(computers_wh, site).value,
        None if on_site.value is None or off_site.value is None else on_site.value + off_site.value,
        embodied_g,
    )


def _busy_s(measurement: Measurement) -> float | None:
    """Seconds of work a request, over the complete windows."""
    windows = readings.complete_windows(measurement)
    requests = sum(window.requests for window in windows)
    return sum(window.duration_s for window in windows) / requests if requests else None


def _measured(record: Record) -> tuple[Line, ...]:
    """The measured figure in two lines; without an accelerator it has no line, where none was used or read."""
    accelerator = _components("accelerator", record.measurement, ("gpu",))
    used = record.hardware.device != "cpu" or accelerator.value is not None
    host = _components("CPU and DRAM", record.measurement, ("cpu", "ram"))
    return (accelerator, host) if used else (host,)


def _components(name: str, measurement: Measurement, components: Sequence[str]) -> Line:
    """The energy of some components, each with its evidence; one that was not read is named."""
    methods = energy_metrics.methods(measurement)
    joules = {each: energy_metrics.component_j(measurement, each) for each in components}
    read = [value for value in joules.values() if value is not None]
    known_by = [
        f"{each.upper()} {'not available' if joules[each] is None else methods[each] or 'not available'}"
        for each in components
    ]
    return Line(name, energy_metrics.wh_per_1k(sum(read)) if read else None, WH, ", ".join(known_by), True)


def _idle_w(measurement: Measurement) -> tuple[float | None, str]:
    """Idle watts of all components whose energy was read, and how they are known or which is missing."""
    read = [each for each in COMPONENTS if energy_metrics.component_j(measurement, each) is not None]
    watts = {each: readings.idle_w(measurement, each) for each in read}
    known = {each: value for each, value in watts.items() if value is not None}
    if not known:
        return None, "no idle baseline was measured"
    without = [each.upper() for each in read if each not in known]
    less = f", without {listed(without)}, whose idle power is not available" if without else ""
    return sum(known.values()), f"idle power as measured before the windows, model loaded{less}"


def _idle(measurement: Measurement, site: Site, busy_s: float) -> Line:
    name, (watts, how) = "idle machines: waiting while reserved", _idle_w(measurement)
    if site.utilization is None:
        return Line(name, None, WH, "not declared: type site.utilization=…")
    if watts is None:
        return Line(name, None, WH, how)
    waiting_s = busy_s * (1.0 - site.utilization) / site.utilization
    return Line(
        name,
        energy_metrics.wh_per_1k(watts * waiting_s),
        WH,
        f"{how}; site.utilization={site.utilization:g}, as declared",
    )


def _spare(measurement: Measurement, site: Site, busy_s: float) -> Line:
    name, (watts, how) = "idle machines: standing by", _idle_w(measurement)
    if site.spare is None or (site.utilization is None and site.spare > 0):
        return Line(name, None, WH, "not declared: type site.spare=… and site.utilization=…")
    if watts is None:
        return Line(name, None, WH, how)
    standing_s = busy_s / (site.utilization or 1.0) * site.spare
    known_by = f"{how}; site.spare={site.spare:g}, as declared"
    return Line(name, energy_metrics.wh_per_1k(watts * standing_s), WH, known_by)


def _overhead(computers_wh: float, site: Site) -> Line:
    if site.pue == 1.0:
        return Line("overhead of the building", None, WH, "not declared (PUE 1): type site.pue=…")
    return Line("overhead of the building", computers_wh * (site.pue - 1.0), WH, f"site.pue={site.pue:g}, as declared")


def _factor(site: Site) -> str:
    if site.g_per_kwh is None:
        return "no zone: type site.zone=FRA or another zone"
    return emissions.summary(site)


def _market(computers_wh: float, site: Site) -> Line:
    name = "emissions, market-based"
    if site.market_g_per_kwh is None:
        return Line(name, None, GRAMS, "not declared: type site.market_g_per_kwh=…, your contract's factor")
    kwh = computers_wh * site.pue / 1000.0
    return Line(
        name, kwh * site.market_g_per_kwh, GRAMS, f"{site.market_g_per_kwh:g} g/kWh of the contract, as declared"
    )


def _water(computers_wh: float, site: Site) -> tuple[Line, Line]:
    kwh = computers_wh * J_PER_WH / J_PER_KWH
    on, off = site.wue_l_per_kwh, site.wue_source_l_per_kwh
    unknown = "not declared: type {}=…"
    return (
        Line("water, on site", None if on is None else kwh * on, LITRES,
             unknown.format("site.wue_l_per_kwh") if on is None else f"{on:g} L/kWh, as declared"),
        Line("water, of the electricity", None if off is None else kwh * site.pue * off, LITRES,
             unknown.format("site.wue_source_l_per_kwh") if off is None else f"{off:g} L/kWh, as declared"),
    )  # fmt: skip
