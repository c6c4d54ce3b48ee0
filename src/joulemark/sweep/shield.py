"""A few lines that a signal must not cut in two: a claim and its trial, an outcome and its writing."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def shielded() -> Iterator[None]:
    """Within it the first SIGINT or SIGTERM waits for the end and then does what it would have done.

    A second one does it at once. Only the main thread can shield itself: signals come to no other.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        came.append(number)
        if len(came) == 2:
            _do(before[number], number, frame)

    before: dict[int, Any] = {number: signal.signal(number, take) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if len(came) == 1:
            _do(before[came[0]], came[0], None)


def _do(handler: Any, number: int, frame: FrameType | None) -> None:
    if callable(handler):
        handler(number, frame)
    elif handler == signal.SIG_DFL:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
