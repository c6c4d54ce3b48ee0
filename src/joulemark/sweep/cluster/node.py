"""What a job does on its node: one `python -m src.run …` process, and its outcome sent back.

The cluster's scheduler sends signals, to this process and often to all below it as well.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from joulemark.core import signals
from joulemark.sweep import trial
from joulemark.sweep.trial import Outcome

TIME_IS_UP = signals.SIGUSR2  # what submitit has Slurm send before a job's time is up


def under_slurm(overrides: Sequence[str]) -> Outcome:
    """One run in a job of Slurm; warned before the job's time is up, it leaves its record and `timed_out`.

    Slurm warns every process of the job, and a run without a handler for this signal would die of it: it is blocked in
    this thread, which the run and all below it inherit, and comes to another one of this process.
    """
    with (
        signals.as_termination(TIME_IS_UP) as received,  # submitit's handler would break off what is running
        signals.waking_main_thread(TIME_IS_UP),
        signals.blocked(TIME_IS_UP),
    ):
        outcome = trial.run(overrides, forward_signals=True)
    if received and outcome.status in ("interrupted", "killed"):
        return replace(outcome, status="timed_out", error=f"the job's time was up: {outcome.error}")
    return outcome


def under_ray(overrides: Sequence[str], environment: Mapping[str, str], limit_s: float | None) -> Outcome:
    """One run in a task of Ray; `environment` is the submitting machine's, since a task has its node's.

    ray.cancel sets Python's mark of a SIGINT, which alone ends no system call; and Ray blocks the signal itself in its
    workers, whose children inherit that.
    """
    if "OMP_NUM_THREADS" not in environment:
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's own, one thread a task: another setting than was requested
    with signals.waking_main_thread(signals.SIGINT), signals.unblocked(signals.SIGINT):
        return trial.run(overrides, forward_signals=True, environment=environment, limit_s=limit_s)
