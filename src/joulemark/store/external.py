"""Results that others published, each one finished run without a record."""

import uuid
from collections.abc import Sequence
from typing import Any

from joulemark.analysis.external import external_run
from joulemark.analysis.external.result import Foreign
from joulemark.store.opening import Store, alone, open_store, paged, reachable
from joulemark.store.run_page import color
from joulemark.store.writing import now_ms, write


def save_foreign(uri: str, results: Sequence[Foreign]) -> int:
    """Writes each published result that the store does not hold as one finished run; returns how many those are.

    A run is there by its digest. It has no record, no files and no `record.id`. In a database all are written in one
    transaction through MLflow's own tables: one by one they would take minutes for thousands.
    """
    stores = {name: open_store(uri, name) for name in dict.fromkeys(map(external_run.experiment, results))}
    with reachable(uri), alone(uri):
        database = _database(next(iter(stores.values()))) if stores else None
        known = _known(database) if database else _digests(list(stores.values()))
        new = external_run.fresh(results, known)
        if database:
            _insert(database, [(stores[external_run.experiment(one)], one) for one in new])
        else:
            for one in new:
                _save_foreign(stores[external_run.experiment(one)], one)
    return len(new)


def _save_foreign(opened: Store, one: Foreign) -> None:
    """One run through the tracking API."""
    began, ended = _times(one, now_ms())
    run = opened.client.create_run(opened.experiment_id, start_time=began, run_name=one.title, tags=_words(one))
    write(opened.client, run.info.run_id, external_run.metrics(one), external_run.params(one))
    opened.client.set_terminated(run.info.run_id, "FINISHED", ended)


def _words(one: Foreign) -> dict[str, str]:
    return {**external_run.tags(one), "mlflow.runColor": color(one.model or one.title), "mlflow.runName": one.title}


def _times(one: Foreign, now: int) -> tuple[int, int]:
    """When it began and ended, in ms; one whose source does not say began when it was read."""
    began = now if one.began_s is None else int(one.began_s * 1000)
    return began, began + int((one.duration_s or 0) * 1000)


def _database(opened: Store) -> Any:
    """MLflow's own store where it is a database; None for a server."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    behind = opened.client._tracking_client.store
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

    now, places = now_ms(), {}
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
        tables[SqlParam] += [{**own, "key": key, "value": value} for key, value in external_run.params(one).items()]
        read = [{**own, "key": key, "value": value, "timestamp": now, "step": 0, "is_nan": False}
                for key, value in external_run.metrics(one).items()]  # fmt: skip
        tables[SqlMetric] += read
        tables[SqlLatestMetric] += read
    with database.ManagedSessionMaker(read_only=False) as session:
        for table, rows in tables.items():
            if rows:
                session.execute(table.__table__.insert(), rows)


def _digests(stores: Sequence[Store]) -> set[str]:
    """The digests of the foreign results in these experiments of a server."""
    return {
        run.data.tags.get("foreign.digest", "")
        for opened in stores
        for page in paged(opened.client, "tags.foreign = 'true'", [opened.experiment_id])
        for run in page
    }
