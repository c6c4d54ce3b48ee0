"""The run in MLflow that stands for a sweep: one for each study, with numbers, table, page and view."""

import json
from dataclasses import replace

import pytest

from joulemark.analysis.verdict import between
from joulemark.cli import sweep
from joulemark.core import stats, tracking
from joulemark.core.cell import Cell
from joulemark.store import opening
from joulemark.sweep import mlflow_sweep
from joulemark.sweep.budget import Budget
from joulemark.sweep.confirmation import Confirmation
from joulemark.sweep.cost import SweepCost
from joulemark.sweep.plan import SweepRequest
from tests.sweep.landscape import Machine, plan, truth
from tests.sweep.test_recommendation import signals  # noqa: F401

ENERGY = "energy/total_wh_per_1k"
RESULT = {
    "front": [1, 2],
    "reference": {"metrics": {ENERGY: 6.0}},
    "recommended": {"metrics": {ENERGY: 2.0}},
}


COST = SweepCost(
    wh=1.0, trials=4, unknown=1, saving_wh_per_1k=4.0, saving_half=1.0,
    verdict=between(Cell((2.0,), 0.1), Cell((6.0,), 0.1)),
)  # fmt: skip


def confirmation(recommended, reference):
    recommended, reference = Cell(recommended), Cell(reference)
    saving = stats.difference(reference.values, recommended.values)
    return Confirmation(recommended, reference, (), between(recommended, reference), saving, 2.0).as_json()


def test_one_process_each_indicates_a_ratio_and_claims_none():
    of_one = mlflow_sweep.metrics(RESULT, COST)
    assert (of_one["sweep/energy_ratio"], of_one["sweep/energy_ratio_indicated"]) == (None, 3.0)
    assert (of_one["sweep/saving_low_wh_per_1k"], of_one["sweep/saving_high_wh_per_1k"]) == (3.0, 5.0)
    assert (of_one["sweep/paid_back_after_soonest"], of_one["sweep/paid_back_after_latest"]) == (200, 334)
    touching = replace(COST, verdict=between(Cell((2.0,), 3.0), Cell((6.0,), 3.0)))
    assert mlflow_sweep.metrics(RESULT, touching)["sweep/energy_ratio_indicated"] is None
    assert mlflow_sweep.metrics(RESULT, replace(COST, wh=None))["sweep/wh"] is None


def test_fresh_processes_claim_a_ratio_where_they_establish_it():
    result = {**RESULT, "confirmation": confirmation((2.0, 2.02, 1.98), (8.0, 8.1, 7.9))}
    found = mlflow_sweep.metrics(result, COST)
    assert found["sweep/energy_ratio"] == pytest.approx(4.0, rel=1e-3)
    assert found["sweep/saving_low_wh_per_1k"] < 6.0 < found["sweep/saving_high_wh_per_1k"]
    assert found["sweep/paid_back_after_soonest"] < 2.0 / 6.0 * 1000 < found["sweep/paid_back_after_latest"]
    luck = {**RESULT, "confirmation": confirmation((1.0, 1.5, 0.8), (1.1, 0.9, 1.4))}
    found = mlflow_sweep.metrics(luck, COST)
    assert (found["sweep/energy_ratio"], found["sweep/paid_back_after_latest"]) == (None, None)


def swept(folder, uri, capsys, budget, machine=None):
    request = SweepRequest("study-1", plan(folder, budget=budget), None, folder, False, (), "summarization", uri)
    code = sweep.run(request, machine or Machine())
    out = capsys.readouterr()
    return code, json.loads(out.out.splitlines()[-1]), out


@pytest.mark.servers
@pytest.mark.usefixtures("signals")
def test_every_session_of_a_study_writes_the_same_run_and_its_trials_stay_flat(tmp_path, capsys):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    _, first, _ = swept(tmp_path, uri, capsys, Budget(trials=8))
    _, last, out = swept(tmp_path, uri, capsys, Budget())
    assert last["run_id"] == first["run_id"]
    client = opening.open_store(uri, "summarization").client
    experiment = client.get_experiment_by_name("summarization")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.data.tags["kind"], run.data.tags["sweep_id"], run.info.status) == ("sweep", "study-1", "FINISHED")
    assert run.data.metrics["sweep/trials"] == last["trials"] > first["trials"]
    assert run.data.metrics["sweep/wh"] == pytest.approx(last["cost"]["wh"])
    best = last["recommended"]["metrics"][ENERGY]
    assert run.data.metrics["sweep/energy_ratio_indicated"] == pytest.approx(truth(1, "fp32")[ENERGY] / best)
    assert run.data.tags["sweep.recommended"] == " ".join(last["recommended"]["overrides"])
    assert {artifact.path for artifact in client.list_artifacts(run.info.run_id)} == {
        "front.json", "sweep.html", "sweep.json", "sweep.md",
    }  # fmt: skip
    assert {"path": "front.json", "type": "table"} in json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert last["url"].endswith("&viewStateShareKey=study-1")
    assert f"Open this sweep (after {tracking.ui_command(uri)}): {last['url']}" in out.out
    assert "mlflow.sharedViewState.study-1" in experiment.tags


@pytest.mark.servers
@pytest.mark.usefixtures("signals")
def test_what_cannot_be_drawn_or_saved_costs_neither_the_table_nor_the_recommendation(tmp_path, capsys, monkeypatch):
    def broken(*overrides):
        raise ValueError("no figures today")

    monkeypatch.setattr("joulemark.sweep.figures.page.page", broken)
    monkeypatch.setattr("joulemark.store.views.pages.packed", broken)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    code, last, out = swept(tmp_path, uri, capsys, Budget(trials=8))
    assert (code, last["url"]) == (0, None)
    assert "the figures are not drawn (ValueError: no figures today)" in out.err
    assert "no saved view: no figures today" in out.err
    client = opening.open_store(uri, "summarization").client
    assert {artifact.path for artifact in client.list_artifacts(last["run_id"])} == {
        "front.json",
        "sweep.json",
        "sweep.md",
    }


def test_the_table_names_each_setting_once_with_all_that_it_is():
    best = {"overrides": ["batch_size=8"], "metrics": {ENERGY: 1.0}, "run_id": "r", "command": "c"}
    plain = {**best, "overrides": ["batch_size=1"], "run_id": "q"}
    result = {"reference": plain, "front": [best], "recommended": best, "nearest": []}
    table = json.loads(mlflow_sweep.front_table(result))
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [(row["setting"], row["note"], row["run_id"]) for row in rows] == [
        ("batch_size=1", "reference", "q"),
        ("batch_size=8", "front, recommended", "r"),
    ]
