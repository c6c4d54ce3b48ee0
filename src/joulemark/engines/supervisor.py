"""Runs one command and ends it, with every process that it started, once this program is told to or its parent is gone.

    python -m src.run                     python -m joulemark.engines.supervisor SECONDS COMMAND …
    ─────────────────                     ────────────────────────────────────────────────────────
    start ─────────────────────────────▶  COMMAND …, in a session of its own; asleep on its pipe
    close, Ctrl-C, SIGKILL: the pipe ──▶  SIGTERM to all of them, after SECONDS SIGKILL
                   exit code  ◀────────── COMMAND has ended by itself: so do its descendants

A server forks workers, some of them in sessions of their own; here they stay in one family (PR_SET_CHILD_SUBREAPER).
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from joulemark.core import process_tree, signals

GRACE_S = 10.0  # how long a server may take to end by itself


def main(grace_s: float, command: Sequence[str]) -> int:
    """Runs the command until it ends or the pipe closes; its exit code."""
    process_tree.adopt_descendants()
    signals.ignore_stops()  # whoever started this decides, by the pipe
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=process_tree.started_anew(os.getpid()))
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return 127
    threading.Thread(target=_end_when_told, args=(grace_s,), daemon=True).start()
    code = child.wait()
    _end_family(grace_s)
    return code if code >= 0 else 128 - code


def _end_when_told(grace_s: float) -> None:
    while os.read(0, 4096):
        pass
    _end_family(grace_s)


def _end_family(grace_s: float) -> None:
    """Ends every descendant of this process: by SIGTERM, and those that are left after so long by SIGKILL."""
    import psutil

    family = psutil.Process().children(recursive=True)
    for process in family:
        _send(process, signals.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=grace_s)
    for process in [*left, *psutil.Process().children(recursive=True)]:
        _send(process, signals.SIGKILL)


def _send(process: signals.Process, number: int) -> None:
    import psutil

    with suppress(psutil.Error):  # it has ended meanwhile
        process.send_signal(number)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
