"""Records in MLflow: sqlite, a server on loopback and PostgreSQL, one process or many, whatever breaks."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.record_json import from_json, to_json
from joulemark.store import recorder, waiting
from joulemark.store.recorder import Recorder
from joulemark.store.spool import Spool, begun
from tests.paths import ROOT
from tests.records import PARAMS, a_record
from tests.stores import runs_of

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

pytestmark = pytest.mark.servers
pytest_plugins = ["tests.postgresql"]


@pytest.fixture
def sqlite(tmp_path):
    return f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def recording(uri, record=None):
    record = record or a_record()
    return Recorder(Spool(record, PARAMS, uri), uri, record.task.name)


def set_aside(uri, record):
    spool = Spool(record, PARAMS, uri)
    spool.finish(record)
    spool.release()
    return spool.folder


def artifact(uri, run_id, name):
    from mlflow import artifacts

    return Path(artifacts.download_artifacts(run_id=run_id, artifact_path=name, tracking_uri=uri)).read_text()


def save(uri, record, **more):
    """Writes without the second process."""
    from joulemark.store import opening, records

    return records.save(opening.open_store(uri, record.task.name), record, PARAMS, **more)


def save_by_recorder(uri, record):
    with recording(uri, record) as writer:
        writer.wait_ready()
        writer.keep(record)
        return {**writer.deliver(), "delivered": writer.delivered}


def test_a_run_that_was_ended_early_does_not_count_as_the_run_that_its_command_asks_for(sqlite):
    from joulemark.store.reading import finished

    record = replace(a_record(), origin=replace(a_record().origin, command="python -m src.run"))
    save(sqlite, replace(record, flags=("early_stopped", "not_converged")))
    assert finished(sqlite, record.device_name) == {}
    save(sqlite, replace(record, id="0" * 32))
    assert list(finished(sqlite, record.device_name)) == ["run"]  # its command, wherever it was typed


def check_whole(uri, link, record):
    """Everything design.md promises of a run is in the store."""
    (run,) = runs_of(uri)
    assert run.info.run_id == link["run_id"]
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "b2 fake"
    assert run.data.params == PARAMS
    assert run.data.metrics["energy/cpu_wh_per_1k"] == pytest.approx(50 / 3 * 1000 / 3600)
    assert run.data.metrics["inputs/skipped"] == run.data.metrics["inputs/truncated"] == 0  # counted, and none
    assert "energy/gpu_wh_per_1k" not in run.data.metrics  # not read, so not there: never a zero
    tags = run.data.tags
    assert (tags["model"], tags["task"], tags["weights"]) == ("fake", "text_classification", "embedded")
    assert (tags["method.cpu"], tags["method.ram"]) == ("estimated", "constant")
    assert "method.gpu" not in tags
    assert (tags["flags"], tags["verdict"]) == ("estimated", "doubtful")
    assert "| energy per 1,000 |" in tags["mlflow.note.content"]
    assert (tags["record.id"], tags["status"]) == (record.id, "finished")
    assert run.inputs.dataset_inputs[0].dataset.digest == record.task.digest
    assert to_json(from_json(json.loads(artifact(uri, run.info.run_id, "record.json")))) == to_json(record)
    table = json.loads(artifact(uri, run.info.run_id, "requests.json"))
    assert [dict(zip(table["columns"], row, strict=True))["score"] for row in table["data"]] == [1.0, 0.0, None]
    assert "fake/model" in artifact(uri, run.info.run_id, "config.yaml")
    for name in ("latency.svg", "energy.svg"):
        assert "</svg>" in artifact(uri, run.info.run_id, name)


def test_a_record_is_whole_in_sqlite_and_its_files_lie_beside_the_database(sqlite, tmp_path):
    record = a_record()
    link = save_by_recorder(sqlite, record)
    check_whole(sqlite, link, record)
    assert link["url"] is None
    assert link["ui_path"].startswith("#/experiments/")
    assert list((tmp_path / "deep" / "artifacts" / "text_classification").rglob("record.json"))


def test_a_record_is_whole_on_a_server_and_the_link_leads_to_it(tmp_path):
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    with mlflow_server(port, tmp_path):
        record = a_record()
        link = save(uri, record)
        check_whole(uri, link, record)
        assert link["url"].startswith(f"{uri}/#/experiments/")
        assert link["run_id"] in link["url"]


def test_a_record_is_whole_in_postgresql(postgresql, monkeypatch, tmp_path):
    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "mlruns"))
    record = a_record()
    check_whole(postgresql, save(postgresql, record), record)
    assert list((tmp_path / "mlruns" / "artifacts" / "text_classification").rglob("record.json"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_may_meet_at_a_database_that_is_not_there_yet(kind, request, tmp_path, monkeypatch):
    uri, records, command = request.getfixturevalue(kind), [a_record() for _ in range(6)], ["-m", "src.sync"]
    homes = [{**os.environ, "JOULEMARK_HOME": str(tmp_path / f"home{number}")} for number in range(len(records))]
    for home, record in zip(homes, records, strict=True):
        monkeypatch.setenv("JOULEMARK_HOME", home["JOULEMARK_HOME"])
        set_aside(uri, record)
    children = [
        subprocess.Popen([sys.executable, *command], cwd=ROOT, env=home, stdout=subprocess.PIPE, text=True)
        for home in homes
    ]
    for child, home in zip(children, homes, strict=True):
        out, _ = child.communicate(timeout=250)
        if child.returncode:
            assert "another process has held" in out  # for long, on a busy machine: the next one delivers
            subprocess.run([sys.executable, *command], cwd=ROOT, env=home, check=True)
    runs = runs_of(uri)
    assert sorted(run.data.tags["record.id"] for run in runs) == sorted(record.id for record in records)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.info.experiment_id for run in runs}) == 1


def test_of_two_runs_that_bring_the_same_inputs_at_the_same_moment_both_are_recorded(postgresql, monkeypatch, tmp_path):
    import sqlalchemy

    from joulemark.store import opening, records

    monkeypatch.setenv("JOULEMARK_HOME", str(tmp_path / "mlruns"))
    opened, record = opening.open_store(postgresql, "text_classification"), a_record()
    engine = sqlalchemy.create_engine(postgresql)
    same = {
        "uuid": "0" * 32, "place": int(opened.experiment_id),
        "name": record.task.dataset, "digest": record.task.digest,
    }  # fmt: skip
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    with engine.connect() as first, engine.connect() as watch, ThreadPoolExecutor(1) as thread:
        first.execute(
            sqlalchemy.text("insert into datasets values (:uuid, :place, :name, :digest, 'local', '{}', null, null)"),
            same,
        )
        saved = thread.submit(records.save, opened, record, PARAMS)
        # it saw no such inputs, and waits with its own behind the other's
        wait_until(lambda: saved.done() or watch.execute(sqlalchemy.text(waits)).scalar())
        assert not saved.done()
        first.commit()
        assert "run_id" in saved.result(timeout=60)
    engine.dispose()
    (run,) = runs_of(postgresql)
    assert run.info.status == "FINISHED"
    assert run.inputs.dataset_inputs[0].dataset.digest == record.task.digest


@pytest.mark.parametrize(("status", "expected"), [("failed", "FAILED"), ("interrupted", "KILLED")])
def test_a_run_that_did_not_finish_is_there_with_its_reason(sqlite, status, expected):
    broken = replace(
        a_record(),
        status=status,
        error="it broke",
        traceback="Traceback …",
        measurement=Measurement(),
        requests=(),
        scores={},
    )
    save(sqlite, broken)
    (run,) = runs_of(sqlite)
    assert run.info.status == expected
    assert run.data.tags["error"] == "it broke"
    assert "it broke" in run.data.tags["mlflow.note.content"]
    assert artifact(sqlite, run.info.run_id, "traceback.txt") == "Traceback …"


def measuring(uri, *lines):
    """A process that records, and does these lines with `writer` and `record`."""
    code = [
        "import os, signal, time",
        "from joulemark.store.recorder import Recorder; from joulemark.store.spool import begun",
        "from tests.store.test_store import drafted, PARAMS; first, record = drafted()",
        f"with begun(first, PARAMS, {uri!r}) as spool, Recorder(spool, {uri!r}, 'text_classification', 2.0) as writer:",
        "    writer.wait_ready(); writer.draft(record, 'window 2'); writer.beat()",
        *(f"    {line}" for line in lines),
    ]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(code)], cwd=ROOT, timeout=200, capture_output=True, text=True
    )


def drafted():
    """A record that has not begun, and what was measured of it when its process ended."""
    record = a_record()
    return replace(record, measurement=Measurement(), requests=(), scores={}), replace(record, status="failed")


def ended_run(uri):
    """The one run of a store, once it is over."""
    wait_until(
        lambda: Path(tracking.sqlite_path(uri)).exists() and [r for r in runs_of(uri) if r.info.status != "RUNNING"]
    )
    (run,) = runs_of(uri)
    return run


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["os.kill(os.getpid(), signal.SIGKILL)"], "killed by SIGKILL after 'window 2'"),
        (["os.kill(os.getpid(), signal.SIGABRT)"], "the process was ended by SIGABRT after 'window 2'"),
        (["os._exit(0)"], "the process ended itself with exit code 0 after 'window 2', before the run was over"),
        (["raise ValueError('of a plugin')"], "ValueError: of a plugin"),
        (
            ["for _ in range(30): writer.beat(); time.sleep(0.1)", "time.sleep(60)"],
            "hung: nothing went on for 2 s after 'window 2' (protocol.stall_s), so it was killed",
        ),
    ],
)
def test_a_process_that_ends_unexpectedly_leaves_its_last_draft_with_the_true_reason(sqlite, lines, says):
    done = measuring(sqlite, *lines)
    run = ended_run(sqlite)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith(says), done.stderr
    assert run.data.metrics["energy/cpu_wh_per_1k"] > 0


def test_the_recorder_outlives_the_signals_a_cluster_sends_to_every_process(sqlite):
    with recording(sqlite) as writer:
        writer.wait_ready()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(writer._process.pid, number)
        writer.keep(a_record())
        assert "run_id" in writer.deliver()


def test_a_recorder_that_was_killed_has_a_successor_and_one_that_is_frozen_lets_the_record_wait(sqlite, monkeypatch):
    first, second = a_record(), a_record()
    with recording(sqlite, first) as writer:
        writer.wait_ready()
        writer._process.kill()
        writer._process.wait()
        writer.keep(first)
        assert "run_id" in writer.deliver()
    monkeypatch.setattr(recorder, "SILENT_S", 2.0)
    with recording(sqlite, second) as writer:
        writer.wait_ready()
        os.kill(writer._process.pid, signal.SIGSTOP)
        writer.keep(second)
        link = writer.deliver()
        assert Path(link["unsaved"]).is_dir()
        assert "no sign within 2 s" in link["error"]
        assert writer._process.poll() is not None  # else it would own the spool
        writer._spool.release()  # as the end of its process does
    monkeypatch.setattr(recorder, "SILENT_S", 60.0)
    third = save_by_recorder(sqlite, a_record())  # a later run, which nobody asked
    assert {run.data.tags["record.id"] for run in runs_of(sqlite)} >= {first.id, second.id}
    assert third["delivered"] == 1
    assert not Path(link["unsaved"]).exists()


def test_a_run_that_is_stopped_before_the_recorder_is_ready_is_recorded_all_the_same(sqlite):
    with recording(sqlite) as writer:
        writer.keep(replace(a_record(), status="interrupted", error="SIGINT"))
        link = writer.deliver()
    assert [run.info.run_id for run in runs_of(sqlite)] == [link["run_id"]]


def test_a_users_mistake_after_the_start_leaves_no_run_and_no_spool(sqlite, tmp_path):
    first, _ = drafted()

    def refused():
        with begun(first, PARAMS, sqlite) as spool, Recorder(spool, sqlite, "text_classification") as writer:
            writer.wait_ready()
            writer.draft(first, "meters")
            raise UserError("no meter can be read")

    with pytest.raises(UserError):
        refused()
    time.sleep(1)
    assert runs_of(sqlite) == []
    assert waiting.folders() == []


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:9", "postgresql+psycopg://me:secret@127.0.0.1:9/runs", "sqlite:////proc/nowhere/mlflow.db"],
)
def test_a_store_that_cannot_be_reached_is_one_line_within_seconds_and_shows_no_password(uri):
    began = time.monotonic()
    with pytest.raises(UserError) as error, recording(uri) as writer:
        writer.wait_ready()
    assert "cannot be used" in str(error.value)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)
    assert time.monotonic() - began < 30


def test_a_record_waits_while_the_store_is_away_and_is_delivered_when_it_is_back(tmp_path):
    port = free_port()
    uri, record = f"http://127.0.0.1:{port}", a_record()
    with ExitStack() as stack:
        spool = stack.enter_context(begun(record, PARAMS, uri))
        with mlflow_server(port, tmp_path):
            writer = stack.enter_context(Recorder(spool, uri, record.task.name))
            writer.wait_ready()
        writer.keep(record)
        link = writer.deliver()
        assert "run_id" not in link
        assert link["error"]
    command = [sys.executable, "-m", "src.sync"]
    away = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert away.returncode == 1
    assert link["unsaved"] in away.stdout
    with mlflow_server(port, tmp_path):
        back = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert back.returncode == 0, back.stdout
        late = json.loads(back.stdout.splitlines()[-1])["delivered"][record.id]
        check_whole(uri, late, record)
    assert not Path(link["unsaved"]).exists()


def test_a_run_that_a_parent_opened_is_filled_and_not_doubled(sqlite):
    from mlflow import MlflowClient

    save(sqlite, a_record())
    client = MlflowClient(tracking_uri=sqlite)
    experiment = client.get_experiment_by_name("text_classification")
    opened, record = client.create_run(experiment.experiment_id), a_record()
    for _ in range(2):
        assert save(sqlite, record, run_id=opened.info.run_id)["run_id"] == opened.info.run_id
    assert len(runs_of(sqlite)) == 2


def test_a_deleted_experiment_is_named_with_the_way_back(sqlite):
    from mlflow import MlflowClient

    save(sqlite, a_record())
    client = MlflowClient(tracking_uri=sqlite)
    client.delete_experiment(client.get_experiment_by_name("text_classification").experiment_id)
    with (
        pytest.raises(UserError, match="mlflow experiments restore"),
        recording(sqlite) as writer,
    ):
        writer.wait_ready()


def test_more_params_than_one_call_may_carry_all_arrive(sqlite):
    from joulemark.store import opening, records

    params = {f"model.shape.key_{i}": str(i) for i in range(250)}
    records.save(opening.open_store(sqlite, "text_classification"), a_record(), params)
    assert runs_of(sqlite)[0].data.params == params


def test_a_run_is_never_left_running_when_writing_breaks(sqlite, monkeypatch):
    from joulemark.store import opening, records, run_page

    opened = opening.open_store(sqlite, "text_classification")
    monkeypatch.setattr(run_page, "files", lambda record, metrics: {"no/such/folder": "x"})
    with pytest.raises(OSError, match="no/such"):
        records.save(opened, a_record(), PARAMS)
    (run,) = runs_of(sqlite)
    assert run.info.status == "FAILED"
    assert "no/such" in run.data.tags["record.incomplete"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class mlflow_server:  # noqa: N801  (used as a function)
    """A real MLflow server on loopback while the context lasts."""

    def __init__(self, port, folder):
        self.command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "files"),
        ]  # fmt: skip
        self.port, self.folder = port, folder

    def __enter__(self):
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with open(self.folder / "server.log", "a") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=environment, start_new_session=True, cwd=self.folder
            )
        wait_until(lambda: self._answers(), 90)

    def _answers(self):
        import urllib.request

        assert self.process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).status == 200
        except OSError:
            return False

    def __exit__(self, *error):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"it did not happen within {seconds} s")
