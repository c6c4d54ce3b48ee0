"""A Record in MLflow: the only module that imports it. One experiment per task, one flat run per record."""

import getpass
import json
import logging
import os
import tempfile
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

# Before MLflow is imported: it would phone home, and wait minutes for a server that is not there
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import yaml
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from src import audit, comparison, describe, figures, registry, summary, tracking
from src.core import Record, UserError
from src.foreign import entry
from src.foreign.result import Foreign
from src.meaning import published_shown
from src.record_json import from_json, to_json

LOCK_S = 60
NOTE_MAX = 7900  # characters; MLflow cuts a tag at 8,000 without a word
PARAMS_AT_ONCE = 100  # the tracking API's limit for one log_batch

# Okabe and Ito, less black: https://jfly.uni-koeln.de/color/
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")

MLFLOW_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


@dataclass(frozen=True)
class Store:
    """An open tracking store with the task's experiment in it."""

    uri: str
    client: MlflowClient
    experiment_id: str

    def save(self, record: Record, params: Mapping[str, str]) -> dict[str, Any]:
        """Writes the record as one run and returns where it is: `run_id`, `url` (a server's) and `ui_path`.

        With MLFLOW_RUN_ID in the environment the record goes into that run. Raises what MLflow raises; the run is
        then closed as failed, never left running.
        """
        metrics = summary.metrics(record)
        with _alone(self.uri):
            run = self._begin(record)
            try:
                self._write(run.info.run_id, record, metrics, params)
            except BaseException:
                self.client.set_terminated(run.info.run_id, "FAILED")
                raise
            self.client.set_terminated(run.info.run_id, MLFLOW_STATUS[record.status])
        path = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}?workflowType=machine_learning"
        server = tracking.public(self.uri).rstrip("/") if self.uri.startswith("http") else None
        return {"run_id": run.info.run_id, "url": f"{server}/{path}" if server else None, "ui_path": path}

    def _begin(self, record: Record) -> Any:
        given = os.environ.get("MLFLOW_RUN_ID")
        if given:
            return self.client.get_run(given)
        began = int(datetime.fromisoformat(record.started_at).timestamp() * 1000)
        return self.client.create_run(self.experiment_id, start_time=began, run_name=run_name(record))

    def _write(
        self, run_id: str, record: Record, metrics: Mapping[str, float | None], params: Mapping[str, str]
    ) -> None:
        now = int(datetime.now().timestamp() * 1000)
        read = [Metric(name, value, now, 0) for name, value in metrics.items() if value is not None]
        words = [Param(key, str(value)) for key, value in params.items()]
        labels = [RunTag(key, str(value)) for key, value in tags(record, metrics).items()]
        self.client.log_batch(run_id, read, words[:PARAMS_AT_ONCE], labels)
        for start in range(PARAMS_AT_ONCE, len(words), PARAMS_AT_ONCE):
            self.client.log_batch(run_id, params=words[start : start + PARAMS_AT_ONCE])
        self.client.log_inputs(run_id, [dataset_input(record)])
        with tempfile.TemporaryDirectory() as folder:
            for name, text in artifacts(record, metrics).items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            self.client.log_artifacts(run_id, folder)


@dataclass(frozen=True)
class SweepRun:
    """What the run that stands for a sweep holds: its tags, the table in Markdown, numbers, and files by name.

    `again` looks for the run that an earlier session of the same `sweep_id` left, and writes over what it said.
    """

    tags: Mapping[str, str]
    table: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()  # files that MLflow shows as tables: {"columns", "data"}
    again: bool = False


def save_sweep(uri: str, task: str, status: str, began_s: float, sweep: SweepRun) -> str:
    """Writes one run that stands for a sweep and returns its id; its own runs stay flat, and share its `sweep_id`.

    `began_s` is since the epoch; the table is the run's description, and as a file whole.
    """
    opened = open_store(uri, task)
    with _alone(uri):
        run_id = _sweep_run(opened, sweep) if sweep.again else None
        if run_id is None:
            run = opened.client.create_run(
                opened.experiment_id, start_time=int(began_s * 1000), run_name=f"sweep {sweep.tags['sweep_id']}"
            )
            run_id = str(run.info.run_id)
        try:
            _write_sweep(opened.client, run_id, sweep)
        except BaseException:
            opened.client.set_terminated(run_id, "FAILED")
            raise
        opened.client.set_terminated(run_id, MLFLOW_STATUS[status])
    return run_id


