"""A sqlite store whose folder moved: where it lay, what of it is out of date, and the rewriting in one transaction.

MLflow writes absolute paths into its database and has no command to change them. What is rewritten here are those
columns alone, and only below the old folder; a run's own params and record state what was, and stay.
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
from joulemark.core.paths import file_name
from joulemark.core.private_files import private_files
from joulemark.store.mlflow_internals import locations, schema

WAIT_S = 10.0  # for another process that writes
FILE = "file://"


@dataclass(frozen=True)
class Move:
    """A folder that lies elsewhere now.

    Attributes:
        old, new: the folder before and after
        changes: how many values of each column of the database change
        runs: how many runs have their paths changed
        arrived: how many of them have their files in the new folder
        left_behind: how many have them in the old folder only; the others have none
    """

    old: Path
    new: Path
    changes: dict[str, int]
    runs: int
    arrived: int
    left_behind: int

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
            connection.isolation_level = None  # transactions are begun and ended here, in SQL
            schema.check(connection, str(database), writes=True)
            yield connection
    except sqlite3.Error as error:
        raise UserError(f"{database} cannot be used ({type(error).__name__}: {error}); nothing was changed") from None


def plan(database: Path, old: Path | None = None, new: Path | None = None) -> Move | None:
    """What has to change, without changing it; None where every path is right already.

    The new folder is the database's own unless it is given; the old one is the folder that the experiments name.

    Raises:
        UserError: no database of a known MLflow, a run that is RUNNING, several old folders
    """
    with _opened(database, write=False) as connection:
        return _plan(connection, database, old, new)


def relocate(database: Path, old: Path | None = None, new: Path | None = None) -> tuple[Move | None, Path | None]:
    """Rewrites the paths in one transaction, after a copy of the database was made; what changed, and the copy.

    Raises:
        UserError: as `plan` and `check`; nothing was changed then
    """
    with _opened(database, write=True) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            move = _plan(connection, database, old, new)
            if move is None:
                return None, None
            check(move)
            with private_files():
                copy = _copied(database)
            for before, after in _forms(move.old, move.new):
                locations.rewrite(connection, before, after)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    return move, copy


def check(move: Move) -> None:
    """Refuses, with a UserError, a move after which files that can be read now could not be."""
    if move.left_behind:
        raise UserError(
            f"the files of {move.left_behind} of {move.runs} runs are in {move.old} and not in {move.new}; "
            f"copy them first: cp -rn {quote(str(move.old))}/. {quote(str(move.new))}/"
        )
    if move.runs and not move.arrived:
        raise UserError(f"no run has its files in {move.new}; type to=FOLDER, the one that holds artifacts/")


def _plan(connection: sqlite3.Connection, database: Path, old: Path | None, new: Path | None) -> Move | None:
    running = locations.running(connection)
    if running:
        raise UserError(
            f"run {running[0][:12]} is RUNNING; wait for its end, or delete it if nothing makes it any more: "
            f"mlflow runs delete --run-id {running[0]}"
        )
    target = (new or database.parent).absolute()
    source = old.absolute() if old else _detected(connection, target)
    if source is None or source == target:
        return None
    forms = [before for before, _ in _forms(source, target)]
    counts = [locations.counts(connection, before) for before in forms]
    changes = {column: sum(count[column] for count in counts) for column in counts[0]}
    if not any(changes.values()):
        return None
    before = [_path(location) for form in forms for location in locations.of_runs(connection, form)]
    after = [target / path.relative_to(source) for path in before]
    arrived = sum(path.is_dir() for path in after)
    left_behind = sum(was.is_dir() and not now.is_dir() for was, now in zip(before, after, strict=True))
    return Move(source, target, changes, len(before), arrived, left_behind)


def _detected(connection: sqlite3.Connection, target: Path) -> Path | None:
    """The folder below which the experiments' files were; None where that is the target, UserError where it is unsure.

    Joulemark keeps the files of an experiment in `artifacts/NAME` of a folder: what lies before that is the folder.
    """
    roots: dict[Path, str] = {}
    for name, location in locations.experiments(connection):
        if _is_file(location) and _path(location).parts[-2:] in (("artifacts", name), ("artifacts", file_name(name))):
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
