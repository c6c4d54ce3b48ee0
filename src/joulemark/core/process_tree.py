"""Child processes that end with their parent, and descendants that a process adopts: prctl(2) of Linux."""

import ctypes
import os
import sys
from collections.abc import Callable

from joulemark.core import signals

PR_SET_PDEATHSIG = 1  # prctl(2), Linux
PR_SET_CHILD_SUBREAPER = 36


def end_with_parent(parent: int) -> Callable[[], None] | None:
    """For `preexec_fn`: the kernel sends the child SIGTERM once the thread that started it is gone (prctl(2)).

    `parent` is the process id of the starting process. None where the system is not Linux.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, int(signals.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(128 + signals.SIGTERM)

    return follow


def started_anew(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: signals that this process ignores do what they usually do; and as `end_with_parent`."""
    follow = end_with_parent(parent)

    def begin() -> None:
        signals.reset_stops()
        if follow is not None:
            follow()

    return begin


def adopt_descendants() -> None:
    """From here on descendants whose parent ends become children of this process (prctl(2)); nothing but on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