def _sweep_run(opened: Store, sweep: SweepRun) -> str | None:
    """The run of an earlier session of the same sweep."""
    asked = f"tags.kind = 'sweep' and tags.sweep_id = '{sweep.tags['sweep_id']}'"
    found = opened.client.search_runs([opened.experiment_id], asked, max_results=1, order_by=["start_time ASC"])
    return str(found[0].info.run_id) if found else None


def _write_sweep(client: MlflowClient, run_id: str, sweep: SweepRun) -> None:
    note, now = sweep.table, int(datetime.now().timestamp() * 1000)
    if len(note) > NOTE_MAX:
        note = f"{note[:NOTE_MAX].rpartition(chr(10))[0]}\n\n… all of it: sweep.md"
    shown = json.dumps([{"path": name, "type": "table"} for name in sweep.tables])
    own = {"kind": "sweep", "mlflow.note.content": note, "mlflow.source.name": "src.run"}
    if sweep.tables:
        own["mlflow.loggedArtifacts"] = shown
    read = [Metric(name, value, now, 0) for name, value in sweep.metrics.items() if value is not None]
    client.log_batch(run_id, read, tags=[RunTag(key, value) for key, value in {**sweep.tags, **own}.items()])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**sweep.files, "sweep.md": sweep.table}.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)


def label(uri: str, task: str, key: str, value: str) -> str:
    """Writes a tag of the task's experiment; returns the experiment's id."""
    opened = open_store(uri, task)
    with _alone(uri):
        opened.client.set_experiment_tag(opened.experiment_id, key, value)
    return opened.experiment_id


def tasks(uri: str) -> list[str]:
    """The experiments of the store that hold a run of Joulemark's."""
    client = _reader(uri)
    found = client.search_experiments()
    return sorted(
        one.name
        for one in found
        if client.search_runs([one.experiment_id], "tags.`record.schema` != ''", max_results=1)
    )


def save_foreign(uri: str, results: Sequence[Foreign]) -> int:
    """Writes each published result that the store does not hold as one finished run; returns how many those are.

    A run is there by its digest. It has no record, no files and no `record.id`. In a database all are written in one
    transaction through MLflow's own tables: one by one they would take minutes for thousands.
    """
    stores = {name: open_store(uri, name) for name in dict.fromkeys(map(entry.experiment, results))}
    with _reachable(uri), _alone(uri):
        database = _database(next(iter(stores.values())).client) if stores else None
        known = _known(database) if database else _digests(list(stores.values()))
        new = entry.fresh(results, known)
        if database:
            _insert(database, [(stores[entry.experiment(one)], one) for one in new])
        else:
            for one in new:
                _save_foreign(stores[entry.experiment(one)], one)
    return len(new)


def _save_foreign(opened: Store, one: Foreign) -> None:
    """One run through the tracking API."""
    now = int(datetime.now().timestamp() * 1000)
    began, ended = _times(one, now)
    run = opened.client.create_run(opened.experiment_id, start_time=began, run_name=one.title, tags=_words(one))
    metrics = [Metric(name, value, now, 0) for name, value in entry.metrics(one).items()]
    opened.client.log_batch(run.info.run_id, metrics, [Param(*pair) for pair in entry.params(one).items()])
    opened.client.set_terminated(run.info.run_id, "FINISHED", ended)


def _words(one: Foreign) -> dict[str, str]:
    return {**entry.tags(one), "mlflow.runColor": _color(one.model or one.title), "mlflow.runName": one.title}


def _times(one: Foreign, now: int) -> tuple[int, int]:
    """When it began and ended, in ms; one whose source does not say began when it was read."""
    began = now if one.began_s is None else int(one.began_s * 1000)
    return began, began + int((one.duration_s or 0) * 1000)


