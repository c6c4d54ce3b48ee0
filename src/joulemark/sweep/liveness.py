"""Which worker measures a trial, and whether its process still runs.

On this machine the system knows: by process id and start. Of another machine's worker the heartbeats are counted, which
a thread of the worker writes while the worker sleeps beside its trial. No two clocks are compared: whoever watches
notes how long a heartbeat has stood still as seen by itself.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

BEAT_S = 30.0  # between two heartbeats: one write of a process that does not measure
GONE_S = 150.0  # a heartbeat that stood still for so long, as seen by one watcher, is a dead worker's


def this_worker(card: str | None = None) -> dict[str, Any]:
    """This process as other workers identify it, and the card it measures on."""
    import psutil

    process = psutil.Process()
    return {
        "host": socket.gethostname(),
        "where": machine(),
        "pid": os.getpid(),
        "began": process.create_time(),
        "card": card,
    }


def machine() -> str:
    """The machine since it was started and, in a container, the container: within it a process id means one process."""
    boot_id, pid_namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    boot = [boot_id.read_text().strip()] if boot_id.exists() else []
    namespace = [os.readlink(pid_namespace)] if pid_namespace.exists() else []
    return " ".join([socket.gethostname(), *boot, *namespace])


@dataclass
class Watch:
    """One worker's view of the others. `clock` counts seconds."""

    clock: Callable[[], float] = time.monotonic
    _machine: str = field(default_factory=machine)
    # of each trial: heartbeat, seconds it has stood still, when it was last checked
    _seen: dict[int, tuple[int, float, float]] = field(default_factory=dict)

    def dead(self, trial: int, worker: Mapping[str, Any], beat: int) -> bool:
        """Whether the worker of this trial is gone, by all that can be known here and now."""
        if worker.get("where") == self._machine:
            return _gone(worker["pid"], worker["began"])
        now = self.clock()
        last_beat, still_s, seen_at = self._seen.get(trial, (beat, 0.0, now))
        # Between two checks far apart nobody watched: the storage may have been away, and with it the heartbeats
        still_s = still_s + min(now - seen_at, BEAT_S) if beat == last_beat else 0.0
        self._seen[trial] = (beat, still_s, now)
        return still_s >= GONE_S


def _gone(pid: int, began: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - began) > 1.0 or process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def beating(write: Callable[[int], None], every_s: float = BEAT_S) -> Iterator[None]:
    """Within it a thread writes 1, 2, 3, … as time passes."""
    ended = Event()

    def beat() -> None:
        count = 0
        while not ended.wait(every_s):
            count += 1
            write(count)

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
