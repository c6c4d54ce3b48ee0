"""One record, wherever it is: a run of the store by its id, or a file."""

import json
from os import PathLike
from pathlib import Path

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.record_json import from_json
from joulemark.store import listing
from joulemark.store.listing import Choice


def load(run: str | PathLike[str], uri: str | None = None) -> tuple[str | None, Record]:
    """The run's id in the store and its record: by its id or the beginning of it, or from a record.json without an id.

    `uri` is a tracking store as an option names one; a database is read without importing MLflow.

    Raises:
        UserError: where there is no such run or file, several runs begin so, or the record is not where the store says
    """
    path = Path(run).expanduser()
    if path.is_file():
        return None, _of_file(path)
    if path.suffix == ".json" or path.parent != Path("."):
        raise UserError(f"{run} is not a file; type a record.json, or the beginning of a run's id")
    return of_store(tracking.resolve(uri), str(run))


def of_store(uri: str, prefix: str) -> tuple[str, Record]:
    """The id and record of the one run of a store whose id begins so; UserError as in `load`."""
    listed = listing.runs(uri, Choice(ids=(prefix,)), ())
    runs = [run for run in listed if run.tags.get("record.id")]  # results of others have no record
    if not runs:
        raise UserError(f"run {prefix} is not in the store {tracking.public(uri)}; type the beginning of a run's id")
    if len(runs) > 1:
        some = ", ".join(run.run_id[:12] for run in runs[:3])
        raise UserError(f"run {prefix} may be {len(runs)} runs ({some}, …); type more of its id")
    record = listing.record(uri, runs[0])
    if record is None:
        raise UserError(f"run {prefix} has no readable record.json; if the store's folder moved: {program('relocate')}")
    return runs[0].run_id, record


def _of_file(path: Path) -> Record:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return from_json(values.get("record", values))  # one that was set aside has its params beside it
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{path} cannot be read as a record: {error}") from None
