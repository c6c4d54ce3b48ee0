"""The metrics of a record, from readings whose joules are known."""

import math
from dataclasses import replace

import pytest

from joulemark.analysis import flags, latency_metrics, named_metrics
from joulemark.core.environment import Environment
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.model import Settings
from joulemark.core.record import ModelFacts, Record, TaskFacts
from tests.fakes import procedure

SITE = Site("france", zone="FRA", g_per_kwh=56.0, pue=1.25)


def reading(seconds, gpu=None, cpu=None, ram=None):
    watts = {"gpu": gpu, "cpu": cpu, "ram": ram}
    methods = {"gpu": "counter", "cpu": "estimated", "ram": "constant"}
    return Reading(
        "fake",
        seconds,
        **{f"{c}_j": None if w is None else w * seconds for c, w in watts.items()},
        method={c: methods[c] for c, w in watts.items() if w is not None},
    )


def record(**changes):
    window = Window(10.0, (reading(10.0, gpu=360.0, cpu=36.0, ram=4.0),), 1, 3, 30, [2.0, 8.0])
    metrics = Measurement(
        load=(reading(20.0, gpu=90.0),),
        idle=(reading(5.0, gpu=120.0),),
        batch_sizes=(1, 2),
        windows=(window, window),
        converged=True,
    )
    return Record(
        id="r",
        status="finished",
        started_at="",
        model=ModelFacts("m", weights="hub"),
        task=TaskFacts("t", "token", "accuracy", 3),
        hardware=Hardware("cuda", "cuda", ("fp32",)),
        protocol=procedure(),
        site=SITE,
        settings=Settings(),
        environment=Environment(),
        measurement=replace(metrics, **changes),
        scores={"primary": 0.5, "accuracy": 0.5},
    )


def test_energy_is_watt_hours_per_thousand_inferences_by_component():
    metrics = named_metrics.metrics(record())
    assert metrics["energy/gpu_wh_per_1k"] == pytest.approx(3600 / 3 * 1000 / 3600)
    assert metrics["energy/total_wh_per_1k"] == pytest.approx(4000 / 3 * 1000 / 3600)


def test_net_energy_is_gross_less_idle_power_for_as_long_as_the_work_took():
    assert named_metrics.metrics(record())["energy/gpu_dynamic_wh_per_1k"] == pytest.approx(
        (360 - 120) * 10 / 3 * 1000 / 3600
    )


def test_gross_is_idle_plus_dynamic_over_the_components_with_an_idle_reading():
    metrics = named_metrics.metrics(record(idle=(reading(5.0, gpu=120.0, cpu=20.0),)))  # nobody saw idle memory
    assert metrics["energy/idle_wh_per_1k"] == pytest.approx(140 * 10 / 3 * 1000 / 3600)
    assert metrics["energy/dynamic_wh_per_1k"] == pytest.approx((240 + 16) * 10 / 3 * 1000 / 3600)
    parts = metrics["energy/gpu_wh_per_1k"] + metrics["energy/cpu_wh_per_1k"]
    assert metrics["energy/idle_wh_per_1k"] + metrics["energy/dynamic_wh_per_1k"] == pytest.approx(parts)


def test_without_an_idle_baseline_nothing_is_parted():
    metrics = named_metrics.metrics(record(idle=()))
    for name in (
        "energy/idle_wh_per_1k",
        "energy/dynamic_wh_per_1k",
        "energy/gpu_dynamic_wh_per_1k",
        "power/idle_ci95_w",
    ):
        assert metrics[name] is None, name


PARTS = (100.0, 110.0, 120.0, 130.0, 140.0)  # watts; sd sqrt(250), t(0.975, 4) = 2.776445


def idle(method, watts=PARTS, seconds=1.0):
    """A baseline in parts, seen by one meter by that method and by another that drew more."""
    return tuple(
        Reading(name, seconds, gpu_j=w * more * seconds, method={"gpu": how})
        for w in watts
        for name, how, more in (("first", method, 1.0), ("second", "sampled", 2.0))
    )


@pytest.mark.parametrize("method", ["counter", "rapl", "sampled"])
def test_idle_power_is_known_to_students_interval_over_the_parts_of_its_baseline(method):
    metrics = named_metrics.metrics(record(idle=idle(method)))
    assert metrics["power/idle_w"] == pytest.approx(120.0)
    assert metrics["power/idle_ci95_w"] == pytest.approx(2.776445 * 250**0.5 / 5**0.5, rel=1e-6)
    steady = named_metrics.metrics(record(idle=idle(method, [120.0] * 5)))
    assert steady["power/idle_ci95_w"] == pytest.approx(0.0)


def test_parts_of_unequal_length_give_joules_over_seconds():
    parts = (*idle("counter", [100.0], 1.0), *idle("counter", [160.0], 2.0))
    assert named_metrics.metrics(record(idle=parts))["power/idle_w"] == pytest.approx(140.0)


