"""One measured run per GPU at a time: two would meter each other's energy.

An operating-system lock on a file named after the GPU's UUID, which ends with its process. Several locks are taken in
the order of the UUIDs, so two runs never wait for each other.
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
POLL_S = 1.0  # longest interval between attempts to take a lock


@contextmanager
def held(
    hardware: Hardware,
    wait_s: float,
    folder: Path | None = None,
    wait_option: str = "protocol.lock_wait_s=600",
    kind: str = "",
) -> Iterator[None]:
    """Holds the locks of the run's GPUs, waiting at most `wait_s` seconds for all of them.

    `wait_option` is the option that makes a command wait; `kind` distinguishes locks of another purpose on one GPU.
    Without a GPU nothing is locked: the processor is always shared, which the evidence of its energy shows.

    Raises:
        UserError: another process holds a lock; names its process id.
    """
    until_s = time.monotonic() + wait_s
    with ExitStack() as locks:
        for uuid, index in sorted(zip(hardware.uuids, hardware.indices, strict=True)):
            path = (folder or Path(tempfile.gettempdir())) / f"joulemark-{kind}{uuid}.lock"
            locks.enter_context(_lock(path, f"GPU {index} ({uuid})", max(0.0, until_s - time.monotonic()), wait_option))
        yield


@contextmanager
def _lock(path: Path, gpu: str, wait_s: float, wait_option: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=wait_s, mode=0o666)
    try:
        lock.acquire(poll_interval=min(POLL_S, max(0.05, wait_s / 100)))
    except Timeout:
        raise UserError(
            f"{gpu} {TAKEN} {_holder(path)}; wait for it, type {wait_option} to queue, "
            "or hardware.index=… for another GPU"
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
