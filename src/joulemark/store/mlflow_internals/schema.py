"""Which schemas of MLflow's database are accepted: the installed MLflow's for reading, checked ones for writing."""

import ast
import importlib.util
import re
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError

# Schemas whose tables were checked: only there are tables written to. A new one: look where that MLflow keeps what
# RELIED_UPON lists, above all its paths, then add it
CHECKED = ("dc11669786a5",)  # MLflow 3.17
OPTUNAS = re.compile(r"v\d+\.\d+")  # how Optuna numbers its own, in a table of the same name


def check(connection: Any, shown: str, writes: bool = False) -> None:
    """Refuses a database that is not MLflow's, or of another schema; `shown` names it for the user.

    Attributes:
        connection: SQLAlchemy's, or sqlite3's
        writes: whether MLflow's tables are written to, which needs a schema that was checked

    Raises:
        UserError: one line that says how to bring the database to the schema
    """
    schemas = stated(connection)
    if schemas is None:
        raise UserError(f"{shown} is no database of MLflow; type tracking_uri=… of one that is; nothing was changed")
    if any(map(OPTUNAS.match, schemas)):
        raise UserError(
            f"{shown} holds a sweep's study (storage=…): study and runs need a database each, since both keep the "
            "version of their tables in one of the same name; nothing was changed"
        )
    accepted = CHECKED if writes else (installed(),)
    if len(schemas) != 1 or schemas[0] not in accepted:
        raise UserError(
            f"{shown} has the schema {', '.join(schemas) or 'of no version'} of another version of MLflow, "
            f"{', '.join(map(str, accepted))} is {'known' if writes else 'installed'}; copy the database, then type: "
            "mlflow db upgrade URI, or update Joulemark"
        )


def stated(connection: Any) -> list[str] | None:
    """The schemas that a database states; None for a database that states none, such as one without tables."""
    statement = "SELECT version_num FROM alembic_version"
    if isinstance(connection, sqlite3.Connection):
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        there = "alembic_version" in tables
        return [schema for (schema,) in connection.execute(statement)] if there else None
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    return [schema for (schema,) in connection.exec_driver_sql(statement)]


@cache
def installed() -> str | None:
    """The schema that the installed MLflow writes; None where its migrations do not lead to one.

    What alembic's ScriptDirectory returns, read from the same files without importing them, alembic or MLflow (a tenth
    of a second where those take three).
    """
    spec = importlib.util.find_spec("mlflow")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    return head(
        [file for folder in folders for file in Path(folder, "store", "db_migrations", "versions").glob("*.py")]
    )


def head(migrations: Sequence[Path]) -> str | None:
    """The one migration that no other follows; None where there are several, or none."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in migrations:
        for name, value in _assignments(file):
            if name == "revision" and isinstance(value, str):
                revisions.add(value)
            elif name == "down_revision":
                followed.update([value] if isinstance(value, str) else value or ())
    last = revisions - followed
    return last.pop() if len(last) == 1 else None


def _assignments(file: Path) -> Iterator[tuple[str, Any]]:
    """The names that a migration states of itself at its top, with their values."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and target.id in ("revision", "down_revision") and node.value is not None:  # type: ignore[attr-defined]
                yield target.id, ast.literal_eval(node.value)  # type: ignore[attr-defined]
