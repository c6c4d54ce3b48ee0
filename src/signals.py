"""Which signals come to a thread, and to the processes that it starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def masked(how: int, number: int) -> Iterator[None]:
    """Blocks or unblocks (`how`) a signal for this thread; what it starts within keeps that for good."""
    before = signal.pthread_sigmask(how, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
