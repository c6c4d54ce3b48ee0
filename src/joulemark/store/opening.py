"""A tracking store that can be used, or one line with the reason why not."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from joulemark.core import paths, tracking
from joulemark.core.errors import UserError
from joulemark.core.private_files import private_files
from joulemark.store.mlflow_internals import creation, schema

LOCK_S = 60
TABLES_LOCK = 0x6A6F756C656D6B  # the number of PostgreSQL's advisory lock: "joulemk"


@dataclass(frozen=True)
class Store:
    """An open tracking store with the task's experiment in it."""

    uri: str
    client: MlflowClient
    experiment_id: str


def open_store(uri: str, task: str) -> Store:
    """Connects and makes sure that the task's experiment exists; UserError within seconds where it cannot be used."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # what breaks is raised, and told in one line
    with reachable(uri), alone(uri), creating(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return Store(uri, client, _experiment(client, uri, task))


def reader(uri: str) -> MlflowClient:
    """A client of a store that is there; UserError for a sqlite file that is not: reading makes none."""
    path = tracking.sqlite_path(uri)
    if path is not None and not path.is_file():
        shown = tracking.public(uri)
        raise UserError(f"tracking_uri={shown} holds no runs yet; measure one: {paths.program('run')}")
    with reachable(uri):
        _probe(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)  # a server that is not there gives no reply
        return client


def paged(client: MlflowClient, search: str = "", experiments: Sequence[str] | None = None) -> Iterator[Sequence[Any]]:
    """MLflow's runs that fit its filter, a thousand at a time, newest first; of all experiments where none is named."""
    token = None
    if experiments is None:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    while True:
        page = client.search_runs(experiments, search, max_results=1000, order_by=["start_time DESC"], page_token=token)
        yield page
        token = page.token
        if not token:
            return


def address(uri: str, path: str) -> str | None:
    """Where a person opens a path of a server's pages; None for a store that has none."""
    return f"{tracking.public(uri).rstrip('/')}/{path}" if uri.startswith("http") else None


@contextmanager
def reachable(uri: str) -> Iterator[None]:
    """Turns every error of a store into one line that shows no password."""
    shown = tracking.public(uri)
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever a database or server raises, the store cannot be used
        reason = tracking.without_secrets(str(error).strip().splitlines()[0], uri) if str(error).strip() else ""
        raise UserError(f"tracking_uri={shown} cannot be used ({type(error).__name__}: {reason[:200]})") from error


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """One process at a time in a sqlite store: two that create its tables, or write at once, would break each other.

    What a store writes is private (core/private_files.py).
    """
    path = tracking.sqlite_path(uri)
    with private_files():
        if path is None:
            yield
            return
        lock = _locked(path)
        try:
            yield
        finally:
            lock.release()


def _locked(path: Path) -> Any:
    """The lock of a sqlite store, taken; UserError where another process has it, or it is another user's."""
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock", timeout=LOCK_S)
        lock.acquire()
    except Timeout:
        raise UserError(f"another process has held {path}.lock for {LOCK_S} s") from None
    except OSError as error:
        raise UserError(f"sqlite:///{path} cannot be used ({path.name}.lock: {error.strerror})") from None
    return lock


@contextmanager
def creating(uri: str) -> Iterator[None]:
    """An empty database gets MLflow's tables, all or none, from one process; at a PostgreSQL the others wait for it."""
    path, empty = tracking.sqlite_path(uri), _probe(uri)
    if path is not None and empty and not (path.is_file() and path.stat().st_size):
        creation.make_sqlite(path)
    if not empty or not uri.startswith("postgresql"):
        yield
        return
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:  # whose end gives the lock back
            connection.execute(sqlalchemy.text(f"set lock_timeout = '{LOCK_S}s'"))
            connection.execute(sqlalchemy.text(f"select pg_advisory_lock({TABLES_LOCK})"))
            yield
    finally:
        engine.dispose()


def _probe(uri: str) -> bool:
    """Whether a database has no tables yet, by one plain connection: MLflow itself tries ten times, ever more slowly.

    A database that states another schema than the installed MLflow's is refused; MLflow makes the tables of a new one.
    """
    path = tracking.sqlite_path(uri)
    if uri.startswith(("http", "databricks")):
        return False
    if path is not None and not path.is_file():
        return True
    import sqlalchemy

    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            if schema.stated(connection) is None:
                return True
            schema.check(connection, f"tracking_uri={tracking.public(uri)}")
            return False
    finally:
        engine.dispose()


def _experiment(client: MlflowClient, uri: str, task: str) -> str:
    """The id of the task's experiment; makes it if need be, also when another process does so at the same moment."""
    experiment = client.get_experiment_by_name(task)
    if experiment is None:
        try:
            return str(client.create_experiment(task, artifact_location=_artifacts(uri, task)))
        except MlflowException as error:
            experiment = client.get_experiment_by_name(task)
            if experiment is None:
                raise error
    if experiment.lifecycle_stage != "active":
        raise UserError(
            f"experiment '{task}' was deleted; bring it back with: "
            f"mlflow experiments restore -x {experiment.experiment_id}"
        )
    return str(experiment.experiment_id)


def _artifacts(uri: str, task: str) -> str | None:
    """Where the experiment's files go: beside a sqlite file, in `mlruns` for a database, as a server itself says."""
    if uri.startswith(("http", "databricks")):
        return None
    path = tracking.sqlite_path(uri)
    folder = path.parent if path else paths.home()
    return (folder / "artifacts" / paths.file_name(task)).as_uri()
