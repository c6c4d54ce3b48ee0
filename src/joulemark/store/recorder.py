"""The sleeping process that writes the record, so that the measuring process never imports MLflow.

    python -m src.run                        python -m joulemark.store.recorder
    ─────────────────                        ──────────────────────────────────
    starts ────────── store, task ─────────▶ imports MLflow, connects
    wait_ready ◀──────────── ready ───────── asleep on its pipe, which costs a window nothing
    each phase ──────── draft ─────────────▶ kept, not read
    finish ──────────── final ─────────────▶ writes the run
    link, exit ◀───────── link ───────────── exits

When nothing goes on for `stall_s` seconds, a hung GPU call say, the child kills the measuring process.
When the pipe closes without a final record, the measuring process was killed: the last draft is written as failed.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from joulemark.core import paths, signals, tracking
from joulemark.core.errors import UserError
from joulemark.core.record import Record
from joulemark.core.record_json import from_json
from joulemark.measure.heartbeat import Heart, Watcher

# The longest waits for the child: import and connect on a slow disk; a server that takes the files
READY_S, SAVED_S = 60, 120

Payload = dict[str, Any]  # "record" (JSON values) and "params"


class Recorder:
    """The parent's end: starts the process, hands it drafts, and waits for the link.

    Leaving the context after a UserError records nothing; after anything else unfinished, the last draft as failed.
    """

    def __init__(self, uri: str, task: str, stall_s: float | None = None) -> None:
        self._heart = Heart() if stall_s else None
        watched = {"heart": str(self._heart.path), "stall_s": stall_s, "process": os.getpid()} if self._heart else {}
        self._hello = {"uri": uri, "task": task, **watched}

    def __enter__(self) -> "Recorder":
        self._process = subprocess.Popen(
            paths.module("store.recorder"),
            env=paths.child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the measuring process's to handle
        )
        self._send(self._hello)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, UserError):
            self._send({"cancel": True})
        self._close()
        self._rest()

    def wait_ready(self) -> None:
        """Returns when the store is open; UserError with the reason where it cannot be used."""
        reply = self._reply(READY_S)
        if not reply.get("ready"):
            raise UserError(reply["error"])

    def beat(self) -> None:
        """Signals to the child that the measuring process is alive: after `stall_s` without this it counts as hung."""
        if self._heart:
            self._heart.beat()

    def draft(self, payload: Payload, phase: str) -> None:
        """What to write, as failed, if this process dies from here on."""
        self._send({"draft": payload, "phase": phase})

    def finish(self, payload: Payload) -> dict[str, Any]:
        """Where the run is (`run_id`, `url`, `ui_path`); or `error` and the file it was set aside in."""
        self._rest()
        self._send({"final": payload})
        self._close()
        reply = self._reply(SAVED_S)
        if reply.get("ready"):  # a run that was stopped before it waited for that
            reply = self._reply(SAVED_S)
        return reply if "run_id" in reply else {**reply, "unsaved": str(set_aside(payload))}

    def _rest(self) -> None:
        if self._heart:
            self._heart.stop()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it is gone; finish() will find that out and set the record aside
            self._process.stdin.write(json.dumps(message, allow_nan=False).encode() + b"\n")
            self._process.stdin.flush()

    def _close(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def _reply(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            return {
                "error": "the recorder ended without an answer" if ready else f"no answer from it within {seconds} s"
            }
        reply: dict[str, Any] = json.loads(line)
        return reply


def set_aside(payload: Payload) -> Path:
    """Writes the payload to a file under `mlruns/unsaved` and returns it."""
    path = paths.home() / "unsaved" / f"{payload['record']['id']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(payload))
    return path


def serve(lines: TextIO, replies: TextIO) -> None:
    """The child's end, until its input closes."""
    signals.ignore_stops(hangup=True)  # a cluster signals every process of a job

    def send(reply: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the measuring process may have been killed: nobody reads it
            print(json.dumps(reply), file=replies, flush=True)

    hello = json.loads(lines.readline())
    try:
        from joulemark.store import opening, records  # MLflow enters here

        save = partial(
            records.save, opening.open_store(hello["uri"], hello["task"]), run_id=os.environ.get("MLFLOW_RUN_ID")
        )
    except UserError as error:
        return send({"error": str(error)})
    watcher = Watcher(Path(hello["heart"]), hello["stall_s"], hello["process"]) if "heart" in hello else None
    send({"ready": True})

    last = ""
    for line in lines:  # kept as it came: reading it would cost the window that has begun
        last = line
    message = json.loads(last or "{}")
    if "final" in message:
        try:
            send(save(*_read(message["final"])))
        except Exception as error:  # the measuring process sets the record aside and says so
            send({"error": f"{type(error).__name__}: {error}"})
    elif "draft" in message:
        hung_s = hello["stall_s"] if watcher and watcher.hung else None
        payload = _killed(message["draft"], message["phase"], hung_s)
        try:
            save(*_read(payload))
        except Exception:
            set_aside(payload)
    return None


def _killed(payload: Payload, phase: str, hung_s: float | None) -> Payload:
    reason = f"the measuring process died without a word after '{phase}' (killed, or out of the host's memory)"
    if hung_s is not None:
        reason = f"hung: nothing went on for {hung_s:g} s after '{phase}' (protocol.stall_s), so it was killed"
    return {**payload, "record": {**payload["record"], "status": "failed", "error": reason}}


def _read(payload: Payload) -> tuple[Record, Mapping[str, str]]:
    return from_json(payload["record"]), payload["params"]


def main() -> None:
    """Serves a measuring process."""
    # The replies keep standard output for themselves: MLflow prints links of its own there
    # A reply that nobody took stays in the buffer, and closing tries it again
    with suppress(BrokenPipeError), os.fdopen(os.dup(sys.stdout.fileno()), "w") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin, replies)


def write_late(path: Path, uri: str | None) -> dict[str, Any]:
    """Writes a record that was set aside and removes its file; where it is. UserError for what is no such file."""
    from joulemark.store import opening, records

    try:
        payload = json.loads(path.read_text())
        record = from_json(payload["record"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read as a record: {error}") from None
    opened = opening.open_store(tracking.resolve(uri), record.task.name)
    link = records.save(opened, record, payload["params"])
    os.remove(path)
    return link


if __name__ == "__main__":
    main()
