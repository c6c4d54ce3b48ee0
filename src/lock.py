"""One measured run on a card at a time: two would count each other's joules.

A lock of the operating system on a file named after the card's UUID: a killed run lets go of it by dying.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.core import Hardware, UserError


@contextmanager
def held(hardware: Hardware, wait_s: float, folder: Path | None = None) -> Iterator[None]:
    """Holds the card's lock, after at most `wait_s` seconds; UserError with the holder's process id where it is taken.

    Nothing is locked without a card: the processor is always shared, and a run on it says so by its evidence.
    """
    if hardware.uuid is None:
        yield
        return
    from filelock import FileLock, Timeout

    path = (folder or Path(tempfile.gettempdir())) / f"joulemark-{hardware.uuid}.lock"
    lock = FileLock(path, timeout=wait_s, mode=0o666)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(
            f"GPU {hardware.index} ({hardware.uuid}) is being measured by process {_holder(path)}; wait for it, type "
            "protocol.lock_wait_s=600 to queue, or hardware.index=… for another card"
        ) from None
    try:
        path.with_suffix(".pid").write_text(str(os.getpid()))
        yield
    finally:
        lock.release()


def _holder(path: Path) -> str:
    try:
        return path.with_suffix(".pid").read_text()
    except OSError:
        return "unknown"
