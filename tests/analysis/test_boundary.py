"""The full boundary: each line from what was measured and declared, nothing of it in the measured figure."""

from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics
from joulemark.analysis.boundary import boundary
from joulemark.analysis.embodied import Embodied
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement
from tests.reporting.exports.runs import FRANCE, a_record, measured, readings

MEASURED_WH = (3000 + 500 + 50) / 3600  # of 1,000 requests
IDLE_W = 50 + 20 + 5
WHOLE = replace(FRANCE, pue=1.2, utilization=0.4, spare=0.1, market_g_per_kwh=20.0, wue_l_per_kwh=1.8,
                wue_source_l_per_kwh=3.0)  # fmt: skip


def lines(record, site, **more):
    return {line.name: line for line in boundary(record, site, **more).lines}


def test_without_declarations_the_boundary_is_what_was_measured_and_every_other_line_says_what_to_type():
    made = boundary(a_record(), replace(FRANCE, zone=None, g_per_kwh=None))
    assert made.computers_wh == made.building_wh == pytest.approx(MEASURED_WH)
    assert [line.value is not None for line in made.lines] == [line.measured for line in made.lines]
    assert all("type " in line.known_by for line in made.lines if not line.measured)
    assert made.reserved_s == made.busy_s == pytest.approx(0.01)
    assert (made.emissions_g, made.market_g, made.water_l, made.embodied_g) == (None, None, None, None)


def test_a_machine_that_works_two_fifths_of_its_time_waits_three_for_every_two_at_idle_power():
    waiting = lines(a_record(), WHOLE)["idle machines: waiting while reserved"].value
    assert waiting == pytest.approx(IDLE_W * 10 * 1.5 / 3600)
    busy = lines(a_record(), replace(WHOLE, utilization=1.0))
    assert busy["idle machines: waiting while reserved"].value == 0


def test_a_spare_machine_stands_by_for_all_of_the_reserved_time():
    standing = lines(a_record(), WHOLE)["idle machines: standing by"].value
    assert standing == pytest.approx(IDLE_W * (10 / 0.4) * 0.1 / 3600)
    alone = boundary(a_record(), replace(FRANCE, spare=0.1))  # of how long a time is unknown
    assert "idle machines: standing by" in alone.missing
    assert alone.reserved_s == alone.busy_s


def test_overhead_emissions_and_water_are_of_measured_and_idle_energy_together():
    made, named = boundary(a_record(), WHOLE), lines(a_record(), WHOLE)
    computers = MEASURED_WH + IDLE_W * 10 * 1.5 / 3600 + IDLE_W * 25 * 0.1 / 3600
    assert made.computers_wh == pytest.approx(computers)
    assert named["overhead of the building"].value == pytest.approx(0.2 * computers)
    assert made.emissions_g == pytest.approx(computers * 1.2 * 50 / 1000)
    assert made.market_g == pytest.approx(computers * 1.2 * 20 / 1000)
    assert made.water_l == pytest.approx(computers / 1000 * (1.8 + 1.2 * 3.0))
    assert made.reserved_s == pytest.approx(0.01 / 0.4 * 1.1)


def test_nothing_that_is_declared_changes_the_measured_figure():
    plain, whole = (named_metrics.metrics(a_record(site=site)) for site in (FRANCE, replace(WHOLE, pue=1.0)))
    assert plain == whole
    assert [line.value for line in boundary(a_record(), WHOLE).lines if line.measured] == [
        line.value for line in boundary(a_record(), FRANCE).lines if line.measured
    ]


def test_water_is_unknown_as_long_as_one_of_its_two_factors_is():
    made = boundary(a_record(), replace(WHOLE, wue_source_l_per_kwh=None))
    assert made.water_l is None
    assert made.missing == ("water, of the electricity", "embodied")


def test_reserved_time_decides_the_embodied_share():
    ours = Embodied(gpu_kg=1000.0, years=4.0)
    once, longer = (boundary(a_record(), site, ours).embodied_g for site in (FRANCE, replace(FRANCE, utilization=0.25)))
    assert once == pytest.approx(1000 * 28.5 * 0.01 / 3600, rel=2e-3)
    assert longer == pytest.approx(4 * once)


def test_idle_power_that_was_not_measured_leaves_idle_machines_unknown_or_names_what_is_missing():
    without = a_record(measurement=replace(measured(), idle=()))
    assert lines(without, WHOLE)["idle machines: waiting while reserved"].value is None
    gpu_only = a_record(measurement=replace(measured(), idle=readings(20.0, 1000.0, 0.0, 0.0)[:1]))
    line = lines(gpu_only, WHOLE)["idle machines: waiting while reserved"]
    assert line.value == pytest.approx(50 * 10 * 1.5 / 3600)
    assert "without CPU and RAM" in line.known_by


def test_a_processor_has_no_line_for_an_accelerator_and_a_run_without_windows_no_sums():
    record = a_record(hardware=Hardware("cpu", "cpu", ("fp32",)))
    host = replace(record, measurement=replace(measured(), windows=tuple(
        replace(window, readings=window.readings[1:]) for window in measured().windows)))  # fmt: skip
    assert "accelerator" not in lines(host, FRANCE)
    nothing = boundary(a_record(measurement=Measurement()), WHOLE)
    assert nothing.computers_wh is None
    assert all(line.value is None for line in nothing.lines)
