"""A run's figures under OpenTelemetry's names: the joules are the record's, and what no sensor read has no point."""

import pytest

from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.record import Request
from joulemark.telemetry import otlp, prometheus
from joulemark.telemetry.export import Export
from joulemark.telemetry.points import DURATION, ENERGY, FIRST_CHUNK, POWER, TOKEN_USAGE, of_measurement, of_record
from tests.records import a_record


def measured():
    reading = Reading("fake", 10.0, gpu_j=500.0, cpu_j=100.0, method={"gpu": "counter", "cpu": "rapl"})
    return Measurement(windows=(Window(10.0, (reading,), 1, 4, 8, (2.5,) * 4),))


def test_energy_and_power_of_each_component_that_was_read():
    points = {(point.instrument, point.attributes["hw.type"]): point.value for point in of_measurement(measured())}
    assert points == {(ENERGY, "gpu"): 500.0, (ENERGY, "cpu"): 100.0, (POWER, "gpu"): 50.0, (POWER, "cpu"): 10.0}


def test_a_request_counts_its_waiting_and_a_failed_one_its_reason():
    requests = [
        Request("a", "x", None, None, 2, 3.0, 5, 2, due_s=1.0, sent_s=1.5, first_token_s=2.0, outcome="answered"),
        Request("b", "", None, None, 0, 9.0, outcome="timed_out"),
    ]
    points = list(of_record(a_record(), requests))
    durations = [(point.value, point.attributes.get("error.type")) for point in points if point.instrument is DURATION]
    assert durations == [(3.0, None), (9.0, "timed_out")]
    assert [point.value for point in points if point.instrument is FIRST_CHUNK] == [1.0]
    tokens = [(p.attributes["gen_ai.token.type"], p.value) for p in points if p.instrument is TOKEN_USAGE]
    assert tokens == [("input", 5), ("output", 2)]


def test_a_registry_counts_joules_up():
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    metrics = prometheus.Registered(registry)
    for _ in range(3):
        metrics.add(of_measurement(measured()))
    labels = {"hw_id": "gpu", "hw_type": "gpu"}
    assert registry.get_sample_value("hw_energy_joules_total", labels) == 1500.0
    assert registry.get_sample_value("hw_power_watts", labels) == 50.0


def test_the_file_is_read_by_prometheus_own_parser(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    path = tmp_path / "joulemark.prom"
    assert prometheus.write(of_measurement(measured()), str(path)) is None
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    assert {sample.value for sample in families["hw_energy_joules"].samples} >= {500.0, 100.0}


def test_a_disk_that_takes_no_file_is_a_line_and_takes_nothing_from_the_run(tmp_path):
    assert "No such file" in (prometheus.write(of_measurement(measured()), str(tmp_path / "gone" / "a.prom")) or "")


def test_the_collector_is_given_the_same_joules():
    data = otlp.collected(of_measurement(measured()), {})
    metrics = {m.name: m for m in data.resource_metrics[0].scope_metrics[0].metrics}
    joules = {p.attributes["hw.type"]: p.value for p in metrics["hw.energy"].data.data_points}
    assert joules == {"gpu": 500.0, "cpu": 100.0}
    assert metrics["hw.energy"].unit == "J"


def test_nothing_is_told_unless_it_is_asked_for():
    assert Export().run(a_record(), ()) == []


@pytest.mark.parametrize("export", [Export(prometheus="a.txt"), Export(prometheus="/no/such/folder/a.prom"),
                                    Export(otlp="localhost:4318")])  # fmt: skip
def test_an_address_that_cannot_be_is_refused(export):
    with pytest.raises(UserError, match=r"export\."):
        export.check()
