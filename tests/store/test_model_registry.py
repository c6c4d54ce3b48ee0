"""The chosen run in a real model registry: one model per task, a version per run, the alias on the last one chosen."""

import os
import shutil
import time
import uuid
from dataclasses import replace

import pytest

from joulemark.core.errors import UserError
from joulemark.store import additions, model_registry, opening, records
from tests.records import PARAMS, a_record
from tests.store.test_store import free_port, mlflow_server

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
pytestmark = pytest.mark.servers

TASK = "text_classification"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A sqlite store with two finished runs, a failed one and one of random weights; made once."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    opened = opening.open_store(f"sqlite:///{path}", TASK)
    record = a_record()
    with_command = replace(record, origin=replace(record.origin, command="python -m src.run model=fake"))
    made = [with_command, a_record(), replace(record, status="failed"), replace(record, model=replace(record.model, weights="random"))]  # fmt: skip  # noqa: E501
    return path, [records.save(opened, replace(entry, id=uuid.uuid4().hex), PARAMS)["run_id"] for entry in made]


@pytest.fixture
def stored(template, tmp_path):
    path, ids = template
    return f"sqlite:///{shutil.copy(path, tmp_path / 'mlflow.db')}", ids


def client_of(uri):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def test_the_chosen_run_is_found_by_task_and_alias(stored):
    uri, (run_id, *_) = stored
    message = additions.register(uri, run_id, TASK)
    assert message == {"name": TASK, "version": "1", "alias": "greenest", "new": True, "url": None,
                    "ui_path": f"#/models/{TASK}/versions/1"}  # fmt: skip
    version = client_of(uri).get_model_version_by_alias(TASK, "greenest")
    assert (version.run_id, version.source) == (run_id, f"runs:/{run_id}")
    run = client_of(uri).get_run(run_id)
    assert float(version.tags["energy.total_wh_per_1k"]) == pytest.approx(run.data.metrics["energy/total_wh_per_1k"], rel=1e-5)  # fmt: skip  # noqa: E501
    assert version.tags["batch_size"] == "2"
    assert version.tags["model.checkpoint"] == "fake/model"
    assert version.tags["command"] == "python -m src.run model=fake"
    assert "energy.gpu" not in version.tags
    assert "python -m src.run model=fake" in version.description


def test_another_choice_moves_the_alias_and_the_same_again_makes_no_second_version(stored):
    uri, (first, second, *_) = stored
    additions.register(uri, first, TASK)
    assert additions.register(uri, second, TASK)["version"] == "2"
    assert client_of(uri).get_model_version_by_alias(TASK, "greenest").run_id == second
    again = additions.register(uri, first, TASK)
    assert (again["version"], again["new"]) == ("1", False)
    assert client_of(uri).get_model_version_by_alias(TASK, "greenest").run_id == first
    assert len(client_of(uri).search_model_versions(f"name = '{TASK}'")) == 2


def test_registering_changes_nothing_of_the_run(stored):
    uri, (run_id, *_) = stored
    before = client_of(uri).get_run(run_id).to_dictionary()
    additions.register(uri, run_id, TASK)
    assert client_of(uri).get_run(run_id).to_dictionary() == before


def test_what_nobody_should_use_is_refused_and_leaves_no_model(stored):
    uri, (_, _, failed, random) = stored
    for run_id, says in (
        (failed, "is failed; only finished ones"),
        (random, "has random weights"),
        ("0" * 32, "cannot be registered in sqlite"),
    ):
        with pytest.raises(UserError, match=says) as raised:
            additions.register(uri, run_id, TASK)
        assert "\n" not in str(raised.value)
    with pytest.raises(UserError, match="a name of MLflow's own"):
        additions.register(uri, stored[1][0], TASK, alias="latest")
    assert not client_of(uri).search_registered_models()


@pytest.mark.parametrize(
    ("name", "alias", "says"),
    [("a/b", "greenest", "name=a/b"), (TASK, "the best", "alias=the best"), (TASK, "latest", "MLflow's own"),
     (TASK, "v3", "MLflow's own"), ("", "greenest", "name=")],
)  # fmt: skip
def test_names_that_mean_something_else_are_refused_before_any_request(name, alias, says):
    with pytest.raises(UserError, match=says):
        model_registry.check(name, alias)


def test_a_store_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match="holds no runs yet"):
        additions.register(f"sqlite:///{tmp_path / 'none' / 'mlflow.db'}", "0" * 32, TASK)
    assert not (tmp_path / "none").exists()
    began = time.monotonic()
    with pytest.raises(UserError, match="cannot be used") as raised:
        additions.register(f"http://127.0.0.1:{free_port()}", "0" * 32, TASK)
    assert "\n" not in str(raised.value)
    assert time.monotonic() - began < 30


def test_a_real_server_registers_too(tmp_path):
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with mlflow_server(port, tmp_path):
        run_id = records.save(opening.open_store(uri, TASK), a_record(), PARAMS)["run_id"]
        message = additions.register(uri, run_id, TASK)
        assert message["url"] == f"{uri}/#/models/{TASK}/versions/1"
        assert client_of(uri).get_model_version_by_alias(TASK, "greenest").run_id == run_id
