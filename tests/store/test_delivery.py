"""From the spool to the store exactly once, whichever call is lost on the way there or back."""

import os
from contextlib import suppress
from dataclasses import replace

import pytest
from mlflow.exceptions import MlflowException

from joulemark.analysis import over_time
from joulemark.core.errors import UserError
from joulemark.store import delivery, waiting
from joulemark.store.spool import Spool
from tests.records import PARAMS, a_record

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

pytestmark = pytest.mark.servers
WRITING = ("create_run", "log_batch", "log_inputs", "log_artifacts", "log_artifact", "set_terminated")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A sqlite store with its tables, made once."""
    from joulemark.store import opening

    return opening.open_store(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db", "text_classification")


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    roots = [tmp_path / "spool"]
    for module in ("spool", "waiting"):
        monkeypatch.setattr(f"joulemark.store.{module}.roots", lambda: list(roots))
    monkeypatch.setattr("joulemark.store.run_page.figures.latency", lambda record: "<svg></svg>")
    monkeypatch.setattr("joulemark.store.run_page.figures.energy", lambda record, metrics: "<svg></svg>")


class Lossy:
    """A client one of whose calls is lost: `before` it was done, or `after` it, or it is done `twice`.

    The first `sound` ones are not.
    """

    def __init__(self, client, call, how, times=1, sound=0):
        self.client, self.call, self.how, self.times, self.sound = client, call, how, times, sound

    def __getattr__(self, name):
        real = getattr(self.client, name)
        if name != self.call:
            return real

        def lost(*arguments, **named):
            if self.times == 0 or self.sound:
                self.sound = max(0, self.sound - 1)
                return real(*arguments, **named)
            self.times -= 1
            if self.how == "before":
                raise ConnectionError("the request was lost")
            real(*arguments, **named)
            if self.how == "twice":
                return real(*arguments, **named)
            raise ConnectionError("the reply was lost")

        return lost


class Opened(delivery.Stores):
    """Stores whose one store is there already."""

    def __init__(self, opened, client=None):
        super().__init__(opened.uri)
        self.store = replace(opened, client=client or opened.client)

    def open(self, task):
        return self.store


def spooled(uri, record=None):
    record = record or a_record()
    spool = Spool(record, PARAMS, uri)
    (spool.files / "requests.parquet").write_bytes(b"rows")
    spool.finish(record)
    spool.release()
    return record, spool.folder


def runs(opened, record):
    from mlflow.entities import ViewType

    found = opened.client.search_runs(
        [opened.experiment_id], f"tags.`record.id` = '{record.id}'", run_view_type=ViewType.ALL
    )
    return [run for run in found if run.info.lifecycle_stage == "active"]


def check_whole(opened, record):
    (run,) = runs(opened, record)
    assert (run.info.status, run.data.params, run.data.tags["status"]) == ("FINISHED", PARAMS, "finished")
    assert "record.incomplete" not in run.data.tags
    files = {file.path for file in opened.client.list_artifacts(run.info.run_id)}
    assert files == {"record.json", "config.yaml", "requests.json", "latency.svg", "energy.svg", "requests.parquet"}
    assert len(opened.client.get_metric_history(run.info.run_id, "energy/total_wh_per_1k")) == 1
    expected = {(each.name, each.step, each.at_ms) for each in over_time.points(record)}
    names = {name for name, _, _ in expected}
    assert names == {name for name in run.data.metrics if name.startswith(over_time.OVER_TIME)}
    assert names >= {"system/cpu_power_usage_estimated_watts", "windows/energy_wh_per_1k"}
    written = [each for name in names for each in opened.client.get_metric_history(run.info.run_id, name)]
    assert len(written) == len(expected)
    assert {(each.key, each.step, each.timestamp) for each in written} == expected


@pytest.mark.parametrize("how", ["before", "after", "twice"])
@pytest.mark.parametrize("call", WRITING)
def test_whichever_call_is_lost_there_is_one_whole_run(call, how, opened):
    record, folder = spooled(opened.uri)
    delivery.deliver(Opened(opened, Lossy(opened.client, call, how)), folder, sleep=lambda seconds: None)
    check_whole(opened, record)
    assert not folder.exists()


@pytest.mark.parametrize("how", ["before", "after", "twice"])
def test_each_point_of_a_series_is_there_once_whichever_batch_of_them_is_lost(how, opened, monkeypatch):
    monkeypatch.setattr("joulemark.store.writing.METRICS_AT_ONCE", 7)
    record, folder = spooled(opened.uri)
    lossy = Lossy(opened.client, "log_batch", how, sound=2)
    delivery.deliver(Opened(opened, lossy), folder, sleep=lambda seconds: None)
    assert lossy.times == 0
    check_whole(opened, record)


@pytest.mark.parametrize("call", WRITING)
def test_a_store_that_stays_away_lets_the_record_wait_and_a_later_run_completes_it(call, opened):
    record, folder = spooled(opened.uri)
    away = Opened(opened, Lossy(opened.client, call, "before", times=3))
    with pytest.raises(ConnectionError):
        delivery.deliver(away, folder, sleep=lambda seconds: None)
    assert folder.is_dir()
    assert list(delivery.deliver_waiting(Opened(opened)).delivered) == [record.id]
    check_whole(opened, record)


def test_the_same_spool_recorded_twice_is_one_run(opened):
    record, _ = spooled(opened.uri)
    first = delivery.deliver_waiting(Opened(opened)).delivered[record.id]
    spooled(opened.uri, record)
    assert delivery.deliver_waiting(Opened(opened)).delivered[record.id] == first
    check_whole(opened, record)


def test_two_processes_that_delivered_the_same_record_at_once_keep_the_same_run(opened, monkeypatch):
    from joulemark.store import identity, records

    record, found = a_record(), identity.found
    monkeypatch.setattr(identity, "found", lambda *given: None)  # neither sees the other's run
    monkeypatch.setattr(identity, "keep_one", lambda opened, record_id: found(opened, record_id, None))
    for _ in range(2):
        records.save(opened, record, PARAMS)
    monkeypatch.undo()
    both = identity._of(opened, record.id)
    assert len(both) == 2
    monkeypatch.setattr(identity, "_of", lambda *given: both)  # each lists them before the other deletes one
    identity.keep_one(opened, record.id)
    with suppress(MlflowException):  # it is deleted
        identity.keep_one(opened, record.id)
    monkeypatch.undo()
    assert len(runs(opened, record)) == 1


def test_a_run_that_is_being_written_or_broke_is_in_no_list_and_a_late_twin_of_a_whole_one_is_deleted(opened):
    from joulemark.store import identity, listing

    record, folder = spooled(opened.uri)
    for _ in range(2):  # the second request came after the record was told
        opened.client.create_run(opened.experiment_id, tags={"record.id": record.id})
    delivery.deliver(Opened(opened), folder)
    check_whole(opened, record)
    late = opened.client.create_run(opened.experiment_id, tags={"record.id": record.id})
    begun = opened.client.create_run(opened.experiment_id, tags={"record.id": "f" * 32})  # of another machine
    listed = [run.run_id for run in listing.runs(opened.uri, listing.Choice(), ())]
    assert not {late.info.run_id, begun.info.run_id} & set(listed)
    assert identity.remove_late_twins(opened) == 1
    check_whole(opened, record)
    assert opened.client.get_run(begun.info.run_id).info.status == "RUNNING"


def test_what_waits_is_delivered_the_oldest_first_and_what_cannot_be_read_stays(opened):
    records = [spooled(opened.uri) for _ in range(3)]
    (records[1][1] / "final.json").write_text("[")
    done = delivery.deliver_waiting(Opened(opened))
    assert list(done.delivered) == [records[0][0].id, records[2][0].id]
    assert "cannot be read as a record" in done.left[str(records[1][1])]
    assert waiting.folders() == [records[1][1]]


def test_a_run_that_lives_and_one_of_another_store_are_left_alone(opened):
    record = a_record()
    living = Spool(record, PARAMS, opened.uri)
    spooled("sqlite:////another/mlflow.db")
    assert delivery.deliver_waiting(Opened(opened)) == delivery.Delivered()
    living.release()
    assert len(waiting.folders()) == 2


def test_a_store_with_a_password_is_told_only_where_it_is_typed(monkeypatch):
    uri = "postgresql+psycopg://me:geheim@127.0.0.1:9/runs"
    _, folder = spooled(uri)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert "--tracking-uri" in delivery.sync(None).left[str(folder)]
    tried = []
    monkeypatch.setattr(delivery.Stores, "open", lambda stores, task: tried.append(stores.uri) or refuse())
    left = delivery.sync(uri).left
    assert tried == [uri]
    assert "geheim" not in str(left)


def refuse():
    raise UserError("postgresql+psycopg://me:geheim@127.0.0.1:9/runs is away")
