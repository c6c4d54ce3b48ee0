"""The spool: each run writes its record to a local disk before the store is told anything, and the store from there.

    spool/<record id>/     one folder a run, from its first moment until the store has the run
      owner                locked while the run or its recorder lives
      draft.json           what was requested, written once
      changes.jsonl        a line a step: what is new
      cause.json           the first cause of an end that the record itself does not tell
      final.json           the whole record, once it is over
      files/               what is attached to the run as it lies there

Where a disk is full, read-only or gone, the next of `roots` takes the record.
"""

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from joulemark.core import atomic, paths, tracking
from joulemark.core.errors import UserError
from joulemark.core.record import Record
from joulemark.core.record_changes import changes
from joulemark.core.record_json import to_json
from joulemark.core.signals import Interrupted

DRAFT, CHANGES, CAUSE, FINAL = "draft.json", "changes.jsonl", "cause.json", "final.json"

Payload = dict[str, Any]  # "record" (JSON values), "params", and where it goes: "store", "secret", "run_id"


def roots() -> list[Path]:
    """The folders that may hold spools, the first that takes it is used; each one only of this user's."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    temporary = [Path(tempfile.gettempdir()), Path("/dev/shm")]
    own = [folder / f"joulemark-{os.getuid()}" for folder in temporary if folder.is_dir()]
    return [folder / "spool" for folder in (paths.home(), state / "joulemark", *own)]


@contextmanager
def begun(record: Record, params: Mapping[str, str], uri: str) -> Iterator["Spool"]:
    """The spool of a run within the block; removed after a mistake of the user's, and a stop before it measured.

    What else breaks in the block is the reason of its record.

    Raises:
        UserError: no disk takes it
    """
    try:
        spool = Spool(record, params, uri)
    except OSError as error:
        raise UserError(f"no disk takes the record: {error}; free some space") from None
    try:
        yield spool
    except BaseException as error:
        if nothing_lost(error, spool):
            spool.drop()
        elif spool.folder.is_dir():
            note(spool.folder, *reason(error))
            error.add_note(f"the record waits in {spool.folder}: {paths.program('sync')}")
        raise
    finally:
        spool.release()


def nothing_lost(error: BaseException, spool: "Spool") -> bool:
    """Whether a run that this ended needs no record: a mistake of the user's, or a stop, before it measured."""
    return isinstance(error, UserError | Interrupted | KeyboardInterrupt) and not spool.measured


def reason(error: BaseException) -> tuple[str, str]:
    """Status and reason of a run that this ended."""
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return "interrupted", f"interrupted by {error or 'SIGINT'} {{when}}"
    return "failed", f"{type(error).__name__}: {error}"


def note(folder: Path, status: str, error: str) -> None:
    """Keeps why the run ended where nothing was noted before: the first cause is the reason. Never raises."""
    with suppress(OSError):
        if not (folder / CAUSE).exists():
            atomic.write(folder / CAUSE, json.dumps({"status": status, "error": error}))


class Spool:
    """The record of one run on a local disk, ahead of the store.

    Attributes:
        folder: where it lies; another one after a disk was full
    """

    def __init__(self, record: Record, params: Mapping[str, str], uri: str) -> None:
        """Writes the first draft; OSError where no disk takes it."""
        secret = tracking.secret(uri)
        store = tracking.public(uri) if secret else uri
        self._where = {"store": store, "secret": secret, "run_id": os.environ.get("MLFLOW_RUN_ID")}
        self._params, self._record, self._phase = dict(params), record, ""
        self._earlier: list[Path] = []
        self._ended_ms: int | None = None
        self._owner: int | None = None
        self.folder = Path()
        self._settle(roots())

    @property
    def measured(self) -> bool:
        """Whether anything was metered that would be lost without it."""
        return bool(self._record.measurement.load or self._record.measurement.windows)

    @property
    def finished(self) -> bool:
        """Whether the whole record lies there."""
        return (self.folder / FINAL).is_file()

    @property
    def files(self) -> Path:
        """The folder whose files are attached to the run; made when it is first asked for."""
        folder = self.folder / "files"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def owner(self) -> int:
        """The descriptor whose lock says that the run lives: a recorder inherits it."""
        assert self._owner is not None
        return self._owner

    def update(self, params: Mapping[str, str]) -> None:
        """Other params than those that it was begun with: they go into the whole record."""
        self._params = dict(params)

    def draft(self, record: Record, phase: str) -> None:
        """What to record, as failed, if this process dies from here on; only what is new is written."""
        change = changes(self._record, record)
        self._record, self._phase = record, phase
        try:
            atomic.append(self.folder / CHANGES, json.dumps({"phase": phase, **change}, allow_nan=False))
        except OSError:
            self._move()

    def finish(self, record: Record) -> None:
        """The whole record, once it is over; OSError where no disk takes it."""
        self._record, self._ended_ms = record, int(time.time() * 1000)
        try:
            atomic.write(self.folder / FINAL, self._text())
        except OSError:
            self._move()
            atomic.write(self.folder / FINAL, self._text())

    def drop(self) -> None:
        """Removes it: nothing has begun."""
        for folder in (self.folder, *self._earlier):
            shutil.rmtree(folder, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Lets others deliver it, as the end of this process does."""
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    def _move(self) -> None:
        """Goes on in the next folder that takes the whole of it; this one keeps the files that are open in it."""
        left, before, others = self.folder, self._owner, roots()
        self._earlier.append(left)
        self._settle(others[others.index(left.parent) + 1 :] if left.parent in others else others)
        for name in (DRAFT, CHANGES, FINAL):
            with suppress(OSError):
                (left / name).unlink()
        if not (left / "files").is_dir():
            shutil.rmtree(left, ignore_errors=True)
        if before is not None:
            os.close(before)

    def _settle(self, folders: list[Path]) -> None:
        failure: OSError | None = None
        for root in folders:
            folder = root / self._record.id
            try:
                self._owner, self.folder = _owned(root, folder, self._text()), folder
            except OSError as error:
                failure = failure or error
                continue
            return
        raise failure or FileNotFoundError("no folder for a spool")

    def _text(self) -> str:
        payload = {
            "record": to_json(self._record),
            "params": self._params,
            "phase": self._phase,
            "ended_ms": self._ended_ms,
            "earlier": [str(folder) for folder in self._earlier],
            **self._where,
        }
        return json.dumps(payload, allow_nan=False)


def _owned(root: Path, folder: Path, text: str) -> int:
    """Makes a spool's folder with its draft and returns the lock; OSError leaves nothing.

    It is locked before the draft is there: a draft without an owner is one whose run has died, and anybody's to tell.
    """
    _prepare(root)
    folder.mkdir(mode=0o700)
    try:
        owner = _locked(folder / "owner")
        try:
            atomic.write(folder / DRAFT, text)
        except OSError:
            os.close(owner)
            raise
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return owner


def _prepare(root: Path) -> None:
    """Makes the folder of spools; PermissionError for one in a folder of everybody's that another user has made."""
    shared = root.parent.name == f"joulemark-{os.getuid()}"
    if shared:
        root.parent.mkdir(mode=0o700, exist_ok=True)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shared and any(folder.lstat().st_uid != os.getuid() for folder in (root, root.parent)):  # a link: its maker
        raise PermissionError(f"{root} is another user's")


def _locked(path: Path) -> int:
    owner = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, atomic.PRIVATE)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise
    return owner
