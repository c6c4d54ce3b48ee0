"""What a job does on its node: one `python -m src.run …` process, and its outcome sent back.

The cluster's scheduler speaks in signals, once to this process and often to all below it as well.
"""

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from joulemark.core.signals import masked
from joulemark.sweep import trial
from joulemark.sweep.trial import Outcome

ASKED = signal.SIGUSR2  # what submitit has Slurm send before a job's time is up


def under_slurm(words: Sequence[str]) -> Outcome:
    """One run in a job of Slurm; asked to end before the job's time is up, it leaves its record and `timed_out`.

    Slurm asks every process of the job, and a run that does not know this signal would die of it: it is blocked in this
    thread, which the run and all below it inherit, and comes to another one of this process.
    """
    asked: list[int] = []

    def end(number: int, frame: object) -> None:
        asked.append(number)
        signal.raise_signal(signal.SIGTERM)  # which trial.run hands on

    before = signal.signal(ASKED, end)  # submitit's would break off what goes on
    try:
        with _woken(ASKED), masked(signal.SIG_BLOCK, ASKED):
            outcome = trial.run(words)
    finally:
        signal.signal(ASKED, before)
    if asked and outcome.status in ("interrupted", "killed"):
        return replace(outcome, status="timed_out", error=f"the job's time was up: {outcome.error}")
    return outcome


def under_ray(words: Sequence[str], environment: Mapping[str, str], limit_s: float | None) -> Outcome:
    """One run in a task of Ray; `environment` is of the machine that asked, since a task has its node's.

    ray.cancel sets Python's mark of a SIGINT, which alone ends no system call; and Ray blocks the signal itself in its
    workers, whose children inherit that.
    """
    if "OMP_NUM_THREADS" not in environment:
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's own, one thread a task: another setting than was asked for
    with _woken(signal.SIGINT), masked(signal.SIG_UNBLOCK, signal.SIGINT):
        return trial.run(words, environment=environment, limit_s=limit_s)


@contextmanager
def _woken(number: int) -> Iterator[None]:
    """Within it the main thread, however asleep, runs Python's handler of this signal whichever thread it came to."""
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    before = signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    main = threading.main_thread().ident
    assert main is not None

    def wake() -> None:
        while (got := os.read(receiving, 1)) not in (b"", b"\0"):
            if got[0] == number:
                # any signal that does nothing will do: the system call ends, and Python looks at its marks
                signal.pthread_kill(main, signal.SIGURG)

    urgent = signal.signal(signal.SIGURG, lambda number, frame: None)
    thread = threading.Thread(target=wake, daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(sending, b"\0")
        thread.join()
        os.close(sending)
        os.close(receiving)
        signal.signal(signal.SIGURG, urgent)
