"""A record becomes JSON and a record again, and nothing is lost on the way."""

import json
from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics
from joulemark.core.errors import UserError
from joulemark.core.measurement import Reading
from joulemark.core.record import SCHEMA
from joulemark.core.record_json import from_json, to_json
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
