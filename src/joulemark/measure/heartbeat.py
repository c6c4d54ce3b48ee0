"""A sign of life of the measuring process in shared memory, so that another process can tell when it hangs.

A beat is one write to memory, less than a microsecond: no file, no system call, no thread in the process that measures.
The watcher sleeps nearly all the time.
"""

import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from joulemark.core import signals

CHECKS = 20  # of the watcher in the time that a call may take


class Heart:
    """The beating end; OSError where the temporary folder is full."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="joulemark-heart-")
        self.path = Path(name)
        try:
            os.write(handle, bytes(8))
            self._memory = mmap.mmap(handle, 8)
        except OSError:
            self.stop()
            raise
        finally:
            os.close(handle)
        self._count = 0

    def beat(self) -> None:
        """Signals that this process goes on."""
        self._count += 1
        self._memory[0:8] = self._count.to_bytes(8, "little")

    def stop(self) -> None:
        """Removes the file, which ends the watcher."""
        self.path.unlink(missing_ok=True)


class Watcher:
    """The watching end, in another process: kills the one that has given no beat for `stall_s` seconds.

    The time counts from the first beat. A hung GPU call reacts to no softer signal. `hung` is called before.
    """

    def __init__(self, path: Path, stall_s: float, process: int, hung: Callable[[], None]) -> None:
        self._path, self._stall_s, self._process, self._hung = path, stall_s, process, hung
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        last, since = b"", time.monotonic()
        while True:
            try:
                now = self._path.read_bytes()
            except OSError:
                return
            if now != last or not any(now):  # its life begins with the first beat
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= self._stall_s:
                self._hung()
                signals.kill(self._process)
                self._path.unlink(missing_ok=True)
                return
            time.sleep(self._stall_s / CHECKS)
