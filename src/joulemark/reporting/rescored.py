"""Entries as if their machine stood elsewhere: the same joules, another site's emissions and cost."""

from collections.abc import Sequence
from dataclasses import replace

from joulemark.analysis import emissions
from joulemark.analysis.energy_metrics import J_PER_WH, PER
from joulemark.core.machine import Site
from joulemark.reporting.entry import Entry


def requested(site: Site) -> bool:
    """Whether a site says anything that figures can be rescored by."""
    return site.g_per_kwh is not None or site.price_per_kwh is not None


def at_site(entries: Sequence[Entry], site: Site) -> tuple[Entry, ...]:
    """The entries with the site's emissions, cost and heat in place of their own."""
    return tuple(_at_site(entry, site) for entry in entries)


def _at_site(entry: Entry, site: Site) -> Entry:
    figures = emissions.metrics(entry.energy * J_PER_WH / PER, site)
    own = {name: value for name, value in entry.metrics.items() if name not in figures}
    known = {name: value for name, value in figures.items() if value is not None}
    return replace(entry, metrics={**own, **known}, currency=site.currency)


def note(site: Site) -> str:
    """What the page says of it."""
    return f"Emissions and cost are rescored for another site than the runs' own: {emissions.summary(site)}."
