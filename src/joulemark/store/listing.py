"""What the tracking store holds of many runs, read at once: seconds for ten thousand, in little memory.

A database is asked for its tables' rows themselves, a few hundred runs at a time, without importing MLflow (four
seconds); a server, and a filter in MLflow's own words, go through MLflow's client, which is slower.
"""

import importlib.util
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.record_json import from_json

AT_ONCE = 500  # runs of one query: below every database's limit of bound values

# Tags of MLflow's own, of which the description alone is half of what a database holds
SILENT = "mlflow."

RUN = ("run_uuid", "experiment_id", "name", "start_time", "status", "artifact_uri")


@dataclass(frozen=True, slots=True)
class Held:
    """One run as the store lists it. A metric that is no finite number is in `broken`, not in `metrics`."""

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
    """Which runs are asked for: every part that is given narrows them. `ids` are beginnings of run ids."""

    tasks: Sequence[str] = ()
    ids: Sequence[str] = ()
    sweep_id: str | None = None
    filter: str | None = None

    def takes(self, run: Held) -> bool:
        """Whether a run is among those asked for."""
        return (
            (not self.tasks or run.tags.get("task") in self.tasks)
            and (not self.ids or any(run.run_id.startswith(word) for word in self.ids))
            and (self.sweep_id is None or run.tags.get("sweep_id") == self.sweep_id)
        )


def measured(tags: Mapping[str, str]) -> bool:
    """Whether a run is a measurement: one of ours, or another's result that is of inferences alone (src/foreign)."""
    return bool(tags.get("record.id")) or (tags.get("foreign") == "true" and tags.get("foreign.kind") != "row")


def held(uri: str, choice: Choice, params: Iterable[str]) -> Iterator[Held]:
    """The chosen runs, newest first, each with all its metrics, the tags that are ours, and the params named.

    Runs that are no inference (a sweep's own, other programs') are left out. UserError where the store cannot be read.
    """
    wanted = frozenset(params)
    slow = choice.filter or uri.startswith(("http", "databricks"))
    found = _by_client(uri, choice.filter or "", wanted) if slow else _by_tables(uri, choice, wanted)
    return (run for run in found if measured(run.tags) and choice.takes(run))


def _by_client(uri: str, words: str, params: frozenset[str]) -> Iterator[Held]:
    from joulemark.store import reading

    for page in reading.pages(uri, words):
        for run in page:
            metrics, broken = _finite(run.data.metrics.items())
            yield Held(
                run.info.run_id,
                str(run.info.experiment_id),
                str(run.info.run_name),
                int(run.info.start_time or 0),
                str(run.info.status),
                metrics,
                {key: value for key, value in run.data.tags.items() if not key.startswith(SILENT)},
                {key: value for key, value in run.data.params.items() if key in params},
                str(run.info.artifact_uri),
                broken,
            )


def _by_tables(uri: str, choice: Choice, params: frozenset[str]) -> Iterator[Held]:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    path = tracking.sqlite_path(uri)
    if path is not None and not path.is_file():
        raise UserError(f"tracking_uri={tracking.public(uri)} holds no runs yet; measure one: {program('run')}")
    engine = sqlalchemy.create_engine(uri)
    try:
        with engine.connect() as connection:
            _same_version(connection, uri)
            runs = _listed(connection, choice)
            for start in range(0, len(runs), AT_ONCE):
                yield from _filled(connection, runs[start : start + AT_ONCE], params)
    except SQLAlchemyError as error:
        first = str(error).strip().splitlines()[0][:200]
        raise UserError(f"tracking_uri={tracking.public(uri)} cannot be read: {first}") from None
    finally:
        engine.dispose()


def _same_version(connection: Any, uri: str) -> None:
    """Refuses a database whose tables are not those of the MLflow that is installed."""
    from sqlalchemy import inspect, text

    shown = tracking.public(uri)
    if not inspect(connection).has_table("alembic_version"):
        raise UserError(f"tracking_uri={shown} is no database of MLflow's; type tracking_uri=… of one that is")
    theirs, ours = connection.execute(text("select version_num from alembic_version")).scalar(), _newest_version()
    if theirs != ours:
        raise UserError(
            f"tracking_uri={shown} was written by another version of MLflow (schema {theirs}, this one reads {ours}); "
            f"copy the database, then type: mlflow db upgrade {shown}"
        )