def _database(client: MlflowClient) -> Any:
    """MLflow's store behind the client where it is a database; None for a server."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    behind = client._tracking_client.store
    return behind if isinstance(behind, SqlAlchemyStore) else None


def _known(database: Any) -> set[str]:
    """The digests of the foreign results in a database, those of deleted runs left out."""
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag

    with database.ManagedSessionMaker(read_only=True) as session:
        found = session.query(SqlTag.value).join(SqlRun, SqlRun.run_uuid == SqlTag.run_uuid)
        return {row[0] for row in found.filter(SqlTag.key == "foreign.digest", SqlRun.lifecycle_stage == "active")}


def _insert(database: Any, pairs: Sequence[tuple[Store, Foreign]]) -> None:
    """All runs in one transaction, each as `_save_foreign` would have written it."""
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag

    now, places = int(datetime.now().timestamp() * 1000), {}
    tables: dict[Any, list[dict[str, Any]]] = {SqlRun: [], SqlTag: [], SqlParam: [], SqlMetric: [], SqlLatestMetric: []}
    for opened, one in pairs:
        if opened.experiment_id not in places:
            places[opened.experiment_id] = database.get_experiment(opened.experiment_id).artifact_location
        own, (began, ended) = {"run_uuid": uuid.uuid4().hex}, _times(one, now)
        tables[SqlRun].append(
            {**own, "name": one.title, "experiment_id": int(opened.experiment_id), "user_id": "unknown",
             "status": "FINISHED", "start_time": began, "end_time": ended, "lifecycle_stage": "active",
             "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "source_version": "",
             "artifact_uri": f"{places[opened.experiment_id]}/{own['run_uuid']}/artifacts"}
        )  # fmt: skip
        tables[SqlTag] += [{**own, "key": key, "value": value} for key, value in _words(one).items()]
        tables[SqlParam] += [{**own, "key": key, "value": value} for key, value in entry.params(one).items()]
        read = [{**own, "key": key, "value": value, "timestamp": now, "step": 0, "is_nan": False}
                for key, value in entry.metrics(one).items()]  # fmt: skip
        tables[SqlMetric] += read
        tables[SqlLatestMetric] += read
    with database.ManagedSessionMaker(read_only=False) as session:
        for table, rows in tables.items():
            if rows:
                session.execute(table.__table__.insert(), rows)


def _digests(stores: Sequence[Store]) -> set[str]:
    """The digests of the foreign results in these experiments of a server."""
    found: set[str] = set()
    for opened in stores:
        token = None
        while True:
            page = opened.client.search_runs(
                [opened.experiment_id], "tags.foreign = 'true'", max_results=1000, page_token=token
            )
            found |= {run.data.tags.get("foreign.digest", "") for run in page}
            token = page.token
            if not token:
                break
    return found


def open_store(uri: str, task: str) -> Store:
    """Connects and makes sure that the task's experiment exists; UserError within seconds where that cannot be."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with _reachable(uri), _alone(uri):
        _probe(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return Store(uri, client, _experiment(client, uri, task))


@contextmanager
def _reachable(uri: str) -> Iterator[None]:
    """Turns whatever a store raises into one line that shows no password."""
    shown = tracking.public(uri)
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever a database or server raises, the store cannot be used
        reason = str(error).strip().splitlines()[0].replace(uri, shown) if str(error).strip() else ""
        raise UserError(f"tracking_uri={shown} cannot be used ({type(error).__name__}: {reason[:200]})") from error


@dataclass(frozen=True)
class Kept:
    """What the store holds of one run: the metrics that were read, and its tags."""

    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def kept(uri: str, run_id: str) -> Kept:
    """One run of the store."""
    data = MlflowClient(tracking_uri=uri, registry_uri=uri).get_run(run_id).data
    return Kept(dict(data.metrics), dict(data.tags))


def finished(uri: str, device: str) -> dict[str, Kept]:
    """Every finished run on this device by the command that began it, the newest of each."""
    client = open_store(uri, "text_classification").client
    found: dict[str, Kept] = {}
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    token = None
    while True:
        page = client.search_runs(
            experiments, "tags.status = 'finished'", max_results=1000, order_by=["start_time DESC"], page_token=token
        )
        for run in page:
            if run.data.tags.get("device") == device and run.data.tags.get("command"):
                found.setdefault(run.data.tags["command"], Kept(dict(run.data.metrics), dict(run.data.tags)))
        token = page.token
        if not token:
            return found


def _probe(uri: str) -> None:
    """One plain connection to a database server: MLflow itself tries ten times, with longer and longer pauses."""
    if uri.startswith(("sqlite", "http", "databricks")):
        return
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


@contextmanager
def _alone(uri: str) -> Iterator[None]:
    """One process at a time in a sqlite store: two that create its tables, or write at once, would break each other."""
    path = tracking.sqlite_path(uri)
    if path is None:
        yield
        return
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock", timeout=LOCK_S)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"another process has held {path}.lock for {LOCK_S} s") from None
    try:
        yield
    finally:
        lock.release()


def _experiment(client: MlflowClient, uri: str, task: str) -> str:
    """The id of the task's experiment; makes it if need be, also when another process does so at the same moment."""
    found = client.get_experiment_by_name(task)
    if found is None:
        try:
            return str(client.create_experiment(task, artifact_location=_artifacts(uri, task)))
        except MlflowException as error:
            found = client.get_experiment_by_name(task)
            if found is None:
                raise error
    if found.lifecycle_stage != "active":
        raise UserError(
            f"experiment '{task}' was deleted; bring it back with: mlflow experiments restore -x {found.experiment_id}"
        )
    return str(found.experiment_id)


def _artifacts(uri: str, task: str) -> str | None:
    """Where the experiment's files go: beside a sqlite file, in `mlruns` for a database, as a server itself says."""
    if uri.startswith(("http", "databricks")):
        return None
    path = tracking.sqlite_path(uri)
    folder = path.parent if path else tracking.ROOT / "mlruns"
    return (folder / "artifacts" / task).as_uri()


def run_name(record: Record) -> str:
    """What the run is called in a list: model, precision and batch size."""
    return f"{record.model['name']} {record.run['precision']} b{record.run['batch_size']}"


def _color(model: str) -> str:
    """One colour for each model."""
    return PALETTE[zlib.crc32(model.encode()) % len(PALETTE)]


def tags(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """What a list of runs is filtered by, and what its pages show."""
    evidence = {f"method.{c}": how for c, how in summary.methods(record.measurement).items() if how is not None}
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    found = {
        "model": record.model["name"],
        "role": record.model["role"],
        "task": record.task["name"],
        "metric": record.task["metric"],
        "hardware": record.hardware["gpu_name"] or record.hardware["name"],
        "protocol": record.protocol["name"],
        "weights": record.model["weights"],
        "dataset": record.task["dataset"],
        "device": summary.device(record.hardware, record.environment),
        "gpus": ", ".join(cards) if len(cards := summary.uuids(record.hardware)) > 1 else None,
        "command": record.run.get("command"),
        "sweep_id": record.run.get("sweep_id"),
        "tuned": record.run.get("tuned"),
        "status": record.status,
        "error": record.error,
        **comparison.tags(record),
        "parameters": record.model.get("parameters"),
        "verdict": audit.verdict(record)[0],
        "flags": ", ".join(record.flags) or None,
        "shared": "cpu, ram" if record.run.get("shared_host") else None,
        **evidence,
        **published_shown.tags(record, metrics),
        "record.id": record.id,
        "record.schema": record.schema,
        "git.revision": record.environment.get("git_revision"),
        "git.dirty": record.environment.get("git_dirty"),
        "mlflow.user": user,
        "mlflow.source.name": "src.run",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": record.environment.get("git_revision"),
        "mlflow.runColor": _color(record.model["name"]),
        "mlflow.note.content": describe.markdown(record, metrics),
        # Makes MLflow show requests.json as a table
        "mlflow.loggedArtifacts": json.dumps([{"path": "requests.json", "type": "table"}]) if record.requests else None,
    }
    return {key: str(value) for key, value in found.items() if value is not None}


def dataset_input(record: Record) -> DatasetInput:
    """The inputs as MLflow lists them: name, digest, source and how many."""
    task = record.task
    source = {"source": task["source"], "config": task["config"], "split": task["split"]}
    dataset = Dataset(
        name=task["dataset"],
        digest=task["digest"],
        source_type="hub" if task["split"] else "local",
        source=json.dumps(source),
        profile=json.dumps({"num_rows": record.run["samples"], "distinct": task["distinct"]}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])


def artifacts(record: Record, metrics: Mapping[str, float | None]) -> dict[str, str]:
    """The run's files by name: the record, its configuration, the requests as a table, and the figures there are."""
    columns = list(to_json(record)["requests"][0]) if record.requests else []
    rows = [list(row.values()) for row in to_json(record)["requests"]]
    found = {
        "record.json": json.dumps(to_json(record), allow_nan=False, indent=1),
        "config.yaml": yaml.safe_dump(dict(record.config), sort_keys=False, allow_unicode=True),
        "requests.json": json.dumps({"columns": columns, "data": rows}, ensure_ascii=False) if rows else None,
        "traceback.txt": record.traceback,
        "latency.svg": figures.latency(record),
        "energy.svg": figures.energy(record, metrics),
    }
    return {name: text for name, text in found.items() if text is not None}


def note(uri: str, run_id: str) -> str:
    """The description of a run, in Markdown; empty where it has none."""
    return str(_reader(uri).get_run(run_id).data.tags.get("mlflow.note.content", ""))


def recorded(uri: str, ids: Sequence[str] = (), tasks: Sequence[str] = ()) -> Iterator[tuple[str, Record]]:
    """The id and record of chosen runs: those whose ids begin so, and every finished run where none is named.

    `tasks` takes of these only what did one of them. UserError where a beginning fits no run, or several; and where no
    run is chosen at all.
    """
    client = _reader(uri)
    runs = list(_all_runs(client))
    chosen = [_one(runs, prefix) for prefix in ids]
    if not ids:
        chosen = [run for run in runs if run.data.tags.get("status") == "finished"]
    chosen = [run for run in chosen if not tasks or run.data.tags["task"] in tasks]
    if not chosen:
        raise UserError(f"no such run{' of ' + ', '.join(tasks) if tasks else ''} in {tracking.public(uri)}")
    for run in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = client.download_artifacts(run.info.run_id, "record.json", folder)
            except (MlflowException, OSError):
                raise UserError(
                    f"run {run.info.run_id[:12]} has no record.json in {tracking.public(run.info.artifact_uri)}; if "
                    "the folder of a sqlite store moved: python -m src.relocate"
                ) from None
            yield run.info.run_id, from_json(json.loads(Path(path).read_text(encoding="utf-8")))


def add(uri: str, run_id: str, metrics: Mapping[str, float | None], tags: Mapping[str, str]) -> None:
    """Adds figures and tags to a run that is there; those that it has under other names stay as they are."""
    now = int(datetime.now().timestamp() * 1000)
    read = [Metric(name, value, now, 0) for name, value in metrics.items() if value is not None]
    with _alone(uri):
        _reader(uri).log_batch(run_id, read, tags=[RunTag(key, value) for key, value in tags.items()])


def tag(uri: str, run_id: str, name: str) -> str | None:
    """One tag of a run; None where the run has none of that name."""
    found: str | None = _reader(uri).get_run(run_id).data.tags.get(name)
    return found


def register(uri: str, run_id: str, name: str, alias: str = registry.ALIAS) -> dict[str, Any]:
    """Puts a finished run into the model registry under a name and moves the alias to it; says where it is.

    UserError for a run or a name that cannot be registered, and for a store without a registry.
    """
    registry.check(name, alias)
    client = _reader(uri)
    with _reachable(uri), _alone(uri):
        try:
            found = registry.register(client, run_id, name, alias)
        except MlflowException as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise UserError(f"run {run_id[:12]} cannot be registered in {tracking.public(uri)}: {reason}") from None
    server = tracking.public(uri).rstrip("/") if uri.startswith("http") else None
    path = f"#/models/{name}/versions/{found.version}"
    return {"name": name, "version": found.version, "alias": alias, "new": found.new,
            "url": f"{server}/{path}" if server else None, "ui_path": path}  # fmt: skip


def _reader(uri: str) -> MlflowClient:
    """A client of a store that is there; UserError for a sqlite file that is not: reading makes none."""
    path = tracking.sqlite_path(uri)
    if path is not None and not path.is_file():
        raise UserError(f"tracking_uri={tracking.public(uri)} holds no runs yet; measure one: python -m src.run")
    with _reachable(uri):
        _probe(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)  # a server that is not there answers nothing
        return client


def _all_runs(client: MlflowClient) -> Iterator[Any]:
    """Every run of Joulemark's in the store, newest first."""
    experiments, token = [experiment.experiment_id for experiment in client.search_experiments()], None
    while True:
        page = client.search_runs(experiments, max_results=1000, order_by=["start_time DESC"], page_token=token)
        yield from (run for run in page if run.data.tags.get("record.id"))
        token = page.token
        if not token:
            return


def _one(runs: Sequence[Any], prefix: str) -> Any:
    fitting = [run for run in runs if run.info.run_id.startswith(prefix)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UserError(f"run {prefix} is not in the store; type the beginning of a run's id, as its page shows it")
    some = ", ".join(run.info.run_id[:12] for run in fitting[:3])
    raise UserError(f"run {prefix} may be {len(fitting)} runs ({some}, …); type more of its id")


def pages(uri: str, filter_string: str = "") -> Iterator[Sequence[Any]]:
    """MLflow's runs, a thousand at a time, newest first; UserError for a filter that MLflow does not take."""
    client, token = _reader(uri), None
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    while True:
        try:
            page = client.search_runs(
                experiments, filter_string, max_results=1000, order_by=["start_time DESC"], page_token=token
            )
        except MlflowException as error:
            if not filter_string:
                raise
            raise UserError(f"filter={filter_string}: {str(error).strip().splitlines()[0][:200]}") from None
        yield page
        token = page.token
        if not token:
            return


def record_of(uri: str, run_id: str) -> Record | None:
    """The record of one run; None where its file is not where the store says, or cannot be read as one."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = client.download_artifacts(run_id, "record.json", folder)
            return from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    except (MlflowException, OSError, ValueError, UserError):
        return None
