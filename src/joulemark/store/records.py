"""A record as one flat run."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.exceptions import MlflowException

from joulemark.analysis import named_metrics, over_time
from joulemark.core.record import Record
from joulemark.data import request_table
from joulemark.store import identity, run_page
from joulemark.store.opening import Store, address, alone
from joulemark.store.writing import attach, ending, write, write_series


def save(
    opened: Store,
    record: Record,
    params: Mapping[str, str],
    *,
    run_id: str | None = None,
    attachments: Sequence[Path] = (),
    ended_ms: int | None = None,
) -> dict[str, Any]:
    """Writes the record as one run and returns where it is: `run_id`, `url` (a server's) and `ui_path`.

    However often it is called, there is one run of the `record.id`: what a lost reply or a kill left is found and
    completed, and a whole run stays as it is. With a `run_id` the record goes into that run, where it is open.

    Args:
        attachments: files that are attached under their names
        ended_ms: when the run was over, since the epoch; None: now

    Raises:
        Exception: what MLflow raises; the run is then closed as failed and incomplete, where the store can be reached
    """
    metrics = named_metrics.metrics(record)
    tags, files = run_page.tags(record, metrics), run_page.files(record, metrics)  # figures take seconds: not in a lock
    series = over_time.points(record)
    with alone(opened.uri):
        run = identity.found(opened, record.id, run_id) or _created(opened, record)
        if not identity.whole(run):
            with ending(opened.client, run.info.run_id, record.status, ended_ms):
                write(opened.client, run.info.run_id, metrics, params, tags, at_ms=run.info.start_time)
                write_series(opened.client, run.info.run_id, series)
                _log_inputs(opened, run.info.run_id, record)
                attach(opened.client, run.info.run_id, files)
                for attached in attachments:
                    opened.client.log_artifact(run.info.run_id, str(attached))
                _log_traces(opened, run.info.run_id, record, attachments)
                identity.completed(opened, run)
        run = identity.keep_one(opened, record.id)
    path = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}?workflowType=machine_learning"
    return {"run_id": run.info.run_id, "url": address(opened.uri, path), "ui_path": path}


def _log_traces(opened: Store, run_id: str, record: Record, attachments: Sequence[Path]) -> None:
    """The traces that the run asked for, of the requests in its file."""
    count = int((record.config.get("export") or {}).get("traces") or 0)
    file = next((path for path in attachments if path.name == request_table.NAME), None)
    if count and file is not None:
        from joulemark.store import traces  # few runs have any

        traces.log(opened, run_id, record, request_table.rows(file), count)


def _created(opened: Store, record: Record) -> Any:
    began = int(datetime.fromisoformat(record.started_at).timestamp() * 1000)
    return opened.client.create_run(
        opened.experiment_id, start_time=began, run_name=run_page.run_name(record), tags={identity.TAG: record.id}
    )


def _log_inputs(opened: Store, run_id: str, record: Record) -> None:
    """Names the run's inputs; a second time where another run brought the same ones at this moment.

    MLflow 3.17 checks whether the store knows them and then writes: of two runs it refuses the later one.
    """
    try:
        opened.client.log_inputs(run_id, [dataset_input(record)])
    except MlflowException:
        opened.client.log_inputs(run_id, [dataset_input(record)])


def dataset_input(record: Record) -> DatasetInput:
    """The inputs as MLflow lists them: name, digest, source and how many."""
    task = record.task
    source = {"source": task.source, "config": task.config, "split": task.split}
    dataset = Dataset(
        name=task.dataset,
        digest=task.digest,
        source_type="hub" if task.split else "local",
        source=json.dumps(source),
        profile=json.dumps({"num_rows": task.samples, "distinct": task.distinct}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])
