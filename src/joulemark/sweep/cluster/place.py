"""Runs made on a cluster, behind the same command, table and last line as runs made here (sweep/multirun.py).

    this process                    a job of the cluster                  python -m src.run …
    ────────────                    ────────────────────                  ───────────────────
    checks all runs, submits ─────▶ sweep/cluster/node.py ── overrides ──▶ measures, its record to the MLflow server
    polls once a second       ◀──── Outcome               ◀─ last line ─── exits

A job that the cluster ended without an outcome gets one with the cluster's reason.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from joulemark.config.compose import composed
from joulemark.config.run import Run
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.hardware import devices
from joulemark.sweep.multirun import Report
from joulemark.sweep.trial import Outcome

POLL_S = 1.0
# After Ctrl-C: a run has seconds to leave its record, Slurm kills it after its KillWait (30 s by default)
CANCEL_S = 120.0


class Queue(Protocol):
    """A cluster's scheduler: jobs are submitted to it, and their outcomes read from it."""

    name: str

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """Submits a job for each run's overrides, with so many GPUs; returns the cluster's names of them, in order."""

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        """Those of the jobs that are over, with their outcomes; None for one that was cancelled before it began."""

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancels them."""

    def close(self) -> None:
        """Disconnects from the cluster; its jobs go on."""


@dataclass
class Cluster:
    """The place of sweep/multirun.py whose runs are jobs of a cluster.

    Attributes:
        queue: its scheduler
        cards: GPUs of each job; None: as many as the hardware of its run names
        wanted: GPUs of each job, once the runs are known
    """

    queue: Queue
    cards: int | None = None
    wanted: int = field(default=0, init=False)

    def run(self, overrides: Sequence[str]) -> Run:
        """The run, checked without the node's card: what only the node knows is refused there, as that run's row."""
        return composed(overrides, devices.unseen)

    def ready(self, runs: Sequence[Run]) -> None:
        """UserError for a store that several machines cannot write to."""
        for run in runs:
            require_shared(run.tracking_uri)
        self.wanted = max((len(run.hardware.uuids) for run in runs), default=0) if self.cards is None else self.cards

    def ahead(self, runs: Sequence[Run]) -> str:
        """How many there are: when each begins is the cluster's to decide."""
        return f"{many(len(runs), 'run')} to make, as many at once as {self.queue.name} has room for"

    def device(self, run: Run) -> str:
        """The name of what the run is measured on."""
        return f"hardware={run.hardware.name} of the cluster's nodes"

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str], report: Report
    ) -> Iterator[tuple[int, Outcome]]:
        """All at once, as far as the cluster has room; a signal cancels those that are not over."""
        try:
            yield from watched(self.queue, jobs, names, stops, self.wanted, report)
        finally:
            self.queue.close()


def watched(
    queue: Queue, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str], cards: int, report: Report
) -> Iterator[tuple[int, Outcome]]:
    """Each job's place and outcome as it ends; once `stops` names a signal all others are cancelled and waited for."""
    waiting = {job: place for place, job in enumerate(queue.submit(jobs, cards))}
    for job, place in waiting.items():
        report(f"{place + 1} of {len(jobs)}  {names[place]}  {queue.name} job {job}")
    until_s = None
    while waiting:
        if stops and until_s is None:
            report(f"stopped by {stops[0]}: cancels {queue.name} job {', '.join(waiting)}")
            queue.cancel(list(waiting))
            until_s = time.monotonic() + CANCEL_S
        for job, outcome in queue.ended(list(waiting)).items():
            place = waiting.pop(job)
            if outcome is not None:
                report(f"{place + 1} of {len(jobs)}  {names[place]}  {outcome.status}")
                yield place, outcome
        if waiting and until_s is not None and time.monotonic() > until_s:
            report(f"{queue.name} has not ended job {', '.join(waiting)} within {CANCEL_S:g} s; check on them")
            return
        if waiting:
            time.sleep(POLL_S)


def require_shared(tracking_uri: str) -> None:
    """UserError for a store that several machines cannot write to."""
    if tracking.sqlite_path(tracking_uri):
        raise UserError(
            f"tracking_uri={tracking_uri} is a file, which the nodes of a cluster cannot share; start a server "
            "(mlflow server) and type tracking_uri=http://HOST:5000 as the nodes see it"
        )
