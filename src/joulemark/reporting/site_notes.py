"""What the page says of the sites that its emissions and costs are of, and what to type where none is known."""

from collections import Counter
from collections.abc import Sequence

from joulemark.analysis import emissions
from joulemark.core.machine import Site
from joulemark.core.paths import program
from joulemark.reporting.entry import Entry
from joulemark.reporting.rescored import COST, GRAMS, Laid, requested

# What is not known -> its metric, and what a reader types for it with values of their own
UNKNOWN = {
    "emissions": (GRAMS, "site.zone=FRA (your country's code)"),
    "cost": (COST, "site.price_per_kwh=0.25 site.currency=EUR (what you pay)"),
}


def notes(site: Site, laid: Sequence[Laid]) -> list[str]:
    """Sentences about the report's own site, or about those that `rescore` laid over its runs."""
    return [of_report(site)] if requested(site) else _of_runs(laid)


def of_report(site: Site) -> str:
    """What the page says of the site in the report's own options."""
    return f"Emissions and cost are rescored for another site than the runs' own: {emissions.summary(site)}."


def _of_runs(laid: Sequence[Laid]) -> list[str]:
    count, sites = Counter(each.label for each in laid), {each.label: each.site for each in laid}
    return [
        f"Emissions and cost of {count[label]:,} run{'' if count[label] == 1 else 's'} whose own site is not known are "
        f"those of {program('rescore')}, label {label}: {emissions.summary(site)}."
        for label, site in sites.items()
    ]


def missing(entry: Entry) -> str:
    """What is not known of a run of this program for want of a site, and what to type; empty where all is known."""
    lacking = {what: typed for what, (metric, typed) in UNKNOWN.items() if metric not in entry.metrics}
    if entry.external or not lacking:
        return ""
    verb = "is" if list(lacking) == ["cost"] else "are"
    return (
        f"{' and '.join(lacking).capitalize()} {verb} not known: type {program('report')} {' '.join(lacking.values())}."
    )
