"""What every case is held to: an answer within ten seconds, or a mistake said in one line."""

import signal
from contextlib import contextmanager

from joulemark.core.errors import UserError

LONGEST_S = 10


class HangError(BaseException):
    """A case took longer than anybody waits; no handler of an ordinary error takes it for one."""


def examined(examine, case):
    """Examines a case; fails for any error but a UserError of one line, and after ten seconds."""
    mistake = None
    with at_most(LONGEST_S):
        try:
            examine(case)
        except UserError as error:
            mistake = str(error)
    assert mistake is None or "\n" not in mistake


@contextmanager
def at_most(seconds):
    """Ends what is in it after so many seconds with a HangError."""

    def hung(*_):
        raise HangError(f"over {seconds} s")

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
