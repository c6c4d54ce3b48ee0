"""The spools that wait to be told to a store: read, whatever cut them off, and taken by one process at a time."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from joulemark.core import atomic
from joulemark.core.errors import UserError
from joulemark.core.record_changes import apply
from joulemark.store.spool import Payload, roots

UNSEEN = "the run ended without a word {when}: killed (SIGKILL), or ended by native code; nobody saw its exit status"


def folders() -> list[Path]:
    """Every spool of this user's on this machine, of living runs too, the oldest first."""
    found = [path.parent for root in roots() for path in root.glob("*/draft.json")]
    return sorted(found, key=lambda folder: (folder / "draft.json").stat().st_mtime_ns)


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
            yield (folder / "draft.json").is_file()
    finally:
        os.close(handle)


def read(folder: Path) -> Payload:
    """The whole record where it is there, else the last draft as failed, with the first cause that was noted.

    Raises:
        UserError: the files cannot be read as a record
    """
    try:
        payload: Payload = json.loads((folder / "draft.json").read_text(encoding="utf-8"))
        final = folder / "final.json"
        if final.is_file():
            return {**payload, **json.loads(final.read_text(encoding="utf-8"))}
        for change in _lines(folder / "changes.jsonl"):
            apply(payload["record"], change)
            payload["phase"] = change["phase"]
        when = f"after '{payload['phase']}'" if payload["phase"] else "before anything was measured"
        payload["record"] |= {"status": "failed", "error": UNSEEN.format(when=when), **_cause(folder, when)}
        return payload
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} cannot be read as a record: {type(error).__name__}: {error}") from None


def note(folder: Path, status: str, error: str) -> None:
    """Keeps why the run ended where nothing was noted before: the first cause is the reason. Never raises."""
    with suppress(OSError):
        if not (folder / "cause.json").exists():
            atomic.write(folder / "cause.json", json.dumps({"status": status, "error": error}))


def remove(folder: Path, payload: Payload) -> None:
    """Removes a spool that the store has, with what it left on a disk that was full."""
    for place in (folder, *map(Path, payload.get("earlier", ()))):
        if place.name == folder.name:  # the run's own id: nothing else is ever removed
            shutil.rmtree(place, ignore_errors=True)


def attachments(folder: Path, payload: Payload) -> list[Path]:
    """The files that are attached to the run as they lie there."""
    places = (folder, *(Path(place) for place in payload.get("earlier", ()) if Path(place).name == folder.name))
    return [path for place in places for path in sorted((place / "files").glob("*")) if path.is_file()]


def _cause(folder: Path, when: str) -> Mapping[str, Any]:
    try:
        cause = json.loads((folder / "cause.json").read_text(encoding="utf-8"))
        return {"status": cause["status"], "error": cause["error"].format(when=when)}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The steps that were written to their end."""
    with suppress(OSError, ValueError):  # none yet; the last was cut off
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
