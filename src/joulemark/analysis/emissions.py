"""Where the electricity comes from, and what follows: emissions, cost and the use of the heat, all from the record.

Nothing here is measured. A site may be laid over any record at any time (`python -m src.rescore`).

    emissions = energy x PUE x the zone's factor          cost = energy x PUE x price
    heat      = energy x the share that replaces heating x what the heater would have drawn for a joule of heat
"""

from dataclasses import replace

from joulemark.analysis import zones
from joulemark.core.errors import UserError
from joulemark.core.formatting import spoken
from joulemark.core.machine import Site
from joulemark.core.stats import product_of_all
from joulemark.core.suggest import choose
from joulemark.core.units import J_PER_KWH, PER

# Joules of electricity that the replaced heater would have drawn for one joule of heat
HEATERS = {"resistive": 1.0, "heat_pump": 1 / 3}

GIVEN = "given on the command line or in the site's YAML"
FACTOR_FACTS = ("factor_year", "factor_basis", "factor_source")

Metrics = dict[str, float | None]


def located(site: Site) -> Site:
    """The site with its zone's factor, year, basis and source filled in; UserError for values that cannot be."""
    _check(site)
    if site.g_per_kwh is not None:
        return replace(site, factor_source=site.factor_source or GIVEN)
    for fact in FACTOR_FACTS:
        if getattr(site, fact) is not None:
            raise UserError(f"site.{fact} describes a factor of your own; type site.g_per_kwh=… with it")
    if site.zone is None:
        return site
    factor = zones.factor(site.zone)
    return replace(
        site,
        zone=factor.zone,
        g_per_kwh=factor.g_per_kwh,
        factor_year=factor.year,
        factor_basis=factor.basis,
        factor_source=f"{factor.source}; table {zones.version()}",
    )


def _check(site: Site) -> None:
    if site.heat_replaces is not None and site.heat_replaces not in HEATERS:
        raise UserError(choose("site.heat_replaces", site.heat_replaces, HEATERS))
    if (site.heat_reuse is None) != (site.heat_replaces is None):
        raise UserError("site.heat_reuse=SHARE and site.heat_replaces=resistive or heat_pump go together")
    if site.currency is not None and site.price_per_kwh is None:
        raise UserError(f"site.currency={site.currency} has no price; type site.price_per_kwh=… with it")


def metrics(j_per_request: float | None, site: Site) -> Metrics:
    """What 1,000 inferences emit, cost and save in heating at the site; None where it or the energy is unknown.

    Cost is in the site's currency. The heat credit is subtracted from nothing: Wh of electricity that a heater did not
    draw, and their grams at the zone's factor. The building's overhead (PUE) is in emissions and cost, not in the heat.
    """
    kwh = None if j_per_request is None else j_per_request * PER / J_PER_KWH
    building = product_of_all(kwh, site.pue)
    heater = HEATERS.get(site.heat_replaces or "")
    avoided = product_of_all(kwh, site.heat_reuse, heater)
    return {
        "emissions/g_per_1k": product_of_all(building, site.g_per_kwh),
        "cost/per_1k": product_of_all(building, site.price_per_kwh),
        "heat/credit_wh_per_1k": product_of_all(avoided, 1000.0),
        "heat/credit_g_per_1k": product_of_all(avoided, site.g_per_kwh),
    }


def label(site: Site) -> str:
    """A short name of all that the site changes, from which two different sites rarely have the same: `FRA-pue1.2`."""
    parts = [site.zone or site.name]
    if site.g_per_kwh is not None and not (site.factor_source or "").endswith(f"table {zones.version()}"):
        parts.append(f"{site.g_per_kwh:g}g")
    if site.pue != 1:
        parts.append(f"pue{site.pue:g}")
    if site.price_per_kwh is not None:
        parts.append(f"{site.price_per_kwh:g}{site.currency or ''}")
    if site.heat_reuse is not None:
        parts.append(f"heat{site.heat_reuse:g}{site.heat_replaces}")
    return "-".join(parts)


def summary(site: Site) -> str:
    """The site in one line: factor with zone, year, basis and source, PUE, price and heat."""
    factor = "no zone, so no factor"
    if site.g_per_kwh is not None:
        year, basis = site.factor_year or "year not stated", site.factor_basis or "basis not stated"
        where = site.zone or "own factor"
        factor = f"{where} {site.g_per_kwh:g} g/kWh ({year}; {basis}; {site.factor_source})"
    parts = [factor, f"PUE {site.pue:g}"]
    if site.price_per_kwh is not None:
        parts.append(f"{site.price_per_kwh:g} {site.currency or '(currency not given)'}/kWh")
    if site.heat_reuse is not None:
        parts.append(f"{site.heat_reuse:.0%} of the heat replaces {spoken(str(site.heat_replaces))}")
    return ", ".join(parts)
