"""What a measuring process leaves in its spool when native code, or a call of `os._exit`, ends it at once."""

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NoReturn

from joulemark.store import waiting
from joulemark.store.spool import Spool, note


@contextmanager
def kept(spool: Spool) -> Iterator[None]:
    """Within it a crash leaves the traceback of every thread, and `os._exit` the line that called it.

    An exit code of 0 would say that the run is over: it becomes 1.
    """
    process, leave = os.getpid(), os._exit

    def leave_with_reason(status: int) -> NoReturn:
        if os.getpid() != process:  # a fork of a library's
            leave(status)
        caller = sys._getframe(1)
        place = f"{caller.f_code.co_filename}:{caller.f_lineno}"
        note(spool.folder, "failed", f"os._exit({status}) was called in {place} {{when}}")
        leave(status or 1)

    before = faulthandler.is_enabled()
    with ExitStack() as files:
        with suppress(OSError):  # a disk that is full
            faulthandler.enable(files.enter_context(open(spool.folder / waiting.CRASH, "w", encoding="utf-8")))
        os._exit = leave_with_reason
        try:
            yield
        finally:
            os._exit = leave
            faulthandler.disable()
            if before:
                faulthandler.enable()
