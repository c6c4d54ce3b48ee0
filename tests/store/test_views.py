"""Saved views: the tag is what MLflow's user interface reads, and the link opens it."""

import base64
import json
import zlib
from importlib.util import find_spec
from pathlib import Path

import pytest

from joulemark.cli import views as command
from joulemark.store import views
from joulemark.store.mlflow_internals import pages


def opened(value):
    """As the interface reads it (MLflow 3.17: an envelope whose state is packed)."""
    envelope = json.loads(value)
    assert isinstance(envelope["name"], str)
    assert envelope["createdAt"] == envelope["updatedAt"] == 7
    assert envelope["state"].startswith("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(envelope["state"].removeprefix("deflate;"))))


def test_a_sweeps_view_shows_its_runs_with_energy_p95_quality_and_its_settings():
    view = views.of_sweep("efficiency-1", ("batch_size", "precision", "sort"))
    state = opened(pages.packed(view.name, view.page, 7))
    assert state["searchFilter"] == f"tags.sweep_id = 'efficiency-1' and {views.NOT_PRELIMINARY}"
    assert state["selectedColumns"][:6] == [
        "metrics.`energy/total_wh_per_1k`", "metrics.`latency/p95_s`", "metrics.`quality/primary`",
        "params.`batch_size`", "params.`precision`", "params.`sort`",
    ]  # fmt: skip
    assert view.tag == "mlflow.sharedViewState.efficiency-1"


def test_every_chart_lies_in_the_section_that_is_there_and_names_metrics_of_a_run():
    from joulemark.analysis import named_metrics
    from joulemark.core.task import Inputs
    from joulemark.measure.draft import draft
    from tests.fakes import FakeClock
    from tests.measure.test_runner import a_run

    known = set(named_metrics.metrics(draft(a_run(FakeClock(), []), Inputs())))
    for view in (views.of_sweep("s"), views.default("summarization"), views.repeats("summarization")):
        state = pages.state(view.page)
        (section,) = state["compareRunSections"]
        assert section["columns"] == 1  # of three, none can be read in a window of 1,400 pixels
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == {section["uuid"]}
        assert [chart["type"] for chart in state["compareRunCharts"]] == ["SCATTER", "SCATTER", "PARALLEL"]
        used = {chart[axis]["key"] for chart in state["compareRunCharts"][:2] for axis in ("xaxis", "yaxis")}
        assert used <= known
        assert set(state["compareRunCharts"][2]["selectedMetrics"]) <= known
        assert {column[9:-1] for column in state["selectedColumns"] if column.startswith("metrics.")} <= known


@pytest.mark.parametrize("view", [views.default("x"), views.repeats("x"), views.of_sweep("s")])
def test_the_verdict_stands_beside_the_figures_in_a_window_of_1400_pixels(view):
    """MLflow shows metrics, then params, then tags in the order in which they were written: the first six fit."""
    from joulemark.analysis import named_metrics
    from joulemark.store import run_page
    from tests.records import a_record

    record = a_record()
    written = list(run_page.tags(record, named_metrics.metrics(record)))
    kind = [column.partition(".")[0] for column in view.columns]
    shown = sorted((column[6:-1] for column in view.columns if column.startswith("tags.")), key=written.index)
    assert shown[0] == "verdict"
    assert kind.count("metrics") + kind.count("params") < 6


def test_no_view_shows_runs_of_a_preliminary_protocol_but_that_of_a_sweep_which_has_no_others():
    import yaml

    from joulemark.core.paths import CONF

    protocols = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "protocol").glob("*.yaml")}
    assert {name for name, values in protocols.items() if values.get("preliminary")} == set(views.PRELIMINARY)
    for view in (views.of_sweep("s"), views.default("x"), views.repeats("x")):
        assert views.NOT_PRELIMINARY in view.search
    assert "protocol" not in views.of_sweep("s", quoted=False).search


def test_repeats_are_grouped_by_what_makes_a_cell_with_model_and_settings_as_its_name():
    state = pages.state(views.repeats("x").page)
    assert state["groupBy"]["aggregateFunction"] == "average"
    keys = [(key["mode"], key["groupByData"]) for key in state["groupBy"]["groupByKeys"]]
    assert keys[0] == ("tag", "model")
    assert {("tag", "compare.cell"), ("tag", "compare.key")} <= set(keys)
    assert "groupBy" not in pages.state(views.default("x").page)


def test_a_link_opens_the_table_or_the_charts_without_a_password():
    path = pages.table_path("3", "key")
    assert path == "#/experiments/3/runs?workflowType=machine_learning&viewStateShareKey=key"
    assert pages.charts_path(path) == f"{path}&compareRunsMode=CHART"
    assert views.link("sqlite:////x.db", path) == f"http://127.0.0.1:5000/{path}"
    assert views.link("https://me:secret@host/", path) == f"https://host/{path}"


def test_the_installed_mlflow_still_reads_what_is_written():
    """No documentation describes it: a new MLflow that names it otherwise must be checked again."""
    mlflow = find_spec("mlflow")
    built = Path(mlflow.origin).parent / "server" / "js" / "build" / "static" / "js"
    text = "".join(path.read_text(errors="replace") for path in built.glob("*.js"))
    state = pages.state(views.repeats("x").page)
    known = (pages.VIEW, "viewStateShareKey", "deflate;", *state, *state["groupBy"], *state["compareRunSections"][0])
    missing = [name for name in known if name not in text]
    assert missing == []


@pytest.mark.servers
def test_views_of_a_store_without_runs_are_no_mistake_and_each_task_gets_its_own(tmp_path, monkeypatch, capsys):
    from joulemark.store import opening, records
    from tests.records import PARAMS, a_record

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr("sys.argv", ["views"])
    assert command.main() == 0
    assert "holds no runs yet" in capsys.readouterr().err
    record = a_record()
    opened_store = opening.open_store(uri, record.task.name)
    records.save(opened_store, record, PARAMS)
    opening.open_store(uri, "empty")
    assert command.main() == 0
    line, charts, repeats = capsys.readouterr().out.splitlines()
    assert line.startswith(record.task.name)
    assert line.endswith("viewStateShareKey=joulemark")
    assert charts.endswith("viewStateShareKey=joulemark&compareRunsMode=CHART")
    assert repeats.endswith("viewStateShareKey=joulemark-repeats")
    tags = opened_store.client.get_experiment(opened_store.experiment_id).tags
    envelope = json.loads(tags["mlflow.sharedViewState.joulemark"])
    assert envelope["name"] == f"energy against quality: {record.task.name}"
