"""The spools that wait to be told to a store: read, whatever cut them off, and taken by one process at a time."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from joulemark.core import atomic, paths, tracking
from joulemark.core.errors import UserError
from joulemark.core.record_changes import apply
from joulemark.store.spool import CAUSE, CHANGES, DRAFT, FINAL, Payload, roots

CRASH = "crash.txt"  # what native code that crashed leaves
UNSEEN = "the run ended without a word {when}: killed (SIGKILL), or ended by native code; nobody saw its exit status"


def folders() -> list[Path]:
    """Every spool of this user's on this machine, of living runs too, the oldest first."""
    found = []
    for path in (path for root in roots() for path in root.glob(f"*/{DRAFT}")):
        with suppress(FileNotFoundError):  # delivered meanwhile
            found.append((path.stat().st_mtime_ns, path.parent))
    return [folder for _, folder in sorted(found)]


def store_of(folder: Path) -> tuple[str, bool]:
    """The store that a spool is for, without its secrets, and whether it has any; empty where it cannot be read."""
    try:
        draft = json.loads((folder / DRAFT).read_text(encoding="utf-8"))
        return draft["store"], bool(draft["secret"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", False


def of_store(uri: str, whole: bool = True, but: Path | None = None) -> Iterator[Path]:
    """The spools for one store, the oldest first; with `whole` those alone whose run came to its end."""
    shown = tracking.public(uri)
    for folder in folders():
        over = (folder / FINAL).is_file()
        if folder != but and (over or not whole) and tracking.public(store_of(folder)[0]) == shown:
            yield folder


def adopt(uri: str) -> None:
    """Makes spools, for this store, of the single files that earlier versions set aside; others stay as they are."""
    for path in sorted((paths.home() / "unsaved").glob("*.json")):
        try:
            payload = json.loads(path.read_text(encoding="utf-8"))
            secret = tracking.secret(uri)
            where = {"store": tracking.public(uri) if secret else uri, "secret": secret, "run_id": None}
            payload = {"phase": "", **where, **payload}
            folder = paths.home() / "spool" / str(uuid.UUID(payload["record"]["id"]).hex)
            folder.mkdir(parents=True, exist_ok=True)
            atomic.write(folder / FINAL, json.dumps(payload))
            atomic.write(folder / DRAFT, json.dumps(payload))
            path.unlink()
        except (OSError, ValueError, KeyError, TypeError):
            continue


@contextmanager
def taken(folder: Path) -> Iterator[bool]:
    """Whether the spool is this process's alone within the block: False while its run or another deliverer lives."""
    try:
        handle = os.open(folder / "owner", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, atomic.PRIVATE)
    except OSError:  # delivered meanwhile
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield (folder / DRAFT).is_file()
    finally:
        os.close(handle)


def read(folder: Path) -> Payload:
    """The whole record where it is there, else the last draft as failed, with the first cause that was noted.

    Raises:
        UserError: the files cannot be read as a record
    """
    try:
        payload: Payload = json.loads((folder / DRAFT).read_text(encoding="utf-8"))
        final = folder / FINAL
        if final.is_file():
            return {**payload, **json.loads(final.read_text(encoding="utf-8"))}
        for change in _lines(folder / CHANGES):
            apply(payload["record"], change)
            payload["phase"] = change["phase"]
        when = f"after '{payload['phase']}'" if payload["phase"] else "before anything was measured"
        payload["record"] |= {"status": "failed", **_end(folder, payload, when)}
        return payload
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} cannot be read as a record: {type(error).__name__}: {error}") from None


def remove(folder: Path, payload: Payload) -> None:
    """Removes a spool that the store has, with what it left on a disk that was full."""
    for place in _places(folder, payload):
        shutil.rmtree(place, ignore_errors=True)


def attachments(folder: Path, payload: Payload) -> list[Path]:
    """The files that are attached to the run as they lie there."""
    found = (path for place in _places(folder, payload) for path in sorted((place / "files").glob("*")))
    return [path for path in found if path.is_file() and not path.is_symlink()]


def _end(folder: Path, payload: Payload, when: str) -> Mapping[str, Any]:
    """Status, reason and traceback of a run that did not say itself how it ended."""
    crash = _crash(_places(folder, payload))
    try:
        cause = json.loads((folder / CAUSE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        cause = {"error": f"crashed {{when}}: {crash.splitlines()[0]}" if crash else UNSEEN}
    return {**cause, "error": str(cause["error"]).replace("{when}", when), **({"traceback": crash} if crash else {})}


def _crash(places: Sequence[Path]) -> str:
    """What native code that crashed left in one of the places; empty where nothing did."""
    for place in places:
        with suppress(OSError):
            if text := (place / CRASH).read_text(encoding="utf-8", errors="replace").strip():
                return text
    return ""


def _places(folder: Path, payload: Payload) -> list[Path]:
    """The spool's folder, and those that it left for this one; only of the run's own id."""
    return [folder, *(place for place in map(Path, payload.get("earlier", ())) if place.name == folder.name)]


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The steps that were written to their end."""
    with suppress(OSError, ValueError):  # none yet; the last was cut off
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
