"""A sqlite store whose folder moved: where it lay, what of it is out of date, and the rewriting in one transaction.

MLflow writes absolute paths into its database and has no command to change them. What is rewritten here are those
columns alone, and only below the old folder; a run's own params and record say what was, and stay.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from urllib.parse import unquote, urlsplit

from joulemark.core.errors import UserError

# Of MLflow 3.17: the revision that its database states. Another one may keep its paths elsewhere
KNOWN = ("dc11669786a5",)

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)

WAIT_S = 10.0  # for another process that writes
FILE = "file://"


@dataclass(frozen=True)
class Move:
    """A folder that lies elsewhere now: how many values of each column change, and where the files of its runs are.

    `found` of the `runs` whose paths change have their files in the new folder, `left` only in the old one; the others
    have none.
    """

    old: Path
    new: Path
    changes: dict[str, int]
    runs: int
    found: int
    left: int

    @property
    def values(self) -> int:
        """How many values change in all."""
        return sum(self.changes.values())


@contextmanager
def _opened(database: Path, write: bool) -> Iterator[sqlite3.Connection]:
    """The database of a known MLflow, with nobody else writing; UserError in one line for anything else."""
    if not database.is_file():
        raise UserError(f"there is no database {database}; type tracking_uri=sqlite:///PATH/mlflow.db")
    mode = "rw" if write else "ro"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode={mode}", uri=True, timeout=WAIT_S)) as connection:
            connection.isolation_level = None  # transactions are begun and ended here, in words
            _check(connection, database)
            yield connection
    except sqlite3.Error as error:
        raise UserError(f"{database} cannot be used ({type(error).__name__}: {error}); nothing was changed") from None


def _check(connection: sqlite3.Connection, database: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" not in tables:
        raise UserError(f"{database} is no database of MLflow; nothing was changed")
    versions = [version for (version,) in connection.execute("SELECT version_num FROM alembic_version")]
    if len(versions) != 1 or versions[0] not in KNOWN:
        raise UserError(
            f"{database} has the schema {', '.join(versions) or 'of no version'}, known is {', '.join(KNOWN)} (MLflow "
            "3.17); bring it there with: mlflow db upgrade, or update Joulemark"
        )


def found(database: Path, old: Path | None = None, new: Path | None = None) -> Move | None:
    """What has to change, without changing it; None where every path is right already.

    The new folder is the database's own unless it is given; the old one is where the experiments say that theirs was.
    """
    with _opened(database, write=False) as connection:
        return _found(connection, database, old, new)


def relocate(database: Path, old: Path | None = None, new: Path | None = None) -> tuple[Move | None, Path | None]:
    """Rewrites the paths in one transaction, after a copy of the database was made; what changed, and the copy."""
    with _opened(database, write=True) as connection:
        connection.execute("BEGIN IMMEDIATE")  # from here on nobody else writes, until the end
        try:
            move = _found(connection, database, old, new)
            if move is None:
                return None, None
            check(move)
            copy = _copied(database)
            for before, after in _forms(move.old, move.new):
                for table, column in COLUMNS:
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {_below(column)}",
                        (after, len(before) + 1, *_bounds(before)),
                    )
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return move, copy


def check(move: Move) -> None:
    """Refuses a move after which files that can be read now could not be."""
    if move.left:
        raise UserError(
            f"the files of {move.left} of {move.runs} runs are in {move.old} and not in {move.new}; "
            f"copy them first: cp -rn {quote(str(move.old))}/. {quote(str(move.new))}/"
        )
    if move.runs and not move.found:
        raise UserError(f"no run has its files in {move.new}; type to=FOLDER, the one that holds artifacts/")


def _found(connection: sqlite3.Connection, database: Path, old: Path | None, new: Path | None) -> Move | None:
    running = [run_id for (run_id,) in connection.execute(
        "SELECT run_uuid FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active'")]  # fmt: skip
    if running:
        raise UserError(
            f"run {running[0][:12]} is RUNNING; wait for its end, or delete it if nothing makes it any more: "
            f"mlflow runs delete --run-id {running[0]}"
        )
    target = (new or database.parent).absolute()
    source = old.absolute() if old else _detected(connection, target)
    if source is None or source == target:
        return None
    forms = list(_forms(source, target))
    changes = {
        f"{table}.{column}": sum(_count(connection, table, column, before) for before, _ in forms)
        for table, column in COLUMNS
    }
    if not any(changes.values()):
        return None
    query = f"SELECT artifact_uri FROM runs WHERE {_below('artifact_uri')}"
    uris = [uri for form in forms for (uri,) in connection.execute(query, _bounds(form[0]))]
    now = [_path(uri) for uri in uris]
    then = [target / path.relative_to(source) for path in now]
    there = sum(path.is_dir() for path in then)
    left = sum(was.is_dir() and not is_.is_dir() for was, is_ in zip(now, then, strict=True))
    return Move(source, target, changes, len(uris), there, left)


def _detected(connection: sqlite3.Connection, target: Path) -> Path | None:
    """The folder below which the experiments' files were; None where that is the target, UserError where it is unsure.

    Joulemark keeps the files of an experiment in `artifacts/NAME` of a folder: what lies before that is the folder.
    """
    roots: dict[Path, str] = {}
    for name, location in connection.execute("SELECT name, artifact_location FROM experiments"):
        if _is_file(location) and _path(location).parts[-2:] == ("artifacts", name):
            roots.setdefault(_path(location).parents[1], name)
    roots.pop(target, None)
    if len(roots) > 1:
        places = ", ".join(f"{root} ({name})" for root, name in roots.items())
        raise UserError(f"the experiments were in several folders: {places}; type from=FOLDER, one of them at a time")
    return next(iter(roots), None)


def _forms(old: Path, new: Path) -> Iterator[tuple[str, str]]:
    """Both ways in which MLflow writes a folder, before and after: as a URI, and as a path."""
    yield old.as_uri(), new.as_uri()
    yield str(old), str(new)


def _below(column: str) -> str:
    """The condition that a value is a folder or lies below it; no LIKE, in which `_` and `%` are more than signs."""
    return f"({column} = ? OR substr({column}, 1, ?) = ?)"


def _bounds(folder: str) -> tuple[str, int, str]:
    """The values of that condition."""
    return folder, len(folder) + 1, f"{folder}/"


def _count(connection: sqlite3.Connection, table: str, column: str, before: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE {_below(column)}"
    return int(connection.execute(query, _bounds(before)).fetchone()[0])


def _is_file(location: str) -> bool:
    return location.startswith((FILE, "/"))


def _path(location: str) -> Path:
    return Path(unquote(urlsplit(location).path)) if location.startswith(FILE) else Path(location)


def _copied(database: Path) -> Path:
    """A copy of the database as it is now, beside it; never over another one."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    copy = database.with_name(f"{database.name}.before-move-{stamp}")
    with (
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as to,
    ):
        source.backup(to)
    return copy
