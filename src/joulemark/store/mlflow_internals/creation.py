"""A new database of MLflow's is whole or not there: a kill or a full disk in the middle would leave an older schema."""

import gc
import os
from contextlib import suppress
from pathlib import Path


def make_sqlite(path: Path) -> None:
    """Makes MLflow's tables in a file beside it, which then takes its place; OSError or a database's error: no file.

    The caller sees to it that one process at a time does so.
    """
    import sqlalchemy
    from mlflow.store.db import utils

    fresh = path.with_name(f".{path.name}.new")
    _remove(fresh)  # of a process that was killed
    engine = sqlalchemy.create_engine(sqlalchemy.URL.create("sqlite", database=str(fresh)))
    try:
        utils._safe_initialize_tables(engine)
        engine.dispose()
        os.replace(fresh, path)
        gc.collect()  # migrations leave some megabytes of cycles, and the recorder collects nothing while it imports
    finally:
        engine.dispose()
        _remove(fresh)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-journal", f"{path.name}-wal", f"{path.name}-shm"):
        with suppress(FileNotFoundError):
            path.with_name(name).unlink()
