"""One trial: a run in a process of its own, and what became of it.

    this process                          python -m src.run …
    ────────────                          ───────────────────
    starts ────────── words ────────────▶ measures
    asleep on its pipes ◀──── a line ──── each phase, once
    Outcome ◀──────── last line ───────── leaves its record, exits

Allocator, caches, heat and a crash stay with their trial. Whatever ends it, its own recorder (store/recorder.py) closes
its run in MLflow; it is waited for.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from joulemark.core import paths, signals, tracking

# Between SIGTERM and SIGKILL. A run needs seconds to leave its record; one that hangs in the driver never does.
GRACE_S = 30.0

SAID = 3  # lines of standard error that are kept of a process that died without a last line


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: all that its last line says, or why there was none.

    `status` is `finished`, `failed`, `interrupted` (SIGINT or SIGTERM), `refused` (words or surroundings that cannot
    be: exit code 2), `killed` (died by another signal) or `timed_out`. `exit_code` is negative for a signal's number.
    `run_id` is None where the trial could not say it; its record may be in MLflow all the same. `stopped_by` names the
    signal that asked this process, or the trial alone, to stop: what was to come after is not wanted.
    """

    words: tuple[str, ...]
    exit_code: int
    status: str
    error: str | None = None
    run_id: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    seconds: float = 0.0
    stopped_by: str | None = None


def run(
    words: Sequence[str],
    *,
    forward_signals: bool = False,
    environment: Mapping[str, str] | None = None,
    limit_s: float | None = None,
    grace_s: float = GRACE_S,
) -> Outcome:
    """Does one run and sleeps until it is over; never raises for what goes wrong in it.

    `environment` is laid over this process's own. Past `limit_s` the trial gets SIGTERM, and SIGKILL `grace_s` later.
    With `forward_signals`, as commands want it, SIGINT or SIGTERM of this process goes on to the trial, once, and the
    outcome says so; without, no handler is installed, and a KeyboardInterrupt ends the trial and is raised. Linux ends
    the trial with SIGTERM when the thread that started it is gone (elsewhere a trial whose parent is killed goes on to
    its end).
    """
    began = time.monotonic()
    forwarding = signals.Forwarding()
    with forwarding if forward_signals else nullcontext():
        child = _started(words, environment or {})
        forwarding.add(child)
        with _limited(child, limit_s, grace_s) as over:
            out, err = _output(child, grace_s)
    last, code = last_line(out), child.returncode
    status, error = _end(last, code, err)
    if forwarding.stops and not last and code not in (0, 2):  # whatever an interrupted import made of it
        status = "interrupted"
    if over.is_set() and status in ("interrupted", "killed"):
        status, error = "timed_out", f"not done within {limit_s:g} s{f': {error}' if error else ''}"
    stopped_alone = signals.stop_in(code) if status == "interrupted" else None
    return Outcome(
        words=tuple(map(tracking.public_override, words)),
        exit_code=code,
        status=status,
        error=error,
        run_id=last.get("run_id"),
        metrics=last.get("metrics", {}),
        flags=tuple(last.get("flags", ())),
        seconds=time.monotonic() - began,
        stopped_by=forwarding.stops[0] if forwarding.stops else stopped_alone,
    )


def _started(words: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    own = {
        key: value for key, value in paths.child_environment().items() if key != "MLFLOW_RUN_ID"
    }  # a run of another's
    return subprocess.Popen(
        paths.module("", "run", *words),
        env={**own, **environment},
        stdin=subprocess.DEVNULL,  # a question nobody sees would wait for ever
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # else a terminal's Ctrl-C would come to it twice
        preexec_fn=signals.end_with_parent(os.getpid()),
    )


def _output(child: "subprocess.Popen[str]", grace_s: float) -> tuple[str, str]:
    """Standard output and error of the trial, once it is over; an exception meanwhile ends the trial first."""
    try:
        return child.communicate()
    except BaseException:  # KeyboardInterrupt, where signals are the caller's own
        with _limited(child, 0.0, grace_s):
            child.communicate()
        raise


@contextmanager
def _limited(child: "subprocess.Popen[str]", limit_s: float | None, grace_s: float) -> Iterator[Event]:
    """Ends a trial that goes on for longer than `limit_s`, and sets the event then. The thread sleeps on a lock."""
    passed, over = Event(), Event()

    def watch() -> None:
        if over.wait(limit_s):
            return
        passed.set()
        child.terminate()
        if not over.wait(grace_s):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signals.SIGKILL)  # not its recorder, which has a session of its own

    thread = Thread(target=watch, daemon=True) if limit_s is not None else None
    if thread:
        thread.start()
    try:
        yield passed
    finally:
        over.set()
        if thread:
            thread.join()


def last_line(out: str) -> dict[str, Any]:
    """The JSON object of the last line; empty where the process died before it."""
    try:
        found = json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) and "status" in found else {}


def _end(last: Mapping[str, Any], code: int, err: str) -> tuple[str, str | None]:
    """How it ended and why, from the last line, the exit code and the last words on standard error."""
    if last:
        # measured, but not recorded: exit code 1 and the reason in the last line
        return ("failed" if code and last["status"] == "finished" else last["status"]), last.get("error")
    lines = [line.strip() for line in err.splitlines() if line.strip()][-SAID:]
    said = f"; last said: {' / '.join(lines)}" if lines else ""
    if code == 2 and lines:
        return "refused", lines[-1].removeprefix("error: ")
    if stop := signals.stop_in(code):
        return "interrupted", f"stopped by {stop} before anything was measured"
    if code < 0:
        return "killed", f"killed by {signals.name(-code)}{said}"
    return "failed", f"exit code {code} without a last line{said}"