def test_a_baseline_of_one_part_has_idle_power_and_no_interval_as_in_records_before_there_were_parts():
    metrics = named_metrics.metrics(record())
    assert (metrics["power/idle_w"], metrics["power/idle_ci95_w"]) == (120.0, None)


@pytest.mark.parametrize("method", ["replayed", "estimated", "constant"])
def test_the_scatter_of_what_no_sensor_read_is_no_interval(method):
    metrics = named_metrics.metrics(record(idle=idle(method)))
    assert (metrics["power/idle_w"], metrics["power/idle_ci95_w"]) == (120.0, None)


def test_the_cost_of_a_unit_and_of_a_right_answer():
    metrics = named_metrics.metrics(record())
    assert metrics["energy/j_per_unit"] == pytest.approx(4000 / 30)
    assert metrics["energy/j_per_correct"] == pytest.approx(4000 / 3 / 0.5)


def test_the_estimated_share_is_what_no_sensor_read():
    assert named_metrics.metrics(record())["energy/estimated_share"] == pytest.approx(0.1)


def test_above_a_fifth_estimated_the_run_is_flagged():
    heavy = Window(10.0, (reading(10.0, gpu=100.0, cpu=36.0),), 1, 3, 30, [2.0, 8.0])
    assert "estimated" in flags.measurement_flags(record(windows=(heavy,)).measurement, "hub")
    assert "estimated" not in flags.measurement_flags(record().measurement, "hub")


def test_a_site_may_accept_more_or_less_that_is_estimated():
    metrics = record().measurement  # a tenth is estimated
    assert "estimated" in flags.measurement_flags(metrics, "hub", 0.05)
    assert "estimated" not in flags.measurement_flags(metrics, "hub", 0.11)


def test_emissions_are_kwh_times_pue_times_the_zones_factor():
    metrics = named_metrics.metrics(record())
    assert metrics["emissions/g_per_1k"] == pytest.approx(metrics["energy/total_wh_per_1k"] / 1000 * 1.25 * 56.0)


def test_without_a_factor_there_are_no_emissions():
    assert named_metrics.metrics(replace(record(), site=replace(SITE, g_per_kwh=None)))["emissions/g_per_1k"] is None


def test_a_batched_request_waits_for_its_batch():
    metrics = named_metrics.metrics(record())
    assert metrics["latency/mean_s"] == pytest.approx((2 + 8 + 8) / 3)
    assert metrics["latency/p50_s"] == 8.0
    assert list(latency_metrics.request_latencies(record().measurement)) == [2.0, 8.0, 8.0]


def test_what_is_not_available_is_none_and_never_zero():
    blind = Window(10.0, (Reading("fake", 10.0),), 1, 3, 30, [2.0, 8.0])
    metrics = named_metrics.metrics(record(windows=(blind,), load=(), idle=()))
    for name in (
        "total_wh_per_1k",
        "gpu_wh_per_1k",
        "gpu_dynamic_wh_per_1k",
        "ci95_rel",
        "estimated_share",
        "load_wh",
        "j_per_unit",
    ):
        assert metrics[f"energy/{name}"] is None, name
    assert metrics["emissions/g_per_1k"] is None
    assert metrics["power/gpu_mean_w"] is None


def test_a_record_that_measured_nothing_has_every_metric_as_none():
    empty = replace(record(), measurement=Measurement(), scores={})
    assert all(value is None for value in named_metrics.metrics(empty).values())


def test_a_quality_of_zero_has_no_cost_per_right_answer():
    assert named_metrics.metrics(replace(record(), scores={"primary": 0.0}))["energy/j_per_correct"] is None


def test_every_metric_is_finite_or_none():
    assert all(value is None or math.isfinite(value) for value in named_metrics.metrics(record()).values())


def at_the_socket(watts):
    return Reading("wall", 10.0, method={"wall": "wall"}, wall_j=watts * 10.0)


def test_the_socket_is_beside_the_components_and_never_one_of_them():
    components = reading(10.0, gpu=360.0, cpu=36.0, ram=4.0)
    window = Window(10.0, (components, at_the_socket(500.0)), 1, 3, 30, [2.0, 8.0])
    metrics = named_metrics.metrics(record(windows=(window, window)))
    assert metrics["energy/wall_wh_per_1k"] == pytest.approx(5000 / 3 * 1000 / 3600)
    assert metrics["energy/wall_share"] == pytest.approx(0.8)
    without = named_metrics.metrics(record())
    for name in ("total_wh_per_1k", "estimated_share", "j_per_unit"):
        assert metrics[f"energy/{name}"] == without[f"energy/{name}"]
    assert without["energy/wall_wh_per_1k"] is None
    assert without["energy/wall_share"] is None
