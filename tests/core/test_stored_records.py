"""Records that earlier programs wrote: each is read, keeps its numbers and compares with the runs of today.

`stored/schema_*.json` are records as the programs of schema 1 to 4 wrote them, with fewer requests and latencies;
`stored/expected.json` holds what those of schema 2 to 4 computed from the same files, metrics under today's names.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from joulemark.analysis import audit, caveats, comparability, description, named_metrics, requests
from joulemark.core.errors import UserError
from joulemark.core.measurement import METHODS
from joulemark.core.record import SCHEMA
from joulemark.core.record_json import from_json, to_json

FOLDER = Path(__file__).parent / "stored"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
NEWER = {"energy/dynamic_ci95_rel", "quality/ci95_low", "quality/ci95_high"}  # metrics that those programs did not have
NAMES = sorted(path.stem for path in FOLDER.glob("schema_*.json"))


def stored(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def test_every_older_schema_is_among_the_examples():
    assert {stored(name)["schema"] for name in NAMES} == set(range(1, SCHEMA))
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_older_record_gives_the_metrics_that_its_own_program_computed(name):
    metrics = named_metrics.metrics(from_json(stored(name)))
    # Energies were means of windows; they are pooled over windows now, which moves the last digits
    assert {known: metrics[known] for known in EXPECTED[name]["metrics"]} == pytest.approx(EXPECTED[name]["metrics"])
    assert set(metrics) - set(EXPECTED[name]["metrics"]) <= NEWER


@pytest.mark.parametrize("name", NAMES)
def test_an_older_record_compares_by_the_digests_that_its_own_program_stored(name):
    tags = comparability.tags(from_json(stored(name)))
    assert {known: tags[known] for known in EXPECTED[name]["tags"]} == EXPECTED[name]["tags"]


@pytest.mark.parametrize("name", NAMES)
def test_an_upgraded_record_is_written_in_todays_schema_and_read_as_it_is(name):
    upgraded = to_json(from_json(stored(name)))
    again = from_json(json.loads(json.dumps(upgraded, allow_nan=False)))
    assert upgraded["schema"] == SCHEMA
    assert to_json(again) == upgraded
    assert description.markdown(again, named_metrics.metrics(again))


@pytest.mark.parametrize("name", NAMES)
def test_an_upgraded_record_uses_todays_names_and_no_others(name):
    record = from_json(stored(name))
    readings = [r for window in record.measurement.windows for r in window.readings] + list(record.measurement.idle)
    assert {how for reading in readings for how in reading.method.values()} <= set(METHODS)
    assert set(record.flags) <= set(caveats.EXPLAINED)
    measured = stored(name)["measurement"]
    assert len(record.measurement.stages) == len(measured.get("phases", measured.get("stages", ())))
    assert len(record.measurement.gpu_states) == len(measured.get("looks", measured.get("gpu_states", ())))
    assert record.measurement.converged == measured.get("settled", measured.get("converged"))


def test_settings_origin_and_task_hold_what_one_mapping_held():
    values, record = stored("schema_2_early_stopped"), from_json(stored("schema_2_early_stopped"))
    assert record.settings.preprocessing_workers == values["run"]["prepare_processes"]
    assert (record.task.samples, record.task.seed) == (values["run"]["samples"], values["run"]["seed"])
    assert record.origin.command == values["run"]["command"]
    assert record.origin.early_stop_against == tuple(values["run"]["rivals"])
    assert record.protocol.converge_rel == values["protocol"]["settle_rel"]
    assert record.protocol.preliminary is not values["protocol"]["quotable"]
    assert record.site.estimated_limit == values["site"]["modelled_limit"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_that_says_nothing_of_quoting_is_of_a_protocol_that_may_be_quoted(name):
    protocol = stored(name)["protocol"]
    quotable = protocol.get("quotable", not protocol.get("preliminary", False))
    assert from_json(stored(name)).protocol.preliminary is not quotable


def test_a_guard_that_did_not_exist_is_unknown_and_fails_no_audit():
    values = stored("schema_1_classification")
    kept = {"name", "idle_s", "warmup_batches", "warmup_max_s", "settle_batches", "settle_rel", "window_s"}
    kept |= {"min_windows", "max_windows", "ci95_rel", "pause_s"}  # all that the first release had
    values["protocol"] = {key: value for key, value in values["protocol"].items() if key in kept}
    record = from_json(values)
    assert (record.protocol.cool_c, record.protocol.stall_s, record.protocol.audit_rel) == (None, None, None)
    assert (record.protocol.idle_parts, record.protocol.stage_s) == (1, 0.0)
    assert audit.of(record) == []
    assert comparability.tags(record) != comparability.tags(from_json(stored("schema_1_classification")))


def test_a_run_of_an_older_program_and_its_repetition_of_today_compare():
    record = from_json(stored("schema_2_sweep_reference"))
    today = replace(record, id="0" * 32)
    assert list(comparability.differences(record, from_json(json.loads(json.dumps(to_json(today)))))) == []


@pytest.mark.parametrize("part", ["model", "task", "protocol", "measurement", "run", "environment"])
@pytest.mark.parametrize("value", [None, [], "x"])
def test_an_older_record_with_a_broken_part_is_refused_in_one_line(part, value):
    with pytest.raises(UserError) as error:
        from_json({**stored("schema_2_interrupted"), part: value})
    assert "\n" not in str(error.value)


def test_an_older_record_without_a_part_is_refused_in_one_line():
    values = stored("schema_1_classification")
    del values["measurement"]
    with pytest.raises(UserError, match=r"schema 1 is broken.*measurement"):
        from_json(values)


@pytest.mark.parametrize("name", NAMES)
def test_an_older_record_keeps_its_requests_and_says_the_same_of_them(name):
    record = from_json(stored(name))
    assert [request.id for request in record.requests] == [row["id"] for row in stored(name)["requests"]]
    known = requests.summary(record)
    if stored(name).get("request_summary"):  # its rows are a file
        assert (known.count, known.scored) == (6, 6)
        return
    assert (known.count, known.scored) == (
        len(record.requests),
        sum(request.score is not None for request in record.requests),
    )
    assert requests.scored_inputs(record) is not None
