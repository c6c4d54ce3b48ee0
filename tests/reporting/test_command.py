"""python -m src.report on a real store: what is selected, what is written, and one line for each mistake."""

import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from joulemark.core import progress
from joulemark.core.errors import UserError
from joulemark.reporting.build import make
from joulemark.reporting.explorer import build as explorer
from joulemark.reporting.request import ReportRequest
from joulemark.store import listing, opening, reading, records
from joulemark.store.listing import Choice
from tests.paths import ROOT
from tests.records import PARAMS, a_record


def saved(uri, record):
    return records.save(opening.open_store(uri, record.task.name), record, {**PARAMS, "precision": "fp32"})["run_id"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two finished runs of two models, one that failed, one of an older program, one of another task."""
    folder = tmp_path_factory.mktemp("store")
    uri, record = f"sqlite:///{folder / 'mlflow.db'}", a_record()
    ids = {"a": saved(uri, record)}
    ids["b"] = saved(uri, replace(record, id="b", model=replace(record.model, name="other")))
    ids["failed"] = saved(uri, replace(record, id="c", status="failed", error="out of memory"))
    ids["old"] = saved(uri, replace(record, id="d", model=replace(record.model, name="old")))
    ids["task"] = saved(
        uri,
        replace(
            record,
            id="e",
            task=replace(record.task, name="summarization"),
            origin=replace(record.origin, sweep_id="s1"),
        ),
    )
    with sqlite3.connect(folder / "mlflow.db") as connection:  # as before runs stated what they compare with
        connection.execute("delete from tags where run_uuid = ? and key like 'compare.%'", (ids["old"],))
    return uri, ids


def reported(uri, tmp_path, **options):
    made = make(ReportRequest(tracking_uri=uri, out=str(tmp_path / "out"), **options))
    return made, json.loads(made.page.with_suffix(".json").read_text())


def test_an_explorer_of_the_store_has_every_run(filled, tmp_path):
    uri, ids = filled
    made = explorer.make(explorer.ExplorerRequest(tracking_uri=uri, out=str(tmp_path)))
    assert (made.own, made.external, made.left_out) == (len(ids), 0, 0)


def test_report_and_explorer_say_how_far_reading_many_runs_is(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    uri, ids = filled
    of_report, of_explorer = [], []
    make(ReportRequest(tracking_uri=uri, out=str(tmp_path / "report")), of_report.append)
    explorer.make(explorer.ExplorerRequest(tracking_uri=uri, out=str(tmp_path)), of_explorer.append)
    for said in (of_report, of_explorer):
        assert sum(line.endswith("] runs read") for line in said) == len(ids) - 1


def test_a_report_leaves_a_page_a_summary_and_values_for_programs(filled, tmp_path):
    uri, ids = filled
    made, report = reported(uri, tmp_path)
    kinds = ["report.csv", "report.html", "report.json", "report.md"]
    assert sorted(path.name for path in made.folder.iterdir()) == kinds
    runs = {run_id for recommendation in report["recommendations"] for run_id in recommendation["runs"]}
    assert runs == {ids["a"], ids["b"], ids["old"], ids["task"]}
    assert [(run["run_id"], run["reason"]) for run in report["left_out"]] == [(ids["failed"], "failed: out of memory")]


def test_an_older_run_is_grouped_by_its_record_and_left_out_where_none_may_be_read(filled, tmp_path):
    uri, ids = filled
    _, report = reported(uri, tmp_path)
    together = next(
        recommendation["runs"] for recommendation in report["recommendations"] if ids["a"] in recommendation["runs"]
    )
    assert ids["old"] in together
    _, report = reported(uri, tmp_path, records=0)
    assert ids["old"] in {run["run_id"] for run in report["left_out"]}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"tasks": ("summarization",)}, ["task"]),
        ({"sweep_id": "s1"}, ["task"]),
        ({"filter": "tags.model = 'other'"}, ["b"]),
    ],
)
def test_runs_are_selected_by_task_sweep_and_filter(filled, tmp_path, options, names):
    uri, ids = filled
    _, report = reported(uri, tmp_path, **options)
    assert [run for recommendation in report["recommendations"] for run in recommendation["runs"]] == [
        ids[name] for name in names
    ]


def test_runs_are_selected_by_the_beginnings_of_their_ids(filled, tmp_path):
    uri, ids = filled
    _, report = reported(uri, tmp_path, runs=(ids["a"][:10], ids["b"]))
    assert {run for recommendation in report["recommendations"] for run in recommendation["runs"]} == {
        ids["a"],
        ids["b"],
    }
    with pytest.raises(UserError, match="run zzz is not in the store"):
        reported(uri, tmp_path, runs=("zzz",))


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("summarisation", "tasks=summarisation does not exist; did you mean tasks=summarization?"),
        ("image_generation", r"tasks=\[image_generation\]: none of the chosen runs"),
    ],
)
def test_a_task_without_a_run_makes_no_empty_page(filled, tmp_path, task, says):
    uri, _ = filled
    with pytest.raises(UserError, match=says):
        reported(uri, tmp_path, tasks=("text_classification", task))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_had_is_one_line_and_a_tilde_is_the_home_folder(filled, tmp_path, monkeypatch):
    uri, _ = filled
    with pytest.raises(UserError, match=r"out=/dev/null/x: Not a directory; type out=FOLDER"):
        make(ReportRequest(tracking_uri=uri, out="/dev/null/x"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make(ReportRequest(tracking_uri=uri, out="~/page")).folder == tmp_path / "page"


def test_the_tables_themselves_say_what_mlflows_client_says(filled):
    uri, _ = filled
    by_tables = {run.run_id: run for run in listing.runs(uri, Choice(), ("precision", "batch_size"))}
    by_client = {
        run.run_id: run for run in listing.runs(uri, Choice(filter="tags.model != ''"), ("precision", "batch_size"))
    }
    assert by_tables == by_client
    assert all(run.params == {"precision": "fp32", "batch_size": "2"} for run in by_tables.values())


def test_the_runs_of_a_card_are_the_same_from_a_database_and_from_a_server(filled):
    uri, _ = filled
    every = list(listing.runs(uri, Choice(), ()))
    card = Choice(card=next(run.tags["compare.card"] for run in every if "compare.card" in run.tags))
    there = {run.run_id for run in every if run.tags.get("compare.card") == card.card}
    assert {run.run_id for run in listing.runs(uri, card, ())} == there
    (as_a_server_is_asked,) = (Choice(filter=each) for each in listing._filters(card))
    assert {run.run_id for run in listing.runs(uri, as_a_server_is_asked, ())} == there
    assert list(listing.runs(uri, Choice(card="0" * 12), ())) == []
    some = Choice(ids=[run.run_id for run in every[:2]])
    (narrowed,) = (Choice(filter=each) for each in listing._filters(some))
    assert {run.run_id for run in listing.runs(uri, narrowed, ())} == set(some.ids)


def test_the_same_records_are_found_by_their_place_and_by_mlflow(filled):
    uri, ids = filled
    runs = {run.run_id: run for run in listing.runs(uri, Choice(), ())}
    assert listing.record(uri, runs[ids["b"]]) == reading.record_of(uri, ids["b"])
    assert listing.record(uri, replace(runs[ids["b"]], artifacts="file:///nowhere")) is None


def test_what_is_no_number_and_what_is_newer_is_left_out_with_its_reason(filled, tmp_path):
    uri, ids = filled
    copy = tmp_path / "copy.db"
    copy.write_bytes(Path(uri.removeprefix("sqlite:///")).read_bytes())
    with sqlite3.connect(copy) as connection:
        energy = "update latest_metrics set {} where key = 'energy/total_wh_per_1k' and run_uuid = ?"
        connection.execute(energy.format("is_nan = 1"), (ids["a"],))
        connection.execute(energy.format("value = -1"), (ids["b"],))
        connection.execute("update tags set value = '99' where key = 'record.schema' and run_uuid = ?", (ids["old"],))
        connection.execute("update latest_metrics set is_nan = 1 where key = 'quality/primary'")
    made, report = reported(f"sqlite:///{copy}", tmp_path)
    reasons = {run["run_id"]: run["reason"] for run in report["left_out"]}
    assert reasons[ids["a"]] == "its energy is not a finite number"
    assert reasons[ids["b"]].startswith("its energy is not above zero")
    assert reasons[ids["old"]].startswith("written by a newer Joulemark (schema 99")
    assert report["recommendations"][0]["chosen"]["quality"] is None
    assert "NaN" not in (made.folder / "report.html").read_text().split('id="data">')[1].split("</script>")[0]


def test_a_database_of_another_mlflow_is_refused_and_one_of_none_too(filled, tmp_path):
    uri, _ = filled
    newer = tmp_path / "other.db"
    newer.write_bytes(Path(uri.removeprefix("sqlite:///")).read_bytes())
    with sqlite3.connect(newer) as connection:
        connection.execute("update alembic_version set version_num = 'abc'")
    with pytest.raises(UserError, match=r"the schema abc of another version of MLflow"):
        reported(f"sqlite:///{newer}", tmp_path)
    foreign = tmp_path / "foreign.db"
    sqlite3.connect(foreign).execute("create table t (x)").connection.commit()
    with pytest.raises(UserError, match="is no database of MLflow;"):
        reported(f"sqlite:///{foreign}", tmp_path)
    garbage = tmp_path / "garbage.db"
    garbage.write_text("not a database at all, but long enough to look like one" * 50)
    with pytest.raises(UserError, match="cannot be read"):
        reported(f"sqlite:///{garbage}", tmp_path)


def test_figures_for_a_paper_are_vectors_with_text_and_images(filled, tmp_path):
    uri, _ = filled
    made, _ = reported(uri, tmp_path, figures=("svg", "png"))
    names = [path.name for path in (made.folder / "figures").iterdir()]
    assert any(name.endswith("quality.svg") for name in names)
    assert any(name.endswith("components.png") for name in names)
    text = next((made.folder / "figures").glob("*components.svg")).read_text()
    assert "hatched: estimated" in text
    assert "<pattern" in text


@pytest.mark.processes
@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["tracking_uri=sqlite:////nowhere/mlflow.db"], "holds no runs yet"),
        (["constraints.qualty=0.9"], "did you mean constraints.quality=…?"),
        (["constraints.quality_loss=2"], "constraints.quality_loss=2: a share"),
        (["figures=[pdf]"], "choose from: png, svg"),
        (["name=../out"], "letters, digits, dots, dashes and underscores only"),
        (["tasks=sumarization"], "did you mean tasks=summarization?"),
        (["records=many"], "records"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(overrides, says, filled):
    store = [f"tracking_uri={filled[0]}", *overrides]  # of two the last one holds
    done = subprocess.run(
        [sys.executable, "-m", "src.report", *store], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.processes
def test_the_last_line_of_the_command_is_for_programs(filled, tmp_path):
    uri, _ = filled
    overrides = [f"tracking_uri={uri}", f"out={tmp_path / 'page'}", "constraints.p95_s=0.000001"]
    done = subprocess.run(
        [sys.executable, "-m", "src.report", *overrides], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["runs"], last["left_out"]) == (4, 1)
    assert set(last["recommendations"].values()) == {None}
    assert "No run meets every constraint" in done.stdout
    assert last["report"] == str(tmp_path / "page" / "report-p95_s_1e-06.html")
    assert "95th percentile of latency" in Path(last["report"]).with_suffix(".md").read_text()
