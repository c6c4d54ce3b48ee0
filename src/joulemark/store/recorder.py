"""The sleeping process that tells the store, so that the measuring process never imports MLflow.

    python -m src.run            spool/<id>/             python -m joulemark.store.recording
    ─────────────────            ───────────             ───────────────────────────────────
    begins ───── first draft ───▶                        imports MLflow, connects, delivers what waits
    wait_ready ◀───────────────────────────── ready ──── asleep on its pipe, which costs a window nothing
    each step ── what is new ───▶
    over ─────── whole record ──▶ ── kept ─────────────▶ imports what a run's page takes
    deliver ────────────────────────────────── now ────▶ reads the spool, writes the run, removes the spool
    link, exit ◀───────────────────────────── link ───── exits

When nothing goes on for `stall_s` seconds, a hung GPU call say, the child kills the measuring process. When the pipe
closes without a word, that process is gone: the last draft is told as failed, with how it ended. Whatever becomes of
the child, the spool stays until the store has the run.
"""

import json
import os
import select
import subprocess
import time
from contextlib import suppress
from types import TracebackType
from typing import Any

from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.record import Record
from joulemark.measure.heartbeat import Heart
from joulemark.store.exit_status import own_handle
from joulemark.store.spool import Spool, note, nothing_lost, reason

# The longest waits for the child: import and connect on a slow disk; a sign that it goes on saving; the saving itself
READY_S, SILENT_S, SAVED_S = 60.0, 20.0, 300.0


class Recorder:
    """The parent's end: starts the process, and waits for the link.

    Leaving the context after a UserError records nothing; after anything else undelivered, the last draft as failed.

    Attributes:
        lost: why there is no recorder any more; None while there is one
        delivered: how many records that had waited were told to the store first
    """

    def __init__(self, spool: Spool, uri: str, task: str, stall_s: float | None = None) -> None:
        self._spool, self._stall_s = spool, stall_s
        self._heart: Heart | None = None
        self._hello = {"uri": uri, "task": task, "process": os.getpid(), **self._watched()}
        self._answered = False  # whether the child has said if the store is open
        self.lost: str | None = None
        self.delivered = 0

    def _watched(self) -> dict[str, Any]:
        """A heart for the run that begins, and what its watcher needs."""
        with suppress(OSError):  # a temporary folder that is full: nobody watches then
            self._heart = Heart() if self._stall_s else None
        return {"heart": str(self._heart.path), "stall_s": self._stall_s} if self._heart else {}

    def begin(self, spool: Spool) -> None:
        """A further run of this process, after the one before was delivered with `more`."""
        self._spool = spool
        watched = self._watched()
        if self._process.poll() is not None:  # killed meanwhile
            self._hello, self._answered = {**self._hello, **watched}, False
            self._start()
        else:
            self._send("begin", **watched)

    def __enter__(self) -> "Recorder":
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and nothing_lost(error, self._spool):
            self._send("cancel")
        elif error is not None:
            note(self._spool.folder, *reason(error))
        self._close()
        self._rest()

    def wait_ready(self) -> None:
        """Returns when the store is open, or the recorder is lost; UserError where the store cannot be used.

        A store for which records wait has been there: it is away, and this record will wait with them.
        """
        if self._answered:
            self.delivered = 0  # said once
            return
        reply = self._reply(READY_S, SAVED_S)
        self._answered = True
        self.delivered = reply.get("delivered", 0)
        if reply.get("refused") and not reply.get("waiting"):
            raise UserError(reply["refused"])
        self.lost = reply.get("refused") or reply.get("error")

    def draft(self, record: Record, phase: str) -> None:
        """What to record, as failed, if this process dies from here on; never raises where a disk is full."""
        before = self._spool.folder
        with suppress(OSError):  # no disk takes it: what was measured may yet be told
            self._spool.draft(record, phase)
        if self._spool.folder != before:
            self._send("moved")

    def beat(self) -> None:
        """Signals to the child that the measuring process is alive: after `stall_s` without this it counts as hung."""
        if self._heart:
            self._heart.beat()

    def keep(self, record: Record) -> None:
        """Puts the whole record on a disk before anything else is tried; never raises."""
        self._rest()
        try:
            self._spool.finish(record)
        except OSError as error:
            self.lost = f"no disk takes the record: {error}"
            self._send("cancel")
        else:
            self._send("kept")

    def deliver(self, more: bool = False) -> dict[str, Any]:
        """Where the run is (`run_id`, `url`, `ui_path`); or `error`, and as `unsaved` the folder where it waits.

        With `more` the child stays for a further run of this process.
        """
        if not self._spool.finished:
            return {"error": self.lost, "unsaved": str(self._spool.folder)}
        if self._process.poll() is not None:  # killed meanwhile: its successor delivers
            self._start()
        self._send("deliver", more=more)
        if not more:
            self._close()
        reply = self._reply(SILENT_S, SAVED_S)
        while "ready" in reply or "refused" in reply:  # of a run that was stopped before it waited for that
            reply = self._reply(SILENT_S, SAVED_S)
        return reply if "run_id" in reply else {**reply, "unsaved": str(self._spool.folder)}

    def _start(self) -> None:
        handle = own_handle()
        self._process = subprocess.Popen(
            paths.module("store.recording"),
            env=paths.child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # select sees every line
            # The spool is owned while either of the two lives; and the child can tell how its parent ended
            pass_fds=[self._spool.owner, *([] if handle is None else [handle])],
            start_new_session=True,  # Ctrl-C is the measuring process's to handle
        )
        if handle is not None:
            os.close(handle)
        self._send("", handle=handle, **self._hello)

    def _rest(self) -> None:
        if self._heart:
            self._heart.stop()

    def _send(self, word: str, **more: Any) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # it is gone, and the spool is there
            message = {"word": word, "spool": str(self._spool.folder), **more}
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _close(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _reply(self, silent_s: float, limit_s: float) -> dict[str, Any]:
        """The next answer; one that is silent, or goes on for longer, is frozen or hangs, and is ended."""
        assert self._process.stdout is not None
        until = time.monotonic() + limit_s
        while (left_s := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self._process.stdout], [], [], min(silent_s, left_s))
            if not ready:
                break
            line = self._process.stdout.readline()
            if not line.endswith(b"\n"):
                return {"error": f"the recorder ended without an answer ({_how(self._process)})"}
            reply: dict[str, Any] = json.loads(line)
            if "saving" not in reply:
                return reply
        self._process.kill()  # else it would own the spool, and write into the store at any time
        self._process.wait()
        return {"error": f"the recorder gave no sign within {silent_s:g} s, nor an answer within {limit_s:g} s"}


def _how(process: "subprocess.Popen[bytes]") -> str:
    try:
        code = process.wait(SILENT_S)
    except subprocess.TimeoutExpired:
        return "it closed its output"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
