"""A record becomes JSON and a record again, and nothing is lost on the way."""

import json
from dataclasses import replace

import pytest

from src import summary
from src.core import SCHEMA, UserError
from src.record_json import from_json, to_json
from tests.records import a_record


def test_a_record_survives_json():
    record = a_record()
    again = from_json(json.loads(json.dumps(to_json(record), allow_nan=False)))
    assert to_json(again) == to_json(record)
    assert summary.metrics(again) == summary.metrics(record)
    assert again.requests == record.requests


def test_what_was_not_read_stays_not_read():
    record = replace(a_record(), scores={"primary": None}, error=None)
    again = from_json(json.loads(json.dumps(to_json(record))))
    assert again.scores == {"primary": None}
    assert again.measurement.windows[0].readings[0].gpu_j is None


def test_a_record_of_a_newer_program_is_refused():
    with pytest.raises(UserError, match=f"has schema {SCHEMA + 1}.*update Joulemark"):
        from_json({**to_json(a_record()), "schema": SCHEMA + 1})


@pytest.mark.parametrize("values", [{}, {"schema": "1"}, {"schema": SCHEMA}, {"schema": SCHEMA, "id": 1, "status": []}])
def test_what_is_no_record_is_refused_in_one_line(values):
    with pytest.raises(UserError) as error:
        from_json(values)
    assert "\n" not in str(error.value)
