"""Results that others published, each one finished run without a record."""

from collections.abc import Callable, Sequence

from joulemark.analysis.external import external_run
from joulemark.analysis.external.result import ExternalResult
from joulemark.core.palette import color_of
from joulemark.core.progress import counted
from joulemark.store.mlflow_internals import pages, tables
from joulemark.store.opening import Store, alone, open_store, paged, reachable
from joulemark.store.writing import now_ms, write

# The tag that identifies a result, and its name in stores of before 2026-11-28
DIGESTS = (external_run.DIGEST, "foreign.digest")


def save_external(
    uri: str, results: Sequence[ExternalResult], report: Callable[[str], None] = lambda line: None
) -> int:
    """Writes each published result that the store does not hold as one finished run; returns how many those are.

    A run is there by its digest. It has no record, no files and no `record.id`. In a database all are written in one
    transaction through MLflow's own tables: one by one they would take minutes for thousands, as on a server, where
    `report` gets a line now and then.

    Raises:
        UserError: the store cannot be used
    """
    stores = {name: open_store(uri, name) for name in dict.fromkeys(map(external_run.experiment, results))}
    if not stores:
        return 0
    with reachable(uri), alone(uri):
        client = next(iter(stores.values())).client
        database = tables.database(client)
        known = tables.tag_values(database, DIGESTS) if database else _digests(next(iter(stores.values())))
        new = external_run.fresh(results, known)
        if database:
            now = now_ms()
            tables.insert(
                database, [_new_run(stores[external_run.experiment(result)], result, now) for result in new], now
            )
        else:
            for result in counted(new, "results written", report, of=len(new)):
                save_one(stores[external_run.experiment(result)], result)
    return len(new)


def save_one(opened: Store, result: ExternalResult) -> None:
    """Writes one result through the tracking API."""
    run = _new_run(opened, result, now_ms())
    created = opened.client.create_run(
        run.experiment_id, start_time=run.began_ms, run_name=run.name, tags=dict(run.tags)
    )
    write(opened.client, created.info.run_id, run.metrics, run.params)
    opened.client.set_terminated(created.info.run_id, "FINISHED", run.ended_ms)


def _new_run(opened: Store, result: ExternalResult, now: int) -> tables.NewRun:
    """The run of a result; one whose source does not say when it began, began when it was read."""
    began = now if result.began_s is None else int(result.began_s * 1000)
    names = {pages.COLOR: color_of(result.model or result.title), "mlflow.runName": result.title}
    return tables.NewRun(
        experiment_id=opened.experiment_id,
        name=result.title,
        began_ms=began,
        ended_ms=began + int((result.duration_s or 0) * 1000),
        metrics=external_run.metrics(result),
        params=external_run.params(result),
        tags={**external_run.tags(result), **names},
    )


def _digests(opened: Store) -> set[str]:
    """The digests of the external results of a server, in whichever experiment."""
    return {
        run.data.tags.get(tag, "")
        for tag in DIGESTS
        for page in paged(opened.client, f"tags.`{tag}` != ''")
        for run in page
    }
