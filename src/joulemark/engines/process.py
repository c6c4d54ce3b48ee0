"""A server's process: started with its log in a private file, watched, and ended with all that it started."""

import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from joulemark.core import paths, signals
from joulemark.engines import address, supervisor

ERROR = re.compile(r"\b\w*(Error|Exception)\b\W")  # a line that says what went wrong, among those of a traceback
LOG_END = 20_000  # bytes of the log's end that are searched for it
LAST_WORDS = 300  # characters of it that are quoted
LOOK_S = 0.2  # seconds between two looks at a server that starts
CLOSING_S = supervisor.GRACE_S + 10.0


class ServerProcess:
    """A command that runs, as one family of processes.

    Attributes:
        name: the engine's, for messages
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        handle, path = tempfile.mkstemp(prefix="joulemark-", suffix=".log")  # readable by its user alone
        self._log = Path(path)
        try:
            self._process = subprocess.Popen(
                paths.module("engines.supervisor", str(supervisor.GRACE_S), *command),
                env=paths.child_environment(environment),
                stdin=subprocess.PIPE,
                stdout=handle,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is the measuring process's to handle
            )
        except BaseException:
            self._log.unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)
        self._closed = threading.Event()

    def processes(self) -> Sequence[int]:
        """Ids of all its processes."""
        return address.family(self._process.pid)

    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def watch(self, died: Callable[[str], None]) -> None:
        """Calls `died` with its last words, from another thread, if it ends before it is closed."""

        def wait() -> None:
            self._process.wait()
            if not self._closed.is_set():
                died(f"engine={self.name} has died: {self.last_words()}")

        threading.Thread(target=wait, name="engine's end", daemon=True).start()

    def last_words(self) -> str:
        """The last line of its log that names an error, else the last one, else its exit code."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - LOG_END))
            text = log.read().decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        found = next((line for line in reversed(lines) if ERROR.search(line)), lines[-1] if lines else "")
        code = self._process.poll()
        words = found if len(found) <= LAST_WORDS else f"{found[:LAST_WORDS]}…"
        return words or ("it has said nothing" if code is None else f"it ended with exit code {code} and said nothing")

    def close(self) -> None:
        """Ends it, softly and after some seconds by force, and removes its log."""
        self._closed.set()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                with suppress(ProcessLookupError):
                    signals.kill(process)
            self._process.wait()
        self._log.unlink(missing_ok=True)


def wait_until(ready: Callable[[], bool], process: ServerProcess, timeout_s: float) -> bool:
    """Whether it became ready, before it ended and within that time."""
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s and not process.ended():
        if ready():
            return True
        time.sleep(LOOK_S)
    return False
