"""Which tracking store a run goes to: the option, else the environment, else a sqlite file beside the program."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from joulemark.core import extras, paths
from joulemark.core.errors import UserError
from joulemark.core.suggest import choose

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")

STORAGE = "JOULEMARK_STORAGE"  # the variable that names a study's storage, as MLFLOW_TRACKING_URI does a store
UNSEEN = f"leave the option out and set MLFLOW_TRACKING_URI, or {STORAGE} for storage="

# Options whose value is an address, which may hold a password
ADDRESSES = ("tracking_uri", "storage", "sweep.storage", "hydra.sweeper.storage")

# Keys of an address's query that are shown: of all others somebody's driver makes a secret
HARMLESS = frozenset(
    "application_name cache charset connect_timeout dbname driver host mode nolock port service sslmode "
    "target_session_attrs timeout uri user".split()
)
# What stands before the host, as SQLAlchemy's parser has it: a password may hold any sign but an @
CREDENTIALS = re.compile(r"[^:/]*(?::[^@]*)?@")
NEXT_ADDRESS = re.compile(r",(?=[a-z][a-z0-9+.-]*://)")  # between the addresses that a sweep varies
ADDRESS = re.compile(r"(?<![\w+.-])[A-Za-z][A-Za-z0-9+.-]*://")
IN_TEXT = re.compile(r"(:/{1,2})[^\s/:@'\",]*:[^\s'\",]*@")  # a name and a password in a text that is no address
PLAIN_NAME = re.compile(r"[\w.%+-]*")  # of a database's user, which alone is no secret; a server's may be a token
SHORTEST = 3  # characters of a password that is looked for in a message: a shorter one would be found in any
SERVER = re.compile(r"[\w.-]+:\d+(/.*)?")  # an address whose http:// was left out


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
            raise UserError(f"tracking_uri={public(uri)} names no file; type tracking_uri=sqlite:///PATH/mlflow.db")
        return f"sqlite:///{path}"
    return uri


def storage(option: str | None) -> str | None:
    """Where a sweep's study is kept: the option, else the environment; None for a journal of its own."""
    return option or os.environ.get(STORAGE) or None


def _without_scheme(uri: str) -> str:
    """Why a value that is no URI, or a folder's, is refused, and what to type."""
    shown = public(uri)
    if SERVER.fullmatch(shown):
        return f"tracking_uri={shown}: http:// missing? type tracking_uri=http://{shown}"
    if "@" in uri and not uri.startswith("file:"):
        place = shown
        return f"tracking_uri=…@{place} names no kind of store; type tracking_uri=postgresql+psycopg://USER@{place}"
    folder = Path(shown.removeprefix("file://")).expanduser()
    return f"tracking_uri={shown} is a folder, which holds no runs; type tracking_uri=sqlite:///{folder}/mlflow.db"


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


@dataclass(frozen=True)
class _Parts:
    scheme: str
    credentials: str
    place: str
    query: tuple[str, ...]


def public(uri: str) -> str:
    """The address as it may be shown and recorded: without user, password, fragment, and what its query may hide."""
    parts = _parts(uri)
    query = "&".join(each for each in parts.query if _harmless(each))
    place = parts.place if parts.scheme.startswith(("sqlite", "file")) else parts.place.partition("#")[0]
    return f"{parts.scheme}{place}{'?' if query else ''}{query}"


def secret(uri: str) -> bool:
    """Whether an address holds anything that is not to be shown."""
    parts = _parts(uri)
    only_a_name = not parts.scheme.startswith("http") and PLAIN_NAME.fullmatch(parts.credentials)
    return bool(parts.credentials and not only_a_name) or any(not _harmless(each) for each in parts.query)


def public_override(override: str) -> str:
    """An override as it may be shown and recorded: of an address without its secrets, of any other without passwords.

    A quote or bracket around the value stays.
    """
    key, equals, value = override.partition("=")
    if key.lstrip("+~-").replace("-", "_") not in ADDRESSES:
        return public_text(override)
    opening, inner, closing = re.fullmatch(r"(['\"\[]*)(.*?)(['\"\]]*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{key}{equals}{opening}{','.join(map(public, NEXT_ADDRESS.split(inner)))}{closing}"


def public_text(text: str) -> str:
    """A text without the names and passwords of the addresses in it."""
    return IN_TEXT.sub(r"\1", text)


def without_secrets(text: str, *uris: str) -> str:
    """A message about these addresses without their secrets, whole or in part."""
    for uri in uris:
        text = text.replace(uri, public(uri))
        for each in _secrets(uri):
            if len(each) >= SHORTEST:
                text = text.replace(each, "***")
    return public_text(text)


def addresses_of(overrides: Sequence[str]) -> list[str]:
    """The addresses among typed overrides, as far as they can be told apart without Hydra."""
    values = (override.partition("=")[2] for override in overrides if public_override(override) != override)
    return [address for value in values for address in NEXT_ADDRESS.split(value.strip("'\"[]"))]


def _parts(uri: str) -> _Parts:
    """An address taken apart so that no part of a password is left in its place, however it was typed.

    A sign that should have been escaped (`@ / ? #`) belongs to the password as far as another @ follows.
    """
    scheme = found[0] if (found := ADDRESS.match(uri)) else ""
    rest = uri[len(scheme) :]
    if scheme.startswith(("sqlite", "file")):  # a folder's name may have an @
        head, _, query = rest.partition("?")
        return _Parts(scheme, "", head, tuple(query.split("&")) if query else ())
    credentials = typed[0] if (typed := CREDENTIALS.match(rest)) and not _plain(rest) else ""
    rest = rest[len(credentials) :]
    while (end := _further(rest)) is not None:
        credentials, rest = credentials + rest[:end], rest[end:]
    head, _, query = rest.partition("?")
    return _Parts(scheme, credentials.removesuffix("@"), head, tuple(query.split("&")) if query else ())


def _plain(rest: str) -> bool:
    """Whether the only @ of an address is in a value of its query that may be shown, such as ?user=me@corp."""
    head, _, query = rest.partition("?")
    return "@" not in head and ":" not in head and all(_harmless(each) for each in query.split("&") if "@" in each)


def _further(rest: str) -> int | None:
    """Where a password goes on to that has an @ itself, the end where that is unsure; None where nothing is left."""
    head, _, query = rest.partition("?")
    if "@" in head:
        return head.rindex("@") + 1
    if any("@" in each and not _harmless(each) for each in query.split("&")):
        return len(rest)
    return None


def _harmless(part: str) -> bool:
    """Whether a part of a query may be shown; one without a value is no part of a query but of a secret."""
    name, equals, _ = part.partition("=")
    return bool(equals) and unquote(name).casefold() in HARMLESS


def _secrets(uri: str) -> list[str]:
    """The password of an address and the secret values of its query, as typed and decoded."""
    parts = _parts(uri)
    values = [part.partition("=")[2] or part for part in parts.query if not _harmless(part)]
    if ":" in parts.credentials or parts.scheme.startswith("http"):  # a token may stand in place of a name
        values.append(parts.credentials.partition(":")[2] or parts.credentials)
    return [form for value in values for form in dict.fromkeys((value, unquote(value)))]
