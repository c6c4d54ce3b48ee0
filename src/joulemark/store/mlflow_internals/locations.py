"""The columns of MLflow's sqlite database that hold absolute paths, in SQL; what to write is decided elsewhere."""

import sqlite3
from collections.abc import Iterator

COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def running(connection: sqlite3.Connection) -> list[str]:
    """The ids of the runs that are RUNNING and not deleted."""
    query = "SELECT run_uuid FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active'"
    return [run_id for (run_id,) in connection.execute(query)]


def experiments(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Name and location of every experiment."""
    yield from connection.execute("SELECT name, artifact_location FROM experiments")


def counts(connection: sqlite3.Connection, folder: str) -> dict[str, int]:
    """How many values of each column are the folder or lie below it."""
    return {f"{table}.{column}": _count(connection, table, column, folder) for table, column in COLUMNS}


def of_runs(connection: sqlite3.Connection, folder: str) -> list[str]:
    """Where the files of runs are, for those below the folder."""
    query = f"SELECT artifact_uri FROM runs WHERE {_below('artifact_uri')}"
    return [location for (location,) in connection.execute(query, _bounds(folder))]


def rewrite(connection: sqlite3.Connection, before: str, after: str) -> None:
    """Puts one folder in the place of another in every column, within the caller's transaction."""
    for table, column in COLUMNS:
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {_below(column)}",
            (after, len(before) + 1, *_bounds(before)),
        )


def _count(connection: sqlite3.Connection, table: str, column: str, folder: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE {_below(column)}"
    return int(connection.execute(query, _bounds(folder)).fetchone()[0])


def _below(column: str) -> str:
    """The condition that a value is a folder or lies below it; no LIKE, in which `_` and `%` are more than signs."""
    return f"({column} = ? OR substr({column}, 1, ?) = ?)"


def _bounds(folder: str) -> tuple[str, int, str]:
    """The values of that condition."""
    return folder, len(folder) + 1, f"{folder}/"
