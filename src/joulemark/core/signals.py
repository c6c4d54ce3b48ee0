"""Which signals come to a thread, and to the processes that it starts."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def masked(how: int, number: int) -> Iterator[None]:
    """Blocks or unblocks (`how`) a signal for this thread; what it starts within keeps that for good."""
    before = signal.pthread_sigmask(how, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM reached the run; carries the signal's name.

    Like KeyboardInterrupt it is not an `Exception`, so that no handler for ordinary errors swallows it.
    """

    @staticmethod
    def by(number: int, frame: FrameType | None) -> None:
        """Raises it once, as a handler of signals: a cluster signals each process of a job, and its parent again."""
        for further in (signal.SIGINT, signal.SIGTERM):
            signal.signal(further, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)
