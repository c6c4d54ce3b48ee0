"""What goes into a run of MLflow's: metrics, params and tags, files, and how it ended."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from joulemark.analysis.over_time import Point
from joulemark.store.completeness import INCOMPLETE

PARAMS_AT_ONCE = 100  # the tracking API's limit for one log_batch
METRICS_AT_ONCE = 1000  # the same
MLFLOW_STATUS = {"finished": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


def now_ms() -> int:
    """The time as MLflow counts it, in ms since the epoch."""
    return int(datetime.now().timestamp() * 1000)


@contextmanager
def ending(client: MlflowClient, run_id: str, status: str, ended_ms: int | None = None) -> Iterator[None]:
    """Ends the run with our status after it was written; as failed and incomplete if that breaks, not left running."""
    try:
        yield
    except BaseException as error:
        with suppress(Exception):  # a store that went away: what broke the writing is the reason
            client.set_tag(run_id, INCOMPLETE, f"{type(error).__name__}: {error}"[:500])
            client.set_terminated(run_id, "FAILED", ended_ms)
        raise
    client.set_terminated(run_id, MLFLOW_STATUS[status], ended_ms)


def write(
    client: MlflowClient,
    run_id: str,
    metrics: Mapping[str, float | None],
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    at_ms: int | None = None,
) -> None:
    """Writes the metrics that were read, params and tags, in as few calls as there can be.

    `at_ms` is the metrics' time: with the same one a second writing changes nothing.
    """
    at_ms = now_ms() if at_ms is None else at_ms
    read = [Metric(name, value, at_ms, 0) for name, value in metrics.items() if value is not None]
    values = [Param(key, str(value)) for key, value in (params or {}).items()]
    labels = [RunTag(key, str(value)) for key, value in (tags or {}).items()]
    client.log_batch(run_id, read, values[:PARAMS_AT_ONCE], labels)
    for start in range(PARAMS_AT_ONCE, len(values), PARAMS_AT_ONCE):
        client.log_batch(run_id, params=values[start : start + PARAMS_AT_ONCE])


def write_series(client: MlflowClient, run_id: str, points: Sequence[Point]) -> None:
    """Writes points at their own times and steps: a second writing changes nothing."""
    values = [Metric(point.name, point.value, point.at_ms, point.step) for point in points]
    for start in range(0, len(values), METRICS_AT_ONCE):
        client.log_batch(run_id, values[start : start + METRICS_AT_ONCE])


def attach(client: MlflowClient, run_id: str, files: Mapping[str, str]) -> None:
    """Writes texts as the run's files, by name."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)
