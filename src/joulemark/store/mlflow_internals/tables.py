"""MLflow's tables of runs: read a few hundred runs at a time, and filled in one transaction."""

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from joulemark.analysis.over_time import OVER_TIME
from joulemark.core.errors import UserError
from joulemark.store.mlflow_internals import schema

AT_ONCE = 500  # runs of one query: below every database's limit of bound values
OWN_TAGS = "mlflow."  # how MLflow's own tags begin
COLUMNS = ("run_uuid", "experiment_id", "name", "start_time", "status", "artifact_uri")


@dataclass
class Row:
    """One run of the tables.

    Attributes:
        run_id, experiment_id, name, status: as MLflow states them
        began_ms: when it began, ms since the epoch; 0 where that is not known
        artifacts: the folder of its files, as a URI
        metrics: name and last value of each metric, NaN included
        tags: those that are not MLflow's own
        params: those that were requested
    """

    run_id: str
    experiment_id: str
    name: str
    began_ms: int
    status: str
    artifacts: str
    metrics: list[tuple[str, float]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NewRun:
    """A finished run to be written.

    Attributes:
        experiment_id: of the experiment that it belongs to
        name: of the run
        began_ms, ended_ms: ms since the epoch
        metrics, params, tags: all that it holds
    """

    experiment_id: str
    name: str
    began_ms: int
    ended_ms: int
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]


def rows(
    connection: Any,
    params: frozenset[str],
    ids: Sequence[str] = (),
    with_tags: Mapping[str, Sequence[str]] | None = None,
) -> tuple[int, Iterator[Row]]:
    """How many runs are not deleted, and each of them, newest first.

    Where given: of each tag one of these values, ids that begin so.
    """
    runs = _listed(connection, ids, with_tags or {})
    starts = range(0, len(runs), AT_ONCE)
    return len(runs), (row for start in starts for row in _filled(connection, runs[start : start + AT_ONCE], params))


def _listed(connection: Any, ids: Sequence[str], with_tags: Mapping[str, Sequence[str]]) -> list[Any]:
    from sqlalchemy import column, or_, select, table

    runs = table("runs", *map(column, (*COLUMNS, "lifecycle_stage")))
    query = select(*(runs.c[name] for name in COLUMNS))
    query = query.where(runs.c.lifecycle_stage == "active").order_by(runs.c.start_time.desc(), runs.c.run_uuid)
    tags = table("tags", *map(column, ("run_uuid", "key", "value")))
    for key, values in with_tags.items():
        having = select(tags.c.run_uuid).where(tags.c.key == key, tags.c.value.in_(values))
        query = query.where(runs.c.run_uuid.in_(having))
    if ids:
        query = query.where(or_(*(runs.c.run_uuid.startswith(prefix, autoescape=True) for prefix in ids)))
    # a database may take upper case for lower
    return [row for row in connection.execute(query) if not ids or row.run_uuid.startswith(tuple(ids))]


def _filled(connection: Any, runs: Sequence[Any], params: frozenset[str]) -> Iterator[Row]:
    from sqlalchemy import column, select, table

    filled = {
        row.run_uuid: Row(row.run_uuid, str(row.experiment_id), row.name or "", int(row.start_time or 0),
                          row.status or "", row.artifact_uri or "")
        for row in runs
    }  # fmt: skip
    ids = list(filled)
    metrics = table("latest_metrics", *map(column, ("run_uuid", "key", "value", "is_nan")))
    tags = table("tags", *map(column, ("run_uuid", "key", "value")))
    values = table("params", *map(column, ("run_uuid", "key", "value")))
    of_metrics = select(metrics).where(
        metrics.c.run_uuid.in_(ids), *(metrics.c.key.not_like(f"{prefix}%") for prefix in OVER_TIME)
    )
    for run_id, key, value, is_nan in connection.execute(of_metrics):
        filled[run_id].metrics.append((key, math.nan if is_nan else value))
    of_tags = select(tags).where(tags.c.run_uuid.in_(ids), tags.c.key.not_like(f"{OWN_TAGS}%"))
    for run_id, key, value in connection.execute(of_tags):
        filled[run_id].tags[key] = value
    of_params = select(values).where(values.c.run_uuid.in_(ids), values.c.key.in_(sorted(params)))
    for run_id, key, value in connection.execute(of_params):
        filled[run_id].params[key] = value
    return iter(filled.values())


def database(client: Any) -> Any:
    """The database that a client of MLflow's writes to itself; None for a server, and for a schema not checked."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = client._tracking_client.store
    if not isinstance(store, SqlAlchemyStore):
        return None
    with store.engine.connect() as connection:
        try:
            schema.check(connection, "the tracking store", writes=True)
        except UserError:  # the documented way takes longer, and is right whatever the tables are
            return None
    return store


def tag_values(database: Any, keys: Sequence[str]) -> set[str]:
    """The values of these tags in a database, those of deleted runs left out."""
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag

    with database.ManagedSessionMaker(read_only=True) as session:
        query = session.query(SqlTag.value).join(SqlRun, SqlRun.run_uuid == SqlTag.run_uuid)
        return {value for (value,) in query.filter(SqlTag.key.in_(keys), SqlRun.lifecycle_stage == "active")}


def insert(database: Any, runs: Sequence[NewRun], now_ms: int) -> None:
    """Writes all runs in one transaction, each as the tracking API would have written it."""
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag

    folders: dict[str, str] = {}
    tables: dict[Any, list[dict[str, Any]]] = {SqlRun: [], SqlTag: [], SqlParam: [], SqlMetric: [], SqlLatestMetric: []}
    for run in runs:
        if run.experiment_id not in folders:
            folders[run.experiment_id] = database.get_experiment(run.experiment_id).artifact_location
        own = {"run_uuid": uuid.uuid4().hex}
        tables[SqlRun].append(
            {**own, "name": run.name, "experiment_id": int(run.experiment_id), "user_id": "unknown",
             "status": "FINISHED", "start_time": run.began_ms, "end_time": run.ended_ms, "lifecycle_stage": "active",
             "source_type": "UNKNOWN", "source_name": "", "entry_point_name": "", "source_version": "",
             "artifact_uri": f"{folders[run.experiment_id]}/{own['run_uuid']}/artifacts"}
        )  # fmt: skip
        tables[SqlTag] += [{**own, "key": key, "value": value} for key, value in run.tags.items()]
        tables[SqlParam] += [{**own, "key": key, "value": value} for key, value in run.params.items()]
        metrics = [{**own, "key": key, "value": value, "timestamp": now_ms, "step": 0, "is_nan": False}
                   for key, value in run.metrics.items()]  # fmt: skip
        tables[SqlMetric] += metrics
        tables[SqlLatestMetric] += metrics
    with database.ManagedSessionMaker(read_only=False) as session:
        for table, values in tables.items():
            if values:
                session.execute(table.__table__.insert(), values)
