"""One record, wherever it is: a run of the store by its id, or a file."""

from dataclasses import replace
from os import PathLike
from pathlib import Path

from joulemark.analysis import comparability
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.record_json import from_json, from_text
from joulemark.store import listing, waiting
from joulemark.store.listing import Choice
from joulemark.store.spool import DRAFT


def load(run: str | PathLike[str], uri: str | None = None) -> tuple[str | None, Record]:
    """The run's id in the store and its record: by its id or the beginning of it, or without an id from a file.

    A file is a record.json, or the folder in which a record waits for its store.

    `uri` is a tracking store as an option names one; a database is read without importing MLflow.

    Raises:
        UserError: where there is no such run or file, several runs begin so, or the record is missing in the store
    """
    path = Path(run).expanduser()
    if path.is_file():
        return None, _of_file(path)
    if (path / DRAFT).is_file():
        return None, listing.with_requests(from_json(waiting.read(path)["record"]), path / "files")
    if path.suffix == ".json" or path.parent != Path("."):
        raise UserError(f"{run} is not a file; type a record.json, or the beginning of a run's id")
    return of_store(tracking.resolve(uri), str(run))


def cell(runs: str, uri: str | None = None, alone: bool = False) -> list[Record]:
    """The records that one side of a comparison stands for, the first the one that was asked for.

    `runs` are ids or files as `load` takes them, with commas between several. A single run of the store brings the
    other finished processes of its cell along, unless `alone`.

    Raises:
        UserError: as in `load`
    """
    loaded = [load(run, uri) for run in _named(runs)]
    if not loaded:
        raise UserError("no run is named; type the beginning of its id, or a record.json")
    run_id, record = loaded[0]
    if run_id is None or alone or len(loaded) > 1:
        return [each for _, each in loaded]
    return [record, *_further(tracking.resolve(uri), run_id, record)]


def sides(a: str, b: str, uri: str | None = None, alone: bool = False) -> tuple[list[Record], list[Record]]:
    """The records of both sides of a comparison, each as `cell` finds it; two runs of one cell stand for themselves.

    Raises:
        UserError: as in `load`
    """
    first, second = (cell(runs, uri, alone) for runs in (a, b))
    if {record.id for record in first} & {record.id for record in second}:
        return first[: len(_named(a))], second[: len(_named(b))]
    return first, second


def _named(runs: str) -> list[str]:
    return [run.strip() for run in runs.split(",") if run.strip()]


def _further(uri: str, run_id: str, record: Record) -> list[Record]:
    """The other finished runs of a record's cell that compare with it, newest first."""
    own = comparability.tags(record)
    listed = listing.runs(uri, Choice(cell=own["compare.cell"]), ())
    same = [run for run in listed if run.run_id != run_id and run.tags.get("compare.key") == own["compare.key"]]
    finished = [run for run in same if run.tags.get("status") == "finished"]
    return [each for run in finished if (each := listing.record(uri, run)) is not None]


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
    if record.request_summary is not None and record.requests_file is None:  # files of a server
        from joulemark.store import reading

        record = replace(record, requests_file=reading.requests_of(uri, runs[0].run_id))
    return runs[0].run_id, record


def _of_file(path: Path) -> Record:
    try:
        record = from_text(path.read_text(encoding="utf-8"))
        return listing.with_requests(record, path.parent, path.parent / "files")
    except (OSError, ValueError, UserError) as error:
        raise UserError(f"{path} cannot be read as a record: {error}") from None
