"""What a sweep does where another run or sweep measures on its card: refuses in one line, or waits until that is done.

A sweep holds its cards' sweep locks from beginning to end, beside which each of its trials takes the lock of a run
(src/lock.py): a second sweep does not come between two trials of the first. A single run may, and is waited for or
ends the sweep, as was chosen.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from src.core import Hardware, UserError
from src.lock import TAKEN, held
from src.trial import Outcome
from src.words import choose

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


def between(measure: Measure, hardware: Hardware | None, busy: str, say: Say) -> Measure:
    """Measures once no other run is on the cards; UserError where one is and `busy` refuses."""
    if hardware is None:
        return measure
    cards = hardware

    def measured(words: Sequence[str], limit_s: float | None) -> Outcome:
        while True:
            _await(cards, busy, say, "")
            outcome = measure(words, limit_s)
            if outcome.status != "refused" or TAKEN not in (outcome.error or ""):
                return outcome  # else another run came between the look and the trial

    return measured


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
