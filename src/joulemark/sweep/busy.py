"""What a sweep does where another run or sweep measures on its card: refuses in one line, or waits until that is done.

A sweep holds its cards' sweep locks from beginning to end, beside which each of its trials takes the lock of a run
(hardware/gpu_lock.py): a second sweep does not come between two trials of the first. A single run
may, and is waited for or ends the sweep, as was chosen.
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
WORD = "sweep.busy=wait"

Measure = Callable[[Sequence[str], float | None], Outcome]
Say = Callable[[str], None]


def checked(word: str) -> str:
    """The word; UserError where it is none of the two."""
    if word not in (WAIT, REFUSE):
        raise UserError(choose("sweep.busy", word, (WAIT, REFUSE)))
    return word


@contextmanager
def sweeping(hardware: Hardware | None, busy: str, say: Say) -> Iterator[None]:
    """Holds the cards for a whole sweep; UserError at once where another sweep or run has one and `busy` refuses."""
    if hardware is None:
        yield
        return
    _await(hardware, busy, say, "sweep-")
    with held(hardware, FOREVER_S if busy == WAIT else 0.0, word=WORD, kind="sweep-"):
        _await(hardware, busy, say, "")
        yield


def ready(hardware: Hardware | None, busy: str, say: Say) -> None:
    """Returns once no other run is on the cards; UserError where one is and `busy` refuses."""
    if hardware is not None:
        _await(hardware, busy, say, "")


def crossed(outcome: Outcome) -> bool:
    """Whether another run came between the look at the cards and the trial, so that it did not begin."""
    return outcome.status == "refused" and TAKEN in (outcome.error or "")


def _await(hardware: Hardware, busy: str, say: Say, kind: str) -> None:
    """Returns once nobody holds the cards' locks of this kind."""
    try:
        with held(hardware, 0.0, word=WORD, kind=kind):
            return
    except UserError as error:
        if busy == REFUSE:
            raise
        say(f"waits: {str(error).partition(';')[0]}; Ctrl-C ends the wait")
    with held(hardware, FOREVER_S, word=WORD, kind=kind):
        return
