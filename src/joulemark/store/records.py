"""A record as one flat run."""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.exceptions import MlflowException

from joulemark.analysis import named_metrics
from joulemark.core.record import Record
from joulemark.store import run_page
from joulemark.store.opening import Store, address, alone
from joulemark.store.writing import attach, ending, write


def save(opened: Store, record: Record, params: Mapping[str, str]) -> dict[str, Any]:
    """Writes the record as one run and returns where it is: `run_id`, `url` (a server's) and `ui_path`.

    With MLFLOW_RUN_ID in the environment the record goes into that run, where it is open. Raises what MLflow raises;
    the run is then closed as failed, never left running.
    """
    metrics = named_metrics.metrics(record)
    with alone(opened.uri):
        run = _begin(opened, record)
        run_id = run.info.run_id
        with ending(opened.client, run_id, record.status):
            write(opened.client, run_id, metrics, params, run_page.tags(record, metrics))
            _log_inputs(opened, run_id, record)
            attach(opened.client, run_id, run_page.files(record, metrics))
    path = f"#/experiments/{run.info.experiment_id}/runs/{run_id}?workflowType=machine_learning"
    return {"run_id": run_id, "url": address(opened.uri, path), "ui_path": path}


def _begin(opened: Store, record: Record) -> Any:
    given = _given(opened)
    if given is not None:
        return given
    began = int(datetime.fromisoformat(record.started_at).timestamp() * 1000)
    return opened.client.create_run(opened.experiment_id, start_time=began, run_name=run_page.run_name(record))


def _given(opened: Store) -> Any | None:
    """The run that MLFLOW_RUN_ID names where it is open; a stale name, of a run that is gone or over, is nobody's."""
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if not run_id:
        return None
    try:
        run = opened.client.get_run(run_id)
    except MlflowException:
        return None
    return run if run.info.status in ("RUNNING", "SCHEDULED") else None


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
