"""One trial: a run in a process of its own, and what became of it.

    this process                          python -m src.run …
    ────────────                          ───────────────────
    starts ────────── overrides ────────▶ measures
    asleep on its pipes ◀──── a line ──── each stage, once
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

from joulemark.core import paths, process_tree, signals, tracking
from joulemark.sweep.concealed import concealed

# Between SIGTERM and SIGKILL. A run needs seconds to leave its record; one that hangs in the driver never does.
GRACE_S = 30.0

ERROR_LINES = 3  # of standard error that are kept of a process that died without a last line


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: all of its last line, or why there was none.

    Attributes:
        overrides: of the run
        exit_code: negative for a signal's number
        status: `finished`, `failed`, `interrupted` (SIGINT or SIGTERM), `refused` (by its overrides or surroundings:
            exit code 2), `killed` (by another signal) or `timed_out`
        error: in one line
        run_id: None where the trial did not report it; its record may be in MLflow all the same
        unsaved: the folder where its record waits; None where the store has it
        metrics: of the run, None where not available
        flags: of the run
        seconds: that the process lived
        stopped_by: the signal that stopped this process, or the trial alone: what was to come after is not wanted
        tries: lines of options that the run's diagnosis names, the one that may save most first
        moves: lines of options that may feed the device better, with the share of a request's time that each removes at
            most, None where that is not known; of a run that measured its stages
        process: id of the first record of the process that measured it and others (sweep/shared.py); None of its own
    """

    overrides: tuple[str, ...]
    exit_code: int
    status: str
    error: str | None = None
    run_id: str | None = None
    unsaved: str | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    seconds: float = 0.0
    stopped_by: str | None = None
    process: str | None = None
    tries: tuple[str, ...] = ()
    moves: tuple[tuple[str, float | None], ...] = ()


def run(
    overrides: Sequence[str],
    *,
    forward_signals: bool = False,
    environment: Mapping[str, str] | None = None,
    limit_s: float | None = None,
    grace_s: float = GRACE_S,
) -> Outcome:
    """Makes one run and sleeps until it is over; never raises for what goes wrong in it.

    `environment` is laid over this process's own. Past `limit_s` the trial gets SIGTERM, and SIGKILL `grace_s` later.
    With `forward_signals`, as commands want it, SIGINT or SIGTERM of this process goes on to the trial, once, and the
    outcome says so; without, no handler is installed, and a KeyboardInterrupt ends the trial and is raised. Linux ends
    the trial with SIGTERM when the thread that started it is gone (elsewhere a trial whose parent is killed goes on to
    its end).
    """
    began_s = time.monotonic()
    forwarding = signals.Forwarding()
    with forwarding if forward_signals else nullcontext():
        arguments, secrets = concealed(overrides)
        child = started(paths.module("", "run", *arguments), {**(environment or {}), **secrets})
        forwarding.add(child)
        with limited(child, limit_s, grace_s) as timed_out:
            out, err = _output(child, grace_s)
    ended = End(last_line(out), child.returncode, err, limit_s if timed_out.is_set() else None)
    return outcome(overrides, ended, forwarding.stops, time.monotonic() - began_s)


@dataclass(frozen=True)
class End:
    """How a measured run ended.

    Attributes:
        last: its last line; empty without one
        code: the exit code of its process, 0 where that goes on
        err: what it wrote to standard error
        over_s: the limit that it went beyond; None where it did not
    """

    last: Mapping[str, Any]
    code: int
    err: str
    over_s: float | None = None


def outcome(overrides: Sequence[str], ended: End, stops: Sequence[str], seconds: float) -> Outcome:
    """What became of a run, `stops` being the signals that this process took meanwhile."""
    last, code = ended.last, ended.code
    status, error = _end(last, code, ended.err)
    if stops and not last and code not in (0, 2):  # whatever exit code an interrupted import led to
        status = "interrupted"
    if ended.over_s is not None and status in ("interrupted", "killed"):
        status, error = "timed_out", f"not done within {ended.over_s:g} s{f': {error}' if error else ''}"
    stopped_alone = signals.stop_in(code) if status == "interrupted" else None
    return Outcome(
        overrides=tuple(map(tracking.public_override, overrides)),
        exit_code=code,
        status=status,
        error=error,
        run_id=last.get("run_id"),
        unsaved=last.get("unsaved"),
        metrics=last.get("metrics", {}),
        flags=tuple(last.get("flags", ())),
        seconds=seconds,
        stopped_by=stops[0] if stops else stopped_alone,
        process=last.get("process"),
        tries=tuple(last.get("try", ())),
        moves=tuple((line, share) for line, share in last.get("feeding", ())),
    )


def started(
    command: Sequence[str], environment: Mapping[str, str], stdin: int = subprocess.DEVNULL
) -> "subprocess.Popen[str]":
    """A process that measures, which ends with this one; nobody sees a question, so it has no input to wait for."""
    # MLFLOW_RUN_ID would name a run of another's
    inherited = {key: value for key, value in paths.child_environment().items() if key != "MLFLOW_RUN_ID"}
    return subprocess.Popen(
        list(command),
        env={**inherited, **environment},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # else a terminal's Ctrl-C would come to it twice
        preexec_fn=process_tree.end_with_parent(os.getpid()),
    )


def _output(child: "subprocess.Popen[str]", grace_s: float) -> tuple[str, str]:
    """Standard output and error of the trial, once it is over; an exception meanwhile ends the trial first."""
    try:
        return child.communicate()
    except BaseException:  # KeyboardInterrupt, where signals are the caller's own
        with limited(child, 0.0, grace_s):
            child.communicate()
        raise


@contextmanager
def limited(child: "subprocess.Popen[str]", limit_s: float | None, grace_s: float) -> Iterator[Event]:
    """Ends a trial that goes on for longer than `limit_s`, and sets the event then. The thread sleeps on a lock."""
    timed_out, ended = Event(), Event()

    def watch() -> None:
        if ended.wait(limit_s):
            return
        timed_out.set()
        child.terminate()
        if not ended.wait(grace_s):
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signals.SIGKILL)  # not its recorder, which has a session of its own

    thread = Thread(target=watch, daemon=True) if limit_s is not None else None
    if thread:
        thread.start()
    try:
        yield timed_out
    finally:
        ended.set()
        if thread:
            thread.join()


def last_line(out: str) -> dict[str, Any]:
    """The JSON object of the last line; empty where the process died before it."""
    try:
        last = json.loads(out.splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return last if isinstance(last, dict) and "status" in last else {}


def _end(last: Mapping[str, Any], code: int, err: str) -> tuple[str, str | None]:
    """Its status and error, from the last line, the exit code and the last lines on standard error."""
    if last:
        return ("failed" if code and last["status"] == "finished" else last["status"]), last.get("error")
    lines = [line.strip() for line in err.splitlines() if line.strip()][-ERROR_LINES:]
    last_error = f"; standard error: {' / '.join(lines)}" if lines else ""
    if code == 2 and lines:
        return "refused", lines[-1].removeprefix("error: ")
    if stop := signals.stop_in(code):
        return "interrupted", f"stopped by {stop} before anything was measured"
    if code < 0:
        return "killed", f"killed by {signals.name(-code)}{last_error}"
    return "failed", f"exit code {code} without a last line{last_error}"