def _newest_version() -> str | None:
    """The schema that the installed MLflow writes: of its migrations the one that no other comes after."""
    found = importlib.util.find_spec("mlflow")
    folders = found.submodule_search_locations if found and found.submodule_search_locations else []
    texts = [
        file.read_text(encoding="utf-8")
        for folder in folders
        for file in sorted(Path(folder, "store", "db_migrations", "versions").glob("*.py"))
    ]
    own = {word for text in texts for word in re.findall(r"^revision(?:\s*:.*?)?\s*=\s*[\"'](\w+)", text, re.M)}
    before = {word for text in texts for word in re.findall(r"^down_revision(?:\s*:.*?)?\s*=\s*[\"'](\w+)", text, re.M)}
    last = own - before
    return last.pop() if len(last) == 1 else None


def record(uri: str, run: Held) -> Record | None:
    """The record of one run; None where its file is not where the store says, or cannot be read as one."""
    parts = urlsplit(run.artifacts)
    if parts.scheme not in ("file", ""):
        from joulemark.store import reading

        return reading.record_of(uri, run.run_id)
    try:
        path = Path(unquote(parts.path)) / "record.json"
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, UserError):
        return None


def _listed(connection: Any, choice: Choice) -> list[Any]:
    """The id and facts of every run that is not deleted, newest first; of a sweep's alone where one is asked for."""
    from sqlalchemy import column, select, table

    runs = table("runs", *map(column, (*RUN, "lifecycle_stage")))
    asked = select(*(runs.c[name] for name in RUN))
    asked = asked.where(runs.c.lifecycle_stage == "active").order_by(runs.c.start_time.desc(), runs.c.run_uuid)
    if choice.sweep_id is not None:
        tags = table("tags", *map(column, ("run_uuid", "key", "value")))
        same = select(tags.c.run_uuid).where(tags.c.key == "sweep_id", tags.c.value == choice.sweep_id)
        asked = asked.where(runs.c.run_uuid.in_(same))
    rows = connection.execute(asked).all()
    return [row for row in rows if not choice.ids or row.run_uuid.startswith(tuple(choice.ids))]


def _filled(connection: Any, runs: Sequence[Any], params: frozenset[str]) -> Iterator[Held]:
    from sqlalchemy import column, select, table

    ids = [row.run_uuid for row in runs]
    own: dict[str, tuple[list[tuple[str, float]], dict[str, str], dict[str, str]]] = {
        run_id: ([], {}, {}) for run_id in ids
    }
    metrics = table("latest_metrics", *map(column, ("run_uuid", "key", "value", "is_nan")))
    tags = table("tags", *map(column, ("run_uuid", "key", "value")))
    words = table("params", *map(column, ("run_uuid", "key", "value")))
    for run_id, key, value, is_nan in connection.execute(select(metrics).where(metrics.c.run_uuid.in_(ids))):
        own[run_id][0].append((key, math.nan if is_nan else value))
    of_tags = select(tags).where(tags.c.run_uuid.in_(ids), tags.c.key.not_like(f"{SILENT}%"))
    for run_id, key, value in connection.execute(of_tags):
        own[run_id][1][key] = value
    of_words = select(words).where(words.c.run_uuid.in_(ids), words.c.key.in_(sorted(params)))
    for run_id, key, value in connection.execute(of_words):
        own[run_id][2][key] = value
    for row in runs:
        values, labels, chosen = own[row.run_uuid]
        read, broken = _finite(values)
        yield Held(
            row.run_uuid, str(row.experiment_id), row.name or "", int(row.start_time or 0), row.status or "",
            read, labels, chosen, row.artifact_uri or "", broken,
        )  # fmt: skip


def _finite(values: Iterable[tuple[str, float]]) -> tuple[dict[str, float], tuple[str, ...]]:
    """The finite numbers, and the names of the others. MLflow keeps infinity as the largest float."""
    read: dict[str, float] = {}
    broken = []
    for name, value in values:
        if math.isfinite(value) and abs(value) < 1e300:
            read[name] = value
        else:
            broken.append(name)
    return read, tuple(sorted(broken))
