"""Requests and replies of a real MLflow server that are dropped, late or repeated: one whole run of each record."""

import os
from contextlib import suppress

import pytest

from joulemark.store import delivery, waiting
from joulemark.store.spool import Spool
from tests.faults.proxy import HOWS, Proxy
from tests.records import PARAMS, a_record
from tests.store.test_store import free_port, mlflow_server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
TIMEOUT_S = 3  # of MLflow's client


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(TIMEOUT_S)
    os.environ["JOULEMARK_HOME"] = str(folder / "home")
    with mlflow_server(port, folder), Proxy(port, TIMEOUT_S + 1.5) as running:
        yield running
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "JOULEMARK_HOME"):
        del os.environ[name]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("joulemark.store.run_page.figures.latency", lambda record: "<svg></svg>")
    monkeypatch.setattr("joulemark.store.run_page.figures.energy", lambda record, metrics: "<svg></svg>")


def spooled(uri):
    record = a_record()
    spool = Spool(record, PARAMS, uri)
    spool.finish(record)
    spool.release()
    return record, spool.folder


def told(proxy):
    """One record told to the store; the requests that it takes, and whether it waited."""
    record, folder = spooled(proxy.uri)
    with suppress(Exception):  # then it waits
        delivery.deliver(delivery.Stores(proxy.uri), folder, sleep=lambda seconds: None)
    requests, waited = list(proxy.seen), folder.is_dir()
    proxy.arm()
    done = delivery.deliver_waiting(delivery.Stores(proxy.uri))
    assert (list(done.delivered), done.left) == ([record.id] if waited else [], {})
    return record, requests, waited


@pytest.mark.parametrize("how", HOWS)
def test_whichever_request_suffers_there_is_one_whole_run(how, proxy):
    from mlflow import MlflowClient

    proxy.arm()
    count = len(told(proxy)[1])
    assert count >= 8
    client = MlflowClient(tracking_uri=proxy.uri)
    waited = 0
    for at in range(count):
        proxy.arm(at, how)
        record, requests, late = told(proxy)
        waited += late
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, f"tags.`record.id` = '{record.id}'")
        assert [run.info.status for run in runs] == ["FINISHED"], (at, requests)
        assert "record.incomplete" not in runs[0].data.tags, (at, requests)
        assert runs[0].data.params == PARAMS
        assert "record.json" in {file.path for file in client.list_artifacts(runs[0].info.run_id)}
    assert waiting.folders() == []
    assert not [run for run in client.search_runs(experiments) if run.info.status == "RUNNING"]
    print(f"{how}: {count} requests, {waited} records waited")
