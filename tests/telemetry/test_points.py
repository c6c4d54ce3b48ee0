"""A run's figures under OpenTelemetry's names: the joules are the record's, and what no sensor read has no point."""

from contextlib import suppress
from dataclasses import replace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.record import Request
from joulemark.telemetry import otlp, prometheus
from joulemark.telemetry.export import Export
from joulemark.telemetry.points import (
    DURATION,
    ENERGY,
    FIRST_CHUNK,
    INSTRUMENTS,
    POWER,
    TOKEN_USAGE,
    of_measurement,
    of_record,
)
from tests.paths import ROOT
from tests.records import a_record

REQUESTS = (
    Request("a", "x", None, None, 2, 3.0, 5, 2, due_s=1.0, sent_s=1.5, first_token_s=2.0, outcome="answered"),
    Request("b", "", None, None, 0, 9.0, outcome="timed_out"),
)


def measured():
    reading = Reading("fake", 10.0, gpu_j=500.0, cpu_j=100.0, method={"gpu": "counter", "cpu": "rapl"})
    return Measurement(windows=(Window(10.0, (reading,), 1, 4, 8, (2.5,) * 4),))


def test_energy_and_power_of_each_component_that_was_read():
    points = {(point.instrument, point.attributes["hw.type"]): point.value for point in of_measurement(measured())}
    assert points == {(ENERGY, "gpu"): 500.0, (ENERGY, "cpu"): 100.0, (POWER, "gpu"): 50.0, (POWER, "cpu"): 10.0}


def test_each_point_of_a_component_says_how_it_is_known_and_the_whole_machine_is_apart():
    guessed = Reading("fake", 10.0, ram_j=30.0, wall_j=900.0, method={"ram": "estimated", "wall": "wall"})
    held = measured()
    both = replace(held.windows[0], readings=(*held.windows[0].readings, guessed))
    points = list(of_measurement(replace(held, windows=(both,))))
    evidence = {point.attributes["hw.id"]: point.attributes["joulemark.evidence"] for point in points}
    assert evidence == {"gpu": "counter", "cpu": "rapl", "ram": "estimated", "host": "wall"}
    host = {point.instrument.name: point.value for point in points if point.attributes["hw.id"] == "host"}
    assert host == {"hw.host.energy": 900.0, "hw.host.power": 90.0}


def test_names_kinds_and_units_are_those_of_opentelemetrys_own_package():
    from opentelemetry.semconv._incubating.metrics import gen_ai_metrics, hw_metrics

    made = []

    class Meter:
        def __getattr__(self, create):
            return lambda **named: made.append((named["name"], create.removeprefix("create_"), named["unit"]))

    for module in (gen_ai_metrics, hw_metrics):
        for name in dir(module):
            if name.startswith("create_") and not isinstance(getattr(module, name), type):
                with suppress(TypeError):  # a gauge of a callback
                    getattr(module, name)(Meter())
    gauges = {hw_metrics.HW_POWER, hw_metrics.HW_HOST_POWER}  # made of a callback there, by the same names
    ours = {(each.name, each.kind, each.unit) for each in INSTRUMENTS}
    assert {each for each in ours if each[0] not in gauges} <= set(made)
    assert {each[0] for each in ours if each[1] == "gauge"} == gauges


def test_an_operation_is_named_by_what_is_asked_and_no_classifier_completes_texts():
    names = {}
    for task in ("chat", "summarization", "sentence_similarity", "text_classification"):
        record = replace(a_record(), task=replace(a_record().task, name=task))
        (point,) = of_record(replace(record, measurement=Measurement()), [Request("a", "x", None, None, 1, 1.0)])
        names[task] = point.attributes["gen_ai.operation.name"]
    assert list(names.values()) == ["chat", "text_completion", "embeddings", "text_classification"]


def test_every_point_has_no_attribute_but_those_of_its_instrument():
    for point in of_record(a_record(), REQUESTS):
        assert set(point.attributes) <= set(point.instrument.attributes)


def test_a_request_counts_its_waiting_and_a_failed_one_its_reason():
    points = list(of_record(a_record(), REQUESTS))
    durations = [(point.value, point.attributes.get("error.type")) for point in points if point.instrument is DURATION]
    assert durations == [(3.0, None), (9.0, "timed_out")]
    assert [point.value for point in points if point.instrument is FIRST_CHUNK] == [1.0]
    tokens = [(p.attributes["gen_ai.token.type"], p.value) for p in points if p.instrument is TOKEN_USAGE]
    assert tokens == [("input", 5), ("output", 2)]


def test_the_page_has_each_name_with_its_unit_attributes_and_prometheus_name():
    page = (ROOT / "docs" / "serving.md").read_text()
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith(("| `hw.", "| `gen_ai."))}
    assert set(rows) == {each.name for each in INSTRUMENTS}
    for each in INSTRUMENTS:
        suffix = "_total" if each.kind == "counter" else ""
        named = (each.kind, f"{prometheus.name_of(each)}{suffix}", *each.attributes)
        assert [name for name in named if name not in rows[each.name]] == []


def test_a_registry_counts_joules_up():
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    metrics = prometheus.Registered(registry)
    for _ in range(3):
        metrics.add(of_measurement(measured()))
    labels = {"hw_id": "gpu", "hw_type": "gpu", "joulemark_evidence": "counter"}
    assert registry.get_sample_value("hw_energy_joules_total", labels) == 1500.0
    assert registry.get_sample_value("hw_power_watts", labels) == 50.0


def test_the_file_is_read_by_prometheus_own_parser(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    path = tmp_path / "joulemark.prom"
    assert prometheus.write(of_measurement(measured()), str(path)) is None
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    assert {sample.value for sample in families["hw_energy_joules"].samples} >= {500.0, 100.0}


def test_answered_and_failed_requests_are_one_metric_of_prometheus(tmp_path):
    from prometheus_client.parser import text_string_to_metric_families

    path = tmp_path / "joulemark.prom"
    assert prometheus.write(of_record(a_record(), REQUESTS), str(path)) is None
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    durations = families["gen_ai_client_operation_duration_seconds"].samples
    counts = {sample.labels["error_type"]: sample.value for sample in durations if sample.name.endswith("_count")}
    assert counts == {"": 1.0, "timed_out": 1.0}


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
