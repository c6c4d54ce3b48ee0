"""A record becomes JSON and a record again, and nothing is lost on the way."""

import json
from dataclasses import replace

import pytest

from joulemark.analysis import audit, named_metrics
from joulemark.core.errors import UserError
from joulemark.core.measurement import Reading
from joulemark.core.record import SCHEMA
from joulemark.core.record_json import from_json, from_text, to_json
from tests.meters.test_nvml import CARD
from tests.records import a_record


def test_a_record_survives_json():
    record = a_record()
    again = from_json(json.loads(json.dumps(to_json(record), allow_nan=False)))
    assert to_json(again) == to_json(record)
    assert named_metrics.metrics(again) == named_metrics.metrics(record)
    assert again.requests == record.requests


def test_what_is_not_available_stays_so():
    record = replace(a_record(), scores={"primary": None}, error=None)
    again = from_json(json.loads(json.dumps(to_json(record))))
    assert again.scores == {"primary": None}
    assert again.measurement.windows[0].readings[0].gpu_j is None


def test_a_record_keeps_what_each_card_drew_and_one_from_before_there_were_several_is_read():
    record = a_record()
    first = record.measurement.windows[0]
    reading = Reading("nvml", 1.0, gpu_j=3.0, method={"gpu": "counter"}, gpu_j_by_uuid={"GPU-a": 1.0, "GPU-b": 2.0})
    hardware = replace(CARD, beside=((2, "GPU-c"),))
    record = replace(
        record,
        hardware=hardware,
        measurement=replace(record.measurement, windows=(replace(first, readings=(reading,)),)),
    )
    values = json.loads(json.dumps(to_json(record)))
    again = from_json(values)
    assert again.measurement.windows[0].readings[0].gpu_j_by_uuid == {"GPU-a": 1.0, "GPU-b": 2.0}
    assert again.hardware.uuids == ("GPU-b", "GPU-c")
    del values["hardware"]["beside"], values["measurement"]["windows"][0]["readings"][0]["gpu_j_by_uuid"]
    older = from_json(values)
    assert older.measurement.windows[0].readings[0].gpu_j_by_uuid == {}
    assert older.hardware.uuids == ("GPU-b",)


def test_a_record_of_a_newer_program_is_refused():
    with pytest.raises(UserError, match=f"has schema {SCHEMA + 1}.*update Joulemark"):
        from_json({**to_json(a_record()), "schema": SCHEMA + 1})


@pytest.mark.parametrize("values", [{}, {"schema": "1"}, {"schema": SCHEMA}, {"schema": SCHEMA, "id": 1, "status": []}])
def test_what_is_no_record_is_refused_in_one_line(values):
    with pytest.raises(UserError) as error:
        from_json(values)
    assert "\n" not in str(error.value)


def changed(change):
    values = json.loads(json.dumps(to_json(a_record())))
    change(values["measurement"]["windows"][0])
    return values


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda window: window.update(requests=0), r"windows\.0\.requests: Input should be greater"),
        (lambda window: window.update(duration_s=-1.0), r"windows\.0\.duration_s: Input should be greater"),
        (lambda window: window.update(cpu_utilization=57), r"windows\.0\.cpu_utilization: Input should be less"),
        (lambda window: window.update(passes=10**9), r"windows\.0: \d+ latencies of 1000000000 passes"),
        (lambda window: window["batch_s"].pop(), r"windows\.0: \d+ latencies of"),
        (lambda window: window.update(requests=window["requests"] + 1), r"windows\.0: \d+ requests of"),
        (lambda window: window["readings"][0].update(method={}), "energy of cpu that sampler read has no method"),
        (
            lambda window: window["readings"][0]["method"].update({"": "counter"}),
            "'' that sampler read is no component",
        ),
        (lambda window: window.update(units=float("nan")), "nan is no number"),
        (lambda window: window["readings"][0].update(meter="\ud800"), "half of a character"),
    ],
)
def test_a_record_that_contradicts_itself_gives_no_figures(change, says):
    with pytest.raises(UserError, match=says):
        from_json(changed(change))


@pytest.mark.parametrize("moment", ["", "yesterday", "0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_record_whose_time_is_none_is_refused_where_it_is_read(moment):
    with pytest.raises(UserError, match="broken at started_at"):
        from_json({**json.loads(json.dumps(to_json(a_record()))), "started_at": moment})


def test_a_record_with_levels_without_end_is_refused_and_so_is_text_that_is_not_json():
    for text in ("[" * 100_000, '{"schema": ', "[]", '{"record": 1}', '{"schema": 3, "config": ' + '{"a":' * 500 + "1"):
        with pytest.raises(UserError):
            from_text(text)
    deep = changed(lambda window: None)
    for _ in range(100):
        deep["config"] = {"a": deep["config"]}
    with pytest.raises(UserError, match="more than 64 levels"):
        from_text(json.dumps(deep))


def test_what_no_energy_can_be_is_not_available_and_the_audit_still_sees_it():
    values = changed(lambda window: window["readings"][0].update(cpu_j=-5.0))
    values["measurement"]["idle"][0]["cpu_j"] = -1.0
    record = from_json(values)
    metrics = named_metrics.metrics(record)
    assert metrics["energy/idle_wh_per_1k"] is None or metrics["energy/idle_wh_per_1k"] >= 0
    assert audit.verdict(record)[0] == "failed"


def test_a_number_that_json_does_not_have_is_stored_as_not_available():
    record = replace(a_record(), scores={"primary": float("nan"), "loss": float("inf")})
    assert from_text(json.dumps(to_json(record), allow_nan=False)).scores == {"primary": None, "loss": None}
