"""Who measures a trial, and whether that process is still there.

On this machine the system knows: by process id and start. Of another machine's worker its beats are counted, which a
thread of the worker writes while the worker sleeps beside its trial. No two clocks are compared: whoever watches notes
how long a beat has stood still before its own eyes.
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

BEAT_S = 30.0  # between two beats: one write of a process that does not measure
GONE_S = 150.0  # a beat that stood still for so long before somebody's eyes is a dead worker's


def own(card: str | None = None) -> dict[str, Any]:
    """This process as others may look for it, and the card it measures on."""
    import psutil

    process = psutil.Process()
    began = process.create_time()
    return {"host": socket.gethostname(), "where": where(), "pid": os.getpid(), "began": began, "card": card}


def where() -> str:
    """The machine since it was started and, in a container, the container: within it a process id means one process."""
    started, within = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    found = [started.read_text().strip()] if started.exists() else []
    return " ".join([socket.gethostname(), *found, *([os.readlink(within)] if within.exists() else [])])


@dataclass
class Watch:
    """One worker's view of the others."""

    clock: Callable[[], float] = time.monotonic
    _here: str = field(default_factory=where)
    _seen: dict[int, tuple[int, float, float]] = field(default_factory=dict)  # of a trial: beat, still for, last look

    def dead(self, trial: int, worker: Mapping[str, Any], beat: int) -> bool:
        """Whether the worker of this trial is gone, by all that can be known here and now."""
        if worker.get("where") == self._here:
            return _gone(worker["pid"], worker["began"])
        now = self.clock()
        before, still_s, looked = self._seen.get(trial, (beat, 0.0, now))
        # Between two looks far apart nobody watched: the storage may have been away, and with it the beats
        still_s = still_s + min(now - looked, BEAT_S) if beat == before else 0.0
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
    over = Event()

    def beat() -> None:
        count = 0
        while not over.wait(every_s):
            count += 1
            write(count)

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
