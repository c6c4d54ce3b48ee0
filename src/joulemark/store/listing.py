"""What the tracking store holds of many runs, read at once: seconds for ten thousand, in little memory.

A database is queried for its tables' rows themselves, a few hundred runs at a time, without importing MLflow (four
seconds); a server, and a filter in MLflow's own syntax, go through MLflow's client, which is slower.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from joulemark.analysis.over_time import OVER_TIME
from joulemark.core import paths, tracking
from joulemark.core.errors import UserError
from joulemark.core.progress import counted
from joulemark.core.record import Record
from joulemark.core.record_json import from_text
from joulemark.data import request_table
from joulemark.store import older_names
from joulemark.store.completeness import complete
from joulemark.store.mlflow_internals import schema, tables

WHOLE_ID = 32  # characters of MLflow's id of a run


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as the store lists it, under today's names.

    Attributes:
        run_id, experiment_id, name, status: as MLflow states them
        began_ms: when it began, ms since the epoch; 0 where that is not known
        metrics: the last value of each, finite numbers only
        tags: those that are not MLflow's own
        params: those that were requested
        artifacts: the folder of its files, as a URI
        broken: the names of metrics whose value is not a finite number
    """

    run_id: str
    experiment_id: str
    name: str
    began_ms: int
    status: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    params: Mapping[str, str]
    artifacts: str = ""
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """Which runs are requested: every part that is given narrows them.

    Attributes:
        tasks: names of tasks
        ids: beginnings of run ids
        sweep_id: of one sweep
        filter: in MLflow's own syntax
        cell: processes of one cell, by the tag `compare.cell`
        card: measured on one card, by the tag `compare.card`
    """

    tasks: Sequence[str] = ()
    ids: Sequence[str] = ()
    sweep_id: str | None = None
    filter: str | None = None
    cell: str | None = None
    card: str | None = None

    def takes(self, run: StoredRun) -> bool:
        """Whether a run is among those requested."""
        return (
            (not self.tasks or run.tags.get("task") in self.tasks)
            and (not self.ids or any(run.run_id.startswith(prefix) for prefix in self.ids))
            and (self.sweep_id is None or run.tags.get("sweep_id") == self.sweep_id)
            and (self.cell is None or run.tags.get("compare.cell") == self.cell)
            and (self.card is None or run.tags.get("compare.card") == self.card)
        )


def measured(tags: Mapping[str, str]) -> bool:
    """Whether a run is a measurement: one of ours, or an external result that is of inferences alone."""
    return bool(tags.get("record.id")) or (tags.get("external") == "true" and tags.get("external.kind") != "row")


def runs(
    uri: str, choice: Choice, params: Iterable[str], say: Callable[[str], None] = lambda line: None
) -> Iterator[StoredRun]:
    """The chosen runs, newest first, with the metrics of the whole run, the tags that are ours, and the params named.

    Runs that are no inference (a sweep's own, other programs') are left out, and those that are being written.
    `say` gets a line now and then while many are read.

    Raises:
        UserError: the store cannot be read
    """
    wanted = older_names.param_names(params)
    slow = choice.filter or uri.startswith(("http", "databricks"))
    listed = _by_client(uri, choice, wanted, say) if slow else _by_tables(uri, choice, wanted, say)
    return (run for run in listed if measured(run.tags) and complete(run.status, run.tags) and choice.takes(run))


def _by_client(uri: str, choice: Choice, params: frozenset[str], say: Callable[[str], None]) -> Iterator[StoredRun]:
    from joulemark.store import reading

    seen: set[str] = set()  # two beginnings may be of one run
    pages = (page for search in _filters(choice) for page in reading.pages(uri, search))
    for page in counted(pages, "runs read", say, of=None, size=len):  # a server does not say how many there are
        for run in page:
            info, data = run.info, run.data
            if info.run_id in seen:
                continue
            seen.add(info.run_id)
            yield _stored(
                tables.Row(
                    info.run_id, str(info.experiment_id), str(info.run_name), int(info.start_time or 0),
                    str(info.status), str(info.artifact_uri),
                    [known for known in data.metrics.items() if not known[0].startswith(OVER_TIME)],
                    {key: value for key, value in data.tags.items() if not key.startswith(tables.OWN_TAGS)},
                    {key: value for key, value in data.params.items() if key in params},
                )
            )  # fmt: skip


