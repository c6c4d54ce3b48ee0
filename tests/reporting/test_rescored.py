"""A report for another site: the same joules, that site's emissions and cost, and it is said."""

import json
from dataclasses import asdict, replace

import pytest

from joulemark.analysis import emissions
from joulemark.core.machine import Site
from joulemark.reporting import rescored, site_notes
from tests.records import a_record
from tests.reporting.runs import a_run, an_entry

FRANCE = emissions.located(Site("unknown", zone="FR", pue=1.2, price_per_kwh=0.2, currency="EUR"))


def test_emissions_and_cost_are_the_sites_and_the_energy_stays():
    entry = an_entry("a", 2.0, metrics={"emissions/g_per_1k": 99.0, "cost/per_1k": 99.0})
    (moved,) = rescored.at_site([entry], FRANCE)
    assert (moved.energy, moved.currency) == (2.0, "EUR")
    assert moved.metrics["emissions/g_per_1k"] == pytest.approx(0.002 * 1.2 * FRANCE.g_per_kwh)
    assert moved.metrics["cost/per_1k"] == pytest.approx(0.002 * 1.2 * 0.2)


def test_what_the_site_does_not_say_is_not_available_in_place_of_the_runs_own():
    (moved,) = rescored.at_site(
        [an_entry("a", metrics={"cost/per_1k": 99.0})], emissions.located(Site("x", zone="FRA"))
    )
    assert "cost/per_1k" not in moved.metrics


def test_a_site_that_says_nothing_rescores_nothing_and_one_that_does_is_named():
    assert not rescored.requested(emissions.located(Site("unknown")))
    assert rescored.requested(FRANCE)
    assert "FRA" in site_notes.of_report(FRANCE)


def test_a_price_alone_keeps_the_run_s_own_zone_and_building():
    grams = 2.0 * 56.0 / 1000 * 1.5
    entry = an_entry("a", 2.0, metrics={"emissions/g_per_1k": grams}, params={"site.zone": "FRA", "site.pue": "1.5"})
    (priced,) = rescored.at_site([entry], Site("x", price_per_kwh=0.2, currency="EUR"))
    assert (priced.site, priced.metrics["emissions/g_per_1k"]) == ("FRA", pytest.approx(grams))
    assert priced.metrics["cost/per_1k"] == pytest.approx(0.002 * 1.5 * 0.2)


def laid(site, at="2026-11-30T10:00:00+00:00"):
    return json.dumps({"site": asdict(site), "zones": "1", "at": at})


def test_a_site_laid_over_a_run_reaches_the_report_where_its_own_tells_nothing():
    older, newer = laid(Site("x", g_per_kwh=1.0), "2026-11-29T10:00:00+00:00"), laid(FRANCE)
    unknown = a_run("a", 2.0, rescored__first=older, rescored__FRA=newer)
    over = rescored.laid_over(unknown)
    assert (over.label, over.site) == ("FRA", FRANCE)
    assert "label FRA" in site_notes.notes(Site("unknown"), [over])[0]
    own = a_run("a", 2.0, metrics={"emissions/g_per_1k": 1.0}, rescored__FRA=newer)
    assert rescored.laid_over(own) is None


def test_a_record_at_another_zone_has_no_price_of_before_and_takes_the_last_site():
    here = replace(a_record(), site=Site("here", price_per_kwh=0.5, currency="USD"))
    there = rescored.record_at(here, Site("x", zone="DEU", g_per_kwh=300.0), Site(""))
    assert (there.site.g_per_kwh, there.site.price_per_kwh, there.site.currency) == (300.0, None, None)
    assert rescored.record_at(here, Site("")).site.price_per_kwh == 0.5
    assert rescored.record_at(here, Site("x", zone="DEU", g_per_kwh=300.0), FRANCE).site.zone == "FRA"
