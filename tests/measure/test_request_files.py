"""A run's requests go into files while they are scored; what the record says of them is the same."""

import json
import tracemalloc
from dataclasses import replace

import pytest

from joulemark.analysis import named_metrics, quality, requests, result_table
from joulemark.core import spill
from joulemark.core.record import Request
from joulemark.core.record_changes import changes
from joulemark.core.record_json import from_json, to_json
from joulemark.core.task import Inputs
from joulemark.data.request_table import RequestTable
from joulemark.measure import request_files, runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from tests.fakes import FakeClock
from tests.measure.test_runner import SAMPLES, a_run


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return lambda: folder


def benched(files=None):
    clock = FakeClock()
    run = a_run(clock)
    return runner.bench(
        run, draft(run, Inputs(SAMPLES)), SAMPLES, lambda *_: None, Instruments(clock=clock), files=files
    )


def rows(count, score=lambda number: float(number % 3 > 0)):
    return (Request(f"s{number}", "out", "ref", score(number), 1, 0.1, 5, truncated=number % 4 == 0)
            for number in range(count))  # fmt: skip


def test_a_run_with_files_says_the_same_of_its_requests_as_one_that_holds_them(files):
    inside, beside = benched(), benched(files)
    assert (inside.request_summary, beside.requests) == (None, ())
    assert list(RequestTable(beside.requests_file)) == list(inside.requests)
    assert named_metrics.metrics(beside) == named_metrics.metrics(inside)
    assert beside.flags == inside.flags
    assert quality.interval(beside) == quality.interval(inside)
    assert quality.difference(beside, inside) == quality.difference(inside, inside)


def test_the_place_of_the_file_is_no_part_of_the_record(files):
    record = benched(files)
    stored = json.loads(json.dumps(to_json(record), allow_nan=False))
    assert "requests_file" not in stored
    assert from_json(stored).request_summary == record.request_summary
    assert "requests_file" not in str(changes(replace(record, requests_file=None), record))


def test_the_files_are_their_users_own(files):
    benched(files)
    modes = {path.name: path.stat().st_mode & 0o777 for path in files().iterdir()}
    assert modes == {"requests.parquet": 0o600, "requests.json": 0o600}


def test_the_page_of_a_run_shows_the_first_requests_only(files, monkeypatch):
    monkeypatch.setattr(request_files, "SHOWN", 2)
    record = request_files.written(benched(), rows(5), files)
    table = json.loads((files() / "requests.json").read_text())
    assert [row[0] for row in table["data"]] == ["s0", "s1"]
    assert len(table["columns"]) == len(table["data"][0])
    assert (record.request_summary.count, record.request_summary.truncated, record.request_summary.truncated_ids) == (
        5,
        2,
        ("s0", "s4"),
    )
    line = next(row for row in result_table.rows(record, named_metrics.metrics(record)) if "truncated" in row[0])
    assert line == ("inputs truncated", "2 of 5", "s0; s4")


@pytest.mark.parametrize("fails_at", [0, 3])
def test_a_disk_that_is_full_takes_the_rows_and_not_what_is_known_of_them(files, monkeypatch, fails_at):
    def add(self, row):
        if row.id == f"s{fails_at}":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(request_files.RequestWriter, "add", add)
    record = request_files.written(benched(), rows(5), files)
    assert record.requests_file is None
    assert (record.request_summary.count, record.request_summary.scored) == (5, 5)
    compared = quality.difference(replace(record, scores={"primary": record.request_summary.mean}), record)
    assert compared.outcome == quality.UNKNOWN


@pytest.mark.parametrize("score", [lambda n: float(n % 3 > 0), lambda n: n / 100], ids=["share", "mean"])
def test_the_stored_interval_is_that_of_the_scores_an_input_that_came_twice_counts_once(files, score):
    twice = [*rows(90, score), *rows(30, score)]
    held = replace(benched(), requests=tuple(twice))
    stored = request_files.written(benched(), twice, files)
    value = {"primary": requests.summary(held).mean}
    ours, theirs = (quality.interval(replace(record, scores=value)) for record in (stored, held))
    assert ours == theirs
    assert ours.n == 90


def test_the_memory_of_scoring_grows_by_a_few_bytes_a_request(tmp_path, monkeypatch):
    monkeypatch.setattr(request_files, "SHOWN", 10)
    monkeypatch.setattr("joulemark.data.request_table.AT_ONCE", 100)
    monkeypatch.setattr(spill, "IN_MEMORY", 100)
    record = benched()

    def peak(count):
        folder = tmp_path / str(count)
        folder.mkdir()
        tracemalloc.start()
        request_files.written(record, rows(count), lambda: folder)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(100)  # what is imported
    few, many = peak(500), peak(5000)
    assert (many - few) / 4500 < 120  # sixteen are kept, a few arrays of these are made at the end


def test_of_an_input_that_came_twice_the_last_score_counts_at_its_first_place():
    _, scores = requests.Scores([("a", 0.0), ("b", 0.5), ("a", 1.0), ("c", 0.25)]).of_inputs()
    assert list(scores) == [1.0, 0.5, 0.25]
