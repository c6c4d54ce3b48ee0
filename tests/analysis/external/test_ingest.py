"""python -m src.ingest: what is written into a store, that it is written once, and what a mistake gets."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from joulemark.analysis.external import codecarbon, external_run
from joulemark.cli import ingest
from tests.analysis.external.test_formats import HEADS2, ROW, csv_file, report
from tests.paths import ROOT

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """A store with the tables made once; each test writes results of its own."""
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


def all_runs(uri):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiments = {e.experiment_id: e.name for e in client.search_experiments()}
    return [(experiments[run.info.experiment_id], run) for run in client.search_runs(list(experiments))]


@pytest.mark.servers
def test_a_result_is_a_finished_run_of_its_task_with_its_boundary_and_is_never_doubled(uri, tmp_path):
    from joulemark.store import external

    contents = codecarbon.completed(
        codecarbon.read(csv_file(tmp_path, ROW, ROW)), "project_name", "summarization", 1000
    )
    assert external.save_external(uri, contents.results) == 1  # the same row twice
    moved = tuple(replace(result, source="elsewhere.csv") for result in contents.results)
    assert external.save_external(uri, moved) == 0
    ((experiment, run),) = [pair for pair in all_runs(uri) if pair[1].data.tags["model"] == "gpt2"]
    assert experiment == "summarization"
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == 10_000
    assert run.data.metrics["energy/total_wh_per_1k"] == pytest.approx(3)
    tags = run.data.tags
    assert tags["boundary"] == contents.results[0].boundary
    assert tags["flags"] == "external"
    assert tags["method.gpu"] == "counter"
    assert tags["format"] == "codecarbon"
    assert "mlflow.note.content" in tags
    assert "record.id" not in tags


@pytest.mark.servers
def test_one_transaction_writes_what_the_tracking_api_would_have(uri, tmp_path):
    from joulemark.store import external, opening

    (first,) = codecarbon.read(csv_file(tmp_path, ROW.replace("r1", "r7"))).results
    result, second = (replace(first, digest=name, task="text_generation") for name in ("by-api", "by-database"))
    opened = opening.open_store(uri, "text_generation")
    external.save_one(opened, result)
    assert external.save_external(uri, [second]) == 1
    by = {run.data.tags.get("external.digest"): run for _, run in all_runs(uri)}
    api, database = by["by-api"], by["by-database"]
    assert dict(api.data.metrics) == dict(database.data.metrics)
    assert dict(api.data.params) == dict(database.data.params)
    unlike = {"external.digest", "mlflow.user"}
    assert {k: v for k, v in api.data.tags.items() if k not in unlike} == {
        k: v for k, v in database.data.tags.items() if k not in unlike
    }
    for name in ("status", "start_time", "end_time", "lifecycle_stage", "run_name", "user_id"):
        assert getattr(api.info, name) == getattr(database.info, name), name
    assert api.info.artifact_uri.replace(api.info.run_id, "") == database.info.artifact_uri.replace(
        database.info.run_id, ""
    )
    history = opened.client.get_metric_history(database.info.run_id, "energy/run_wh")
    assert [point.value for point in history] == [database.data.metrics["energy/run_wh"]]


@pytest.mark.servers
def test_a_server_gets_each_result_once_through_the_tracking_api(uri, tmp_path, monkeypatch):
    from joulemark.store import external
    from joulemark.store.mlflow_internals import tables

    monkeypatch.setattr(tables, "database", lambda client: None)
    contents = codecarbon.read(csv_file(tmp_path, ROW.replace("r1", "r9"), ROW.replace("r1", "r10"))).results
    assert external.save_external(uri, contents) == 2
    assert external.save_external(uri, contents) == 0


@pytest.mark.servers
def test_an_external_run_is_no_record_and_so_compares_with_nothing(uri, tmp_path):
    from joulemark.core.errors import UserError
    from joulemark.store import external, reading

    external.save_external(uri, codecarbon.read(csv_file(tmp_path, ROW.replace("r1", "r8"))).results)
    assert all_runs(uri)
    with pytest.raises(UserError, match="no such run"):
        list(reading.recorded(uri))


def command(folder, *options):
    done = subprocess.run(
        [sys.executable, "-m", "src.ingest", *map(str, options), f"tracking_uri=sqlite:///{folder / 'm.db'}"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.servers
def test_the_command_takes_files_as_plain_arguments_whatever_their_names(tmp_path):
    folder = tmp_path / "it's 100% [odd], a=b"
    folder.mkdir()
    path = csv_file(folder, ROW, ROW.replace("0.003,2.3.1", "nan,2.3.1"))
    code, out, err = command(tmp_path, path, report(tmp_path), "inferences=10", "task=summarization")
    assert (code, err) == (0, "")
    last = json.loads(out.splitlines()[-1])
    assert (last["read"], last["written"], last["known"], last["left_out"]) == (2, 2, 0, 1)
    assert "energy_consumed is nan" in out


@pytest.mark.processes
def test_a_file_of_unknown_shape_writes_nothing_and_is_one_line(tmp_path):
    good = csv_file(tmp_path, ROW)
    (tmp_path / "bad.csv").write_text("model,joules\nx,1\n")
    code, out, err = command(tmp_path, good, tmp_path / "bad.csv")
    assert code == 2
    assert err.count("\n") == 1
    assert "lacks the columns" in err
    assert not (tmp_path / "m.db").exists()
    assert not out


@pytest.mark.processes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no file to read"),
        (("nowhere.csv",), "nowhere.csv does not exist"),
        (("GOOD", "task=summarisation"), "did you mean task=summarization"),
        (("GOOD", "inferences=many"), "inferences=many is not a whole number"),
        (("GOOD", "inferences=0"), "inferences=0 is not a count"),
        (("GOOD", "dryrun=true"), "did you mean dry_run"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, options, message):
    good = csv_file(tmp_path, ROW)
    code, _, err = command(tmp_path, *(good if option == "GOOD" else option for option in options))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.processes
def test_a_dry_run_writes_nothing(tmp_path):
    code, out, _ = command(tmp_path, csv_file(tmp_path, ROW), "dry_run=true")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["written"] == 0
    assert not (tmp_path / "m.db").exists()


def test_no_figure_that_is_unknown_is_written_as_zero(tmp_path):
    row = ROW.replace("0.0001,0.002,0.0009,0.003", "0.0,0.003,,0.003")
    (result,) = codecarbon.read(csv_file(tmp_path, row, heads=HEADS2)).results
    contents = external_run.metrics(result)
    assert contents.pop("energy/estimated_share") == 0  # of what was read, all was counted
    assert 0 not in contents.values()
    assert (result.cpu_j, result.ram_j) == (None, None)


def test_only_arguments_that_are_no_key_are_files():
    assert ingest.plain(["a.csv", "task=x", "--help", "b"]) == ["rows.task=x", "--help", "files=['a.csv','b']"]
