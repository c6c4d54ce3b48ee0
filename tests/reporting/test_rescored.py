"""A report for another site: the same joules, that site's emissions and cost, and it is said."""

import pytest

from joulemark.analysis import emissions
from joulemark.core.machine import Site
from joulemark.reporting import rescored
from tests.reporting.runs import an_entry

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
    assert "FRA" in rescored.note(FRANCE)
