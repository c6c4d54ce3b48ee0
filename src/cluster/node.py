"""What a job does on its node: one `python -m src.run …` process, and its outcome sent back.

The cluster's scheduler speaks in signals, once to this process and often to all below it as well.
"""

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from src import trial
from src.trial import Outcome

ASKED = signal.SIGUSR2  # what submitit has Slurm send before a job's time is up


def under_slurm(words: Sequence[str]) -> Outcome:
    """One run in a job of Slurm; asked to end before the job's time is up, it leaves its record and `timed_out`."""
    warned: list[int] = []

    def end(number: int, frame: object) -> None:
        warned.append(number)
        signal.raise_signal(signal.SIGTERM)  # which trial.run hands on

    signal.signal(ASKED, end)
    outcome = trial.run(words)
    if warned and outcome.status in ("interrupted", "killed"):
        return replace(outcome, status="timed_out", error=f"the job's time was up: {outcome.error}")
    return outcome


def under_ray(words: Sequence[str], environment: Mapping[str, str], limit_s: float | None) -> Outcome:
    """One run in a task of Ray; `environment` is of the machine that asked, since a task has its node's."""
    if "OMP_NUM_THREADS" not in environment:
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's own, one thread a task: another setting than was asked for
    with _woken():
        return trial.run(words, environment=environment, limit_s=limit_s)


@contextmanager
def _woken() -> Iterator[None]:
    """Within it ray.cancel reaches the run.

    Ray sets Python's mark of a SIGINT, which alone ends no system call; and it blocks the signal itself in its workers,
    whose children inherit that.
    """
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    before = signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    main = threading.main_thread().ident
    assert main is not None

    def wake() -> None:
        while (got := os.read(receiving, 1)) not in (b"", b"\0"):
            if got[0] == signal.SIGINT:
                # any signal that does nothing will do: the system call ends, and Python looks at its marks
                signal.pthread_kill(main, signal.SIGURG)

    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
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
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
