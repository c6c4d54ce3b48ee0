"""One measured run on a card at a time: two would count each other's joules.

A lock of the operating system on a file named after the card's UUID: a killed run lets go of it by dying. Of several
cards the locks are taken in the order of their UUIDs, by every run alike: two runs never wait for each other.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware

TAKEN = "is being measured by process"
LOOK_S = 1.0  # between two looks at a lock that is waited for long


@contextmanager
def held(
    hardware: Hardware,
    wait_s: float,
    folder: Path | None = None,
    word: str = "protocol.lock_wait_s=600",
    kind: str = "",
) -> Iterator[None]:
    """Holds the locks of all the run's cards, after at most `wait_s` seconds together.

    UserError with the holder's process id where one is taken; `word` is what the user may type to wait for it. `kind`
    tells locks of another purpose on the same card apart.
    Nothing is locked without a card: the processor is always shared, and a run on it says so by its evidence.
    """
    until_s = time.monotonic() + wait_s
    with ExitStack() as locks:
        for uuid, index in sorted(zip(hardware.uuids, hardware.indices, strict=True)):
            path = (folder or Path(tempfile.gettempdir())) / f"joulemark-{kind}{uuid}.lock"
            locks.enter_context(_one(path, f"GPU {index} ({uuid})", max(0.0, until_s - time.monotonic()), word))
        yield


@contextmanager
def _one(path: Path, card: str, wait_s: float, word: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait_s, mode=0o666)
    try:
        lock.acquire(poll_interval=min(LOOK_S, max(0.05, wait_s / 100)))
    except Timeout:
        raise UserError(
            f"{card} {TAKEN} {_holder(path)}; wait for it, type {word} to queue, or hardware.index=… for another card"
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
