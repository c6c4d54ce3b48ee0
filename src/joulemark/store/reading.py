"""What a store holds: runs, their records, figures and tags."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from joulemark.analysis import flags
from joulemark.core import paths, tracking
from joulemark.core.errors import UserError
from joulemark.core.record import Record
from joulemark.core.record_json import from_text
from joulemark.data import request_table
from joulemark.store import older_names
from joulemark.store.completeness import complete
from joulemark.store.opening import open_store, paged, reader


@dataclass(frozen=True)
class Kept:
    """What the store holds of one run: the metrics that were read, and its tags."""

    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def kept(uri: str, run_id: str) -> Kept:
    """One run of the store."""
    data = MlflowClient(tracking_uri=uri, registry_uri=uri).get_run(run_id).data
    return _kept(data)


def _kept(data: Any) -> Kept:
    return Kept(older_names.metrics(data.metrics), older_names.tags(data.tags))


def finished(uri: str, device: str) -> dict[str, list[Kept]]:
    """Every finished run on this device by the options of the command that began it, the newest first.

    One that a sweep ended early, or measured in a process with others, is not what its command requests.
    """
    client = open_store(uri, "text_classification").client
    runs: dict[str, list[Kept]] = {}
    for page in paged(client, "tags.status = 'finished'"):
        for run in page:
            kept = _kept(run.data)
            whole = complete(run.info.status, run.data.tags)
            raised = set(flags.of_text(kept.tags.get("flags")))
            whole = whole and not raised & {flags.EARLY_STOPPED, flags.SHARED_PROCESS}
            if whole and kept.tags.get("device") == device and kept.tags.get("command"):
                runs.setdefault(paths.options_of(kept.tags["command"]), []).append(kept)
    return runs


def tasks(uri: str) -> list[str]:
    """The experiments of the store that hold a run of Joulemark's."""
    client = reader(uri)
    return sorted(
        experiment.name
        for experiment in client.search_experiments()
        if client.search_runs([experiment.experiment_id], "tags.`record.schema` != ''", max_results=1)
    )


def note(uri: str, run_id: str) -> str:
    """The description of a run, in Markdown; empty where it has none."""
    return str(reader(uri).get_run(run_id).data.tags.get("mlflow.note.content", ""))


def tag(uri: str, run_id: str, name: str) -> str | None:
    """One tag of a run; None where the run has none of that name."""
    value: str | None = reader(uri).get_run(run_id).data.tags.get(name)
    return value


def recorded(uri: str, ids: Sequence[str] = (), tasks: Sequence[str] = ()) -> Iterator[tuple[str, Record]]:
    """The id and record of chosen runs: those whose ids begin so, and every finished run where none is named.

    `tasks` takes of these only what did one of them. UserError where a beginning fits no run, or several; and where no
    run is chosen at all.
    """
    client = reader(uri)
    named = [_matching(client, prefix) for prefix in ids]
    finished = (run for page in paged(client, "tags.status = 'finished'") for run in page)
    runs = named if ids else (run for run in finished if _recorded(run))
    chosen = [run.info for run in runs if not tasks or run.data.tags["task"] in tasks]
    if not chosen:
        raise UserError(f"no such run{' of ' + ', '.join(tasks) if tasks else ''} in {tracking.public(uri)}")
    for run in chosen:
        try:
            text = _record_json(client, run.run_id)
        except (MlflowException, OSError):
            raise UserError(
                f"run {run.run_id[:12]} has no record.json in {tracking.public(run.artifact_uri)}; if "
                f"the folder of a sqlite store moved: {paths.program('relocate')}"
            ) from None
        yield run.run_id, from_text(text)


def record_of(uri: str, run_id: str) -> Record | None:
    """The record of one run; None where its file is not at its place in the store, or cannot be read as one."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        return from_text(_record_json(client, run_id))
    except (MlflowException, OSError, ValueError, UserError):
        return None


def requests_of(uri: str, run_id: str) -> Path | None:
    """The file of a run's requests, brought from a server for as long as this process lives; None where it has none."""
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    folder = tempfile.mkdtemp(prefix="joulemark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        return Path(client.download_artifacts(run_id, request_table.NAME, folder))
    except (MlflowException, OSError):
        return None


def pages(uri: str, filter_string: str = "") -> Iterator[Sequence[Any]]:
    """MLflow's runs, a thousand at a time, newest first; UserError for a filter that MLflow does not take."""
    client = reader(uri)
    try:
        yield from paged(client, filter_string)
    except MlflowException as error:
        if not filter_string:
            raise
        raise UserError(f"filter={filter_string}: {str(error).strip().splitlines()[0][:200]}") from None


def _record_json(client: MlflowClient, run_id: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return Path(client.download_artifacts(run_id, "record.json", folder)).read_text(encoding="utf-8")


def _recorded(run: Any) -> bool:
    """Whether a run holds a record, whole."""
    return bool(run.data.tags.get("record.id")) and complete(run.info.status, run.data.tags)


def _matching(client: MlflowClient, prefix: str) -> Any:
    search = f"attributes.run_id LIKE '{prefix}%'" if prefix.isalnum() else ""
    runs = (run for page in paged(client, search) for run in page)
    fitting = [run for run in runs if run.info.run_id.startswith(prefix) and _recorded(run)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UserError(f"run {prefix} is not in the store; type the beginning of a run's id, as its page shows it")
    some = ", ".join(run.info.run_id[:12] for run in fitting[:3])
    raise UserError(f"run {prefix} may be {len(fitting)} runs ({some}, …); type more of its id")
