"""One measured run per GPU at a time: two would meter each other's energy.

A lock on a file named after the GPU's UUID, for all users of the machine (lock_file.py). Several locks are taken in the
order of the UUIDs, so two runs never wait for each other.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.paths import file_name
from joulemark.hardware import lock_file

TAKEN = "is being measured by process"


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
            path = (folder or lock_file.folder()) / file_name(f"joulemark-{kind}{uuid}.lock")
            locks.enter_context(_lock(path, f"GPU {index} ({uuid})", max(0.0, until_s - time.monotonic()), wait_option))
        yield


@contextmanager
def _lock(path: Path, gpu: str, wait_s: float, wait_option: str) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(lock_file.held(path, wait_s))
        except lock_file.HeldError as holder:
            raise UserError(
                f"{gpu} {TAKEN} {holder}; wait for it, type {wait_option} to queue, or hardware.index=… for another GPU"
            ) from None
        yield
