"""What a sweep does where another run or sweep measures on its card: it refuses in one line, or waits.

A sweep holds its cards' sweep locks from beginning to end, beside which each of its trials takes the lock of a run
(hardware/gpu_lock.py): a second sweep does not come between two trials of the first. A single run may, and is waited
for or ends the sweep, by `sweep.busy`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.suggest import choose
from joulemark.hardware.gpu_lock import TAKEN, held
from joulemark.sweep.trial import Outcome

WAIT, REFUSE = "wait", "refuse"
FOREVER_S = 1e9
TO_WAIT = "sweep.busy=wait"

Measure = Callable[[Sequence[str], float | None], Outcome]
Report = Callable[[str], None]


def checked(busy: str) -> str:
    """The value of `sweep.busy`; UserError where it is neither `wait` nor `refuse`."""
    if busy not in (WAIT, REFUSE):
        raise UserError(choose("sweep.busy", busy, (WAIT, REFUSE)))
    return busy


@contextmanager
def sweeping(hardware: Hardware | None, busy: str, report: Report) -> Iterator[None]:
    """Holds the cards for a whole sweep; UserError at once where another sweep or run has one and `busy` refuses."""
    if hardware is None:
        yield
        return
    _wait_until_free(hardware, busy, report, "sweep-")
    with held(hardware, FOREVER_S if busy == WAIT else 0.0, wait_option=TO_WAIT, kind="sweep-"):
        _wait_until_free(hardware, busy, report, "")
        yield


def ready(hardware: Hardware | None, busy: str, report: Report) -> None:
    """Returns once no other run is on the cards; UserError where one is and `busy` refuses."""
    if hardware is not None:
        _wait_until_free(hardware, busy, report, "")


def refused_as_busy(outcome: Outcome) -> bool:
    """Whether another run took the cards between the check and the trial, so that the trial did not begin."""
    return outcome.status == "refused" and TAKEN in (outcome.error or "")


def _wait_until_free(hardware: Hardware, busy: str, report: Report, kind: str) -> None:
    """Returns once nobody holds the cards' locks of this kind."""
    try:
        with held(hardware, 0.0, wait_option=TO_WAIT, kind=kind):
            return
    except UserError as error:
        if busy == REFUSE:
            raise
        report(f"waits: {str(error).partition(';')[0]}; Ctrl-C ends the wait")
    with held(hardware, FOREVER_S, wait_option=TO_WAIT, kind=kind):
        return