def _by_tables(uri: str, choice: Choice, params: frozenset[str], say: Callable[[str], None]) -> Iterator[StoredRun]:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    path, shown = tracking.sqlite_path(uri), tracking.public(uri)
    if path is not None and not path.is_file():
        raise UserError(f"tracking_uri={shown} holds no runs yet; measure one: {paths.program('run')}")
    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            schema.check(connection, f"tracking_uri={shown}")
            count, rows = tables.rows(connection, params, choice.ids, _narrowing(choice))
            yield from map(_stored, counted(rows, "runs read", say, of=count))
    except SQLAlchemyError as error:
        reason = tracking.without_secrets(str(error).strip().splitlines()[0], uri)[:200]
        raise UserError(f"tracking_uri={shown} cannot be read: {reason}") from None
    finally:
        engine.dispose()


def record(uri: str, run: StoredRun) -> Record | None:
    """The record of one run; None where its file is not at its place in the store, or cannot be read as one."""
    parts = urlsplit(run.artifacts)
    if parts.scheme not in ("file", ""):
        from joulemark.store import reading

        return reading.record_of(uri, run.run_id)
    try:
        path = Path(unquote(parts.path)) / "record.json"
        return with_requests(from_text(path.read_text(encoding="utf-8")), path.parent)
    except (OSError, ValueError, UserError):
        return None


def with_requests(record: Record, *folders: Path) -> Record:
    """The record with the place of its requests' file, where one of the folders holds it."""
    files = [folder / request_table.NAME for folder in folders]
    return replace(record, requests_file=next((file for file in files if file.is_file()), None))


def _stored(row: tables.Row) -> StoredRun:
    """The run under today's names. MLflow keeps infinity as the largest float."""
    finite = {name: value for name, value in row.metrics if math.isfinite(value) and abs(value) < 1e300}
    broken = sorted(older_names.metric(name) for name, _ in row.metrics if name not in finite)
    return StoredRun(
        row.run_id, row.experiment_id, row.name, row.began_ms, row.status, older_names.metrics(finite),
        older_names.tags(row.tags), older_names.params(row.params), row.artifacts, tuple(broken),
    )  # fmt: skip


def _narrowing(choice: Choice) -> dict[str, Sequence[str]]:
    """The tags by which the database itself narrows the runs: any of these values."""
    tags = {"task": tuple(choice.tasks), "sweep_id": (choice.sweep_id,), "compare.cell": (choice.cell,)}
    tags["compare.card"] = (choice.card,)
    return {key: found for key, values in tags.items() if (found := [each for each in values if each is not None])}


def _filters(choice: Choice) -> Iterator[str]:
    """The filters in MLflow's syntax that narrow a server's runs: one for all whole ids, one for each beginning."""
    given = [choice.filter] if choice.filter else []
    for key, values in _narrowing(choice).items():
        quote = next((mark for mark in "'\"" if mark not in values[0]), None)
        if len(values) == 1 and quote is not None:  # its syntax has no `or`, and escapes no quote
            given.append(f"tags.`{key}` = {quote}{values[0]}{quote}")
    whole = [each for each in choice.ids if len(each) == WHOLE_ID and each.isalnum()]
    if whole:
        among = ", ".join(f"'{each}'" for each in whole)
        yield " and ".join([*given, f"attributes.run_id IN ({among})"])
    for prefix in [each for each in choice.ids if each not in whole] or ([] if whole else [""]):
        whose = [f"attributes.run_id LIKE '{prefix}%'"] if prefix.isalnum() else []
        yield " and ".join([*given, *whose])
