"""What every case is held to: an answer within ten seconds, or a mistake said in one line."""

import signal
from contextlib import contextmanager

from joulemark.core.errors import UserError

LONGEST_S = 10  # of a processor: on a busy machine a case waits for one
WAITED_S = 120  # in all


class HangError(BaseException):
    """A case took longer than anybody waits; no handler of an ordinary error takes it for one."""


def examined(examine, case):
    """Examines a case; fails for any error but a UserError of one line, and after ten seconds."""
    mistake = None
    try:
        with at_most(LONGEST_S, WAITED_S):
            examine(case)
    except UserError as error:
        mistake = str(error)
    except HangError as error:  # an ordinary failure from here on, which hypothesis shows with its case
        raise AssertionError(str(error)) from error
    assert mistake is None or "\n" not in mistake


@contextmanager
def at_most(worked_s, waited_s):
    """Ends what is in it after so many seconds of the processor, or of the clock, with a HangError."""

    def hung(number, _):
        raise HangError(f"over {worked_s} s of work" if number == signal.SIGPROF else f"over {waited_s} s")

    before = {number: signal.signal(number, hung) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, worked_s)
    signal.setitimer(signal.ITIMER_REAL, waited_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
