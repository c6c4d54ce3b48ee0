"""Runs made on a cluster, behind the same command, table and last line as runs made here (sweep/multirun.py).

    this process                    a job of the cluster              python -m src.run …
    ────────────                    ────────────────────              ───────────────────
    checks all words, submits ────▶ sweep/cluster/node.py ── words ───▶ measures, its record to the MLflow server
    looks once a second       ◀──── Outcome             ◀─ last line ─ exits

A job that the cluster ended without an outcome gets one that says what the cluster says of it.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from joulemark.config.compose import composed
from joulemark.config.run import Run
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.hardware import devices
from joulemark.sweep.trial import Outcome

LOOK_S = 1.0
# After Ctrl-C: a run has seconds to leave its record, Slurm kills it after its KillWait (30 s unless told otherwise)
CANCEL_S = 120.0


class Queue(Protocol):
    """A cluster's scheduler, told what to run and asked what became of it."""

    name: str

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """Hands in the words of each run, to be made with so many GPUs; the cluster's names of the jobs, in order."""

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        """Those of the jobs that are over, with their outcomes; None for one that was taken back before it began."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """Asks the cluster to end them."""

    def close(self) -> None:
        """Lets go of the cluster; its jobs go on."""


@dataclass
class Cluster:
    """The place of sweep/multirun.py whose runs are jobs of a cluster."""

    queue: Queue
    cards: int | None = None  # GPUs of each job; None: as many as its run's words name
    wanted: int = field(default=0, init=False)

    def run(self, words: Sequence[str]) -> Run:
        """Judged without the node's card: what only the node knows, it refuses itself, as that run's row."""
        return composed(words, devices.unseen)

    def ready(self, runs: Sequence[Run]) -> None:
        """UserError for a store that several machines cannot write to."""
        for run in runs:
            shared(run.tracking_uri)
        self.wanted = max((len(run.hardware.uuids) for run in runs), default=0) if self.cards is None else self.cards

    def device(self, run: Run) -> str:
        return f"hardware={run.hardware.name} of the cluster's nodes"

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str]
    ) -> Iterator[tuple[int, Outcome]]:
        """All at once, as far as the cluster has room; a signal cancels those that are not over."""
        try:
            yield from watched(self.queue, jobs, names, stops, self.wanted)
        finally:
            self.queue.close()


def watched(
    queue: Queue, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str], cards: int
) -> Iterator[tuple[int, Outcome]]:
    """Each job's place and outcome as it ends; once `stops` names a signal all others are cancelled and waited for."""
    waiting = {job: place for place, job in enumerate(queue.submit(jobs, cards))}
    for job, place in waiting.items():
        _say(f"{place + 1} of {len(jobs)}  {names[place]}  {queue.name} job {job}")
    until_s = None
    while waiting:
        if stops and until_s is None:
            _say(f"stopped by {stops[0]}: cancels {queue.name} job {', '.join(waiting)}")
            queue.cancel(list(waiting))
            until_s = time.monotonic() + CANCEL_S
        for job, outcome in queue.ended(list(waiting)).items():
            place = waiting.pop(job)
            if outcome is not None:
                _say(f"{place + 1} of {len(jobs)}  {names[place]}  {outcome.status}")
                yield place, outcome
        if waiting and until_s is not None and time.monotonic() > until_s:
            _say(f"{queue.name} has not ended job {', '.join(waiting)} within {CANCEL_S:g} s; look after them")
            return
        if waiting:
            time.sleep(LOOK_S)


def shared(tracking_uri: str) -> None:
    """UserError for a store that several machines cannot write to."""
    if tracking.sqlite_path(tracking_uri):
        raise UserError(
            f"tracking_uri={tracking_uri} is a file, which the nodes of a cluster cannot share; start a server "
            "(mlflow server) and type tracking_uri=http://HOST:5000 as the nodes see it"
        )


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
