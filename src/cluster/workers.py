"""Workers of a sweep as jobs of a cluster: each the sweep's own line, which joins the study that all of them share.

A worker is what `python -m src.run -m sweep=… storage=postgresql+psycopg://… tracking_uri=http://…` is anywhere; where
it runs is all that is different here.
"""

import sys
from collections.abc import Sequence

from src.cluster.place import Queue, watched
from src.trial import Outcome

OWN = ("hydra/launcher", "hydra.launcher.", "sweep.workers")  # words of the command that starts workers


def line(words: Sequence[str]) -> list[str]:
    """The words of one worker: those of the sweep without where its workers run and how many there are."""
    return ["-m", *(word for word in words if word != "-m" and not word.lstrip("+~").startswith(OWN))]


def start(lines: Sequence[Sequence[str]], queue: Queue, stops: list[str], cards: int = 0) -> list[int]:
    """Runs each line on a node, waits, and returns their exit codes, of those that never began 143.

    `stops` is where the caller's handlers put the names of signals: one cancels all workers, whose study goes on later.
    """
    names = [f"worker {number}" for number in range(1, len(lines) + 1)]
    ended: dict[int, Outcome] = {}
    try:
        for place, outcome in watched(queue, lines, names, stops, cards):
            ended[place] = outcome
            if outcome.error:
                print(f"{names[place]} {outcome.status}: {outcome.error}", file=sys.stderr, flush=True)
    finally:
        queue.close()
    return [ended[place].exit_code if place in ended else 143 for place in range(len(lines))]
