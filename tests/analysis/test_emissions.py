"""What a site makes of a record's energy: known joules, known factors."""

from dataclasses import replace

import pytest

from joulemark.analysis import description, emissions, named_metrics, result_table
from joulemark.cli import console
from joulemark.core.errors import UserError
from joulemark.core.machine import Site
from joulemark.core.task import Inputs
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from tests.composed import built
from tests.fakes import FakeClock
from tests.measure.test_runner import SAMPLES, a_run
from tests.records import a_record

HERE = Site("mine", g_per_kwh=50.0, pue=1.5, price_per_kwh=0.2, currency="EUR")
J = 3600.0  # per request: one kWh per 1,000


def metrics(**changes):
    return emissions.metrics(J, replace(HERE, **changes))


def test_emissions_and_cost_carry_the_buildings_overhead():
    assert metrics()["emissions/g_per_1k"] == pytest.approx(1.5 * 50)
    assert metrics()["cost/per_1k"] == pytest.approx(1.5 * 0.2)


@pytest.mark.parametrize(("heater", "spared_wh"), [("resistive", 400.0), ("heat_pump", 400.0 / 3)])
def test_heat_that_replaces_a_heater_spares_what_that_heater_would_have_drawn(heater, spared_wh):
    figures = metrics(heat_reuse=0.4, heat_replaces=heater)
    assert figures["heat/credit_wh_per_1k"] == pytest.approx(spared_wh)
    assert figures["heat/credit_g_per_1k"] == pytest.approx(spared_wh / 1000 * 50)


def test_a_heat_credit_is_taken_off_nothing():
    figures = metrics(heat_reuse=1.0, heat_replaces="resistive")
    assert (figures["emissions/g_per_1k"], figures["cost/per_1k"]) == (
        metrics()["emissions/g_per_1k"],
        metrics()["cost/per_1k"],
    )


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"g_per_kwh": None, "heat_reuse": 0.5, "heat_replaces": "resistive"}, ["emissions/g_per_1k"]),
        ({"price_per_kwh": None}, ["cost/per_1k"]),
        ({}, ["heat/credit_wh_per_1k", "heat/credit_g_per_1k"]),
    ],
)
def test_what_the_site_does_not_say_is_none_and_never_zero(changes, unknown):
    assert all(metrics(**changes)[name] is None for name in unknown)
    assert set(emissions.metrics(None, HERE).values()) == {None}


def test_a_site_that_says_only_its_factor_has_no_cost():
    figures = emissions.metrics(J, Site("mine", g_per_kwh=50.0, pue=2.0))
    assert figures["emissions/g_per_1k"] == pytest.approx(100)
    assert figures["cost/per_1k"] is None
    assert Site("mine").estimated_limit == 0.2


def test_a_zone_brings_year_basis_source_and_the_version_of_the_table():
    figures = built("site.zone=FRA").site
    assert figures.factor_year == 2023
    assert "not stated by the source" in figures.factor_basis
    assert figures.factor_source.endswith("table codecarbon-3.3.2")


def test_a_factor_of_ones_own_keeps_its_own_facts_and_no_others():
    figures = built("site.g_per_kwh=10", "site.factor_year=2025", "site.factor_basis=life cycle").site
    assert (figures.factor_year, figures.factor_basis, figures.factor_source) == (2025, "life cycle", emissions.GIVEN)
    assert built("site.zone=FRA", "site.g_per_kwh=10").site.factor_year is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["site.pue=0.9"], "site.pue=0.9: must be 1 or more"),
        (["site.pue=inf"], "site.pue=inf"),
        (["site.g_per_kwh=-1"], "must be 0 or more"),
        (["site.price_per_kwh=-1"], "site.price_per_kwh"),
        (["site.heat_reuse=1.1", "site.heat_replaces=resistive"], "at most 1"),
        (["site.estimated_limit=2"], "site.estimated_limit"),
        (["site.heat_reuse=0.5"], "go together"),
        (["site.heat_reuse=0.5", "site.heat_replaces=heatpump"], "did you mean site.heat_replaces=heat_pump"),
        (["site.currency=EUR"], "has no price"),
        (["site.zone=FRA", "site.factor_year=1999"], "site.factor_year describes a factor of your own"),
    ],
)
def test_a_site_that_cannot_be_is_refused_in_one_line(options, says):
    with pytest.raises(UserError, match=says) as error:
        built(*options)
    assert "\n" not in str(error.value)


def limited(limit):
    clock = FakeClock()
    run = a_run(clock, site=Site("mine", estimated_limit=limit))
    for meter in run.meters:
        meter.method = "estimated"
    begun = draft(run, Inputs(SAMPLES))
    return runner.bench(run, begun, SAMPLES, lambda *_: None, Instruments(clock=clock))


def test_a_run_above_the_sites_limit_of_estimated_energy_says_so_and_one_below_does_not():
    assert "estimated" in limited(0.99).flags
    assert "estimated" not in limited(1.0).flags


def test_an_estimate_is_called_one_beside_its_number_on_the_terminal_and_before_every_number_on_the_page(capsys):
    record = a_record()
    warning = "estimated: 100% of this energy was estimated, not measured by a sensor (accepted: 20%)"
    assert description.markdown(record, named_metrics.metrics(record)).startswith(f"> {warning}\n")
    console.report(record, named_metrics.metrics(record))
    printed = capsys.readouterr().out
    assert printed.partition("\n")[0].endswith("all of it estimated")
    assert f"\n! {warning}\n" in printed
    assert printed.count("estimated:") == 1


def test_the_table_shows_gross_idle_dynamic_cost_and_heat_side_by_side():
    priced = replace(HERE, heat_reuse=0.5, heat_replaces="heat_pump")
    record = replace(a_record(), site=priced)
    rows = {what.strip(): (value, how) for what, value, how in result_table.rows(record, named_metrics.metrics(record))}
    by = "CPU estimated, RAM estimated (constant)"
    assert rows["idle (static)"][1] == f"idle power x time: {by}"
    assert rows["dynamic (above idle)"][1] == f"gross less idle, the marginal cost: {by}"
    assert rows["cost per 1,000"][0].endswith("EUR")
    assert rows["heating avoided per 1,000"][1] == "50% replaces heat pump; subtracted from nothing"
