"""Entries as if their machine stood elsewhere: the same joules, another site's emissions and cost.

The site is that of the report's own options, or the newest that `rescore` laid over a run whose own site tells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from joulemark.analysis import emissions
from joulemark.core.machine import Site
from joulemark.core.record import Record
from joulemark.core.units import J_PER_WH, PER
from joulemark.reporting.entry import Entry
from joulemark.reporting.exports.run import at
from joulemark.store import rescoring
from joulemark.store.listing import StoredRun

GRAMS, COST = "emissions/g_per_1k", "cost/per_1k"


@dataclass(frozen=True)
class Laid:
    """A site that was laid over a stored run: its label, and the site."""

    label: str
    site: Site


def requested(site: Site) -> bool:
    """Whether a site says anything that figures can be rescored by."""
    return site.g_per_kwh is not None or site.price_per_kwh is not None


def at_site(entries: Sequence[Entry], site: Site) -> tuple[Entry, ...]:
    """The entries with the site's emissions, cost and heat in place of their own.

    A price alone says nothing of where the machine stands: emissions stay the run's own, as does its PUE.
    """
    return tuple(_at_site(entry, site) for entry in entries)


def _at_site(entry: Entry, site: Site) -> Entry:
    elsewhere = site.g_per_kwh is not None
    pue = site.pue if elsewhere or site.pue != Site.pue else entry.pue
    figures = emissions.metrics(entry.energy * J_PER_WH / PER, replace(site, pue=pue))
    if not elsewhere and (grams := entry.metrics.get(GRAMS)) is not None:
        figures[GRAMS] = grams * pue / entry.pue
    own = {name: value for name, value in entry.metrics.items() if name not in figures}
    known = {name: value for name, value in figures.items() if value is not None}
    where = (site.zone or "your factor") if elsewhere else entry.site
    return replace(entry, metrics={**own, **known}, currency=site.currency, site=where, pue=pue)


def laid_over(run: StoredRun) -> Laid | None:
    """The newest site that `rescore` laid over a run whose own tells neither emissions nor cost; None without one."""
    if GRAMS in run.metrics or COST in run.metrics:
        return None
    prefix = rescoring.tag("")
    tags = {name.removeprefix(prefix): value for name, value in run.tags.items() if name.startswith(prefix)}
    if not tags:
        return None
    sites = {label: rescoring.site_of(value) for label, value in tags.items()}
    label = max(sites, key=lambda each: sites[each][0])
    return Laid(label, sites[label][1])


def record_at(record: Record, *sites: Site) -> Record:
    """The record as if its machine stood at each of these in turn; where one has a factor, no price of before stays."""
    for site in sites:
        elsewhere = site.g_per_kwh is not None and site.price_per_kwh is None
        record = at(record, site)
        if elsewhere:
            record = replace(record, site=replace(record.site, price_per_kwh=None, currency=None))
    return record
