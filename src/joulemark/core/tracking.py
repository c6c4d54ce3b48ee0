"""Which tracking store a run goes to: the option, else the environment, else a sqlite file beside the program."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

from joulemark.core import extras, paths
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")

# Options whose value is an address, which may hold a password
ADDRESSES = ("tracking_uri", "storage", "sweep.storage", "hydra.sweeper.storage")

SECRET = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)  # in the name of a part of a URI's query
SERVER = re.compile(r"[\w.-]+:\d+(/.*)?")  # an address whose http:// was left out
NEXT_ADDRESS = re.compile(r",(?=[a-z][a-z0-9+.-]*://)")  # between the addresses that a sweep varies
SHORTEST = 3  # characters of a password that is looked for in a message: a shorter one would be found in any


def default() -> str:
    """The sqlite file in the folder of records."""
    return f"sqlite:///{paths.home() / 'mlflow.db'}"


def resolve(option: str | None) -> str:
    """The store's URI, a relative sqlite path made absolute and `~` expanded.

    Folders are refused: MLflow 3 has retired its file store, and parallel runs lose each other's files in one.

    Raises:
        UserError: what cannot hold runs, in one line that shows no password
    """
    uri = option or os.environ.get("MLFLOW_TRACKING_URI") or default()
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme == "file" or ("://" not in uri and scheme != "databricks"):
        raise UserError(_without_scheme(uri))
    if scheme not in SCHEMES:
        raise UserError(choose("tracking_uri", f"{scheme}://…", [f"{known}://…" for known in SCHEMES]))
    extras.require_driver("tracking_uri", uri)
    if scheme == "sqlite":
        path = sqlite_path(uri)
        if path is None:
            raise UserError(f"tracking_uri={uri} names no file; type tracking_uri=sqlite:///PATH/mlflow.db")
        return f"sqlite:///{path}"
    return uri


def _without_scheme(uri: str) -> str:
    """Why a value that is no URI, or a folder's, is refused, and what to type."""
    if SERVER.fullmatch(uri):
        return f"tracking_uri={uri}: http:// missing? type tracking_uri=http://{uri}"
    if "@" in uri:
        place = uri.rpartition("@")[2]
        return f"tracking_uri=…@{place} names no kind of store; type tracking_uri=postgresql+psycopg://USER@{place}"
    folder = Path(uri.removeprefix("file://")).expanduser()
    return f"tracking_uri={uri} is a folder, which holds no runs; type tracking_uri=sqlite:///{folder}/mlflow.db"


def sqlite_path(uri: str) -> Path | None:
    """The absolute path of a sqlite store's file; None for any other store, and for a database in memory."""
    if not uri.startswith("sqlite"):
        return None
    path = uri.partition(":///")[2].partition("?")[0]
    return Path(path).expanduser().absolute() if path and path != ":memory:" else None


def ui_command(uri: str) -> str:
    """What a person types, here, to open a store without a server in the browser."""
    if uri == default():
        return "make ui" if paths.in_checkout() else paths.program("ui")
    return f"{paths.program('ui')} tracking_uri={public(uri)}"


def public(uri: str) -> str:
    """The URI as it may be shown and recorded: without user, password, and secrets of its query."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    place, mark, query = rest.partition("?")
    user_and_host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in place and (user_and_host and not place.startswith("/")):
        place = place.rpartition("@")[2]
    elif "@" in query and not re.fullmatch(r"[^:]*(:\d*)?|\[.*\](:\d*)?", user_and_host):
        place, mark, query = query.rpartition("@")[2].partition("?")  # a password with a question mark in it
    kept = "&".join(part for part in query.split("&") if not SECRET.search(unquote(part.partition("=")[0])))
    return f"{scheme}://{place}{mark if kept else ''}{kept}"


def public_override(override: str) -> str:
    """An override as it may be shown and recorded: of an address without its secrets, any other as it is."""
    key, equals, value = override.partition("=")
    if key.lstrip("+~") not in ADDRESSES:
        return override
    quote = value[:1] if value[:1] in ("'", '"') else ""
    addresses = NEXT_ADDRESS.split(value.strip(quote or None))
    return f"{key}{equals}{quote}{','.join(map(public, addresses))}{quote}"


def has_secret(uri: str) -> bool:
    """Whether a store's address holds what nobody else may know: a password, a token."""
    return any(_secrets(uri))


def without_secrets(text: str, uri: str) -> str:
    """A message of a store's without the secrets of its URI."""
    text = text.replace(uri, public(uri))
    for secret in _secrets(uri):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return text


def _secrets(uri: str) -> list[str]:
    """The password of a URI and the secret values of its query, as typed and decoded."""
    place, _, query = uri.partition("://")[2].partition("?")
    named = (part.partition("=") for part in query.split("&"))
    values = [value for name, _, value in named if SECRET.search(unquote(name))]
    if "@" in place:
        values.append(place.rpartition("@")[0].partition(":")[2])
    return [form for value in values for form in dict.fromkeys((value, unquote(value)))]
