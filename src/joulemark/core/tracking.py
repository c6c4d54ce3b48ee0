"""Which tracking store a run goes to: the word, else the environment, else a sqlite file beside the program."""

import os
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from joulemark.core import extras, paths
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


def default() -> str:
    """The sqlite file in the folder of records."""
    return f"sqlite:///{paths.home() / 'mlflow.db'}"


def resolve(word: str | None) -> str:
    """The store's URI, a relative sqlite path made absolute; UserError for what cannot hold runs.

    Folders are refused: MLflow 3 has retired its file store, and parallel runs lose each other's files in one.
    """
    uri = word or os.environ.get("MLFLOW_TRACKING_URI") or default()
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme == "file" or ("://" not in uri and scheme != "databricks"):
        folder = Path(uri.removeprefix("file://"))
        raise UserError(
            f"tracking_uri={uri} is a folder, which holds no runs; type tracking_uri=sqlite:///{folder}/mlflow.db"
        )
    if scheme not in SCHEMES:
        raise UserError(choose("tracking_uri", f"{scheme}://…", [f"{known}://…" for known in SCHEMES]))
    extras.require_driver("tracking_uri", uri)
    if scheme == "sqlite":
        path = sqlite_path(uri)
        if path is None:
            raise UserError(f"tracking_uri={uri} names no file; type tracking_uri=sqlite:///PATH/mlflow.db")
        return f"sqlite:///{path}"
    return uri


def sqlite_path(uri: str) -> Path | None:
    """The absolute path of a sqlite store's file; None for any other store, and for a database in memory."""
    if not uri.startswith("sqlite"):
        return None
    path = uri.partition(":///")[2].partition("?")[0]
    return Path(path).absolute() if path and path != ":memory:" else None


def ui_command(uri: str) -> str:
    """What a person types, here, to open a store without a server in the browser."""
    if uri == default():
        return "make ui" if paths.in_checkout() else paths.program("ui")
    return f"{paths.program('ui')} tracking_uri={public(uri)}"


def public(uri: str) -> str:
    """The URI as it may be shown and recorded: without user and password."""
    if "@" not in uri:
        return uri
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
