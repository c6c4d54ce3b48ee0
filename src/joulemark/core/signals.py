"""Everything that handles signals: handlers, masks, forwarding to child processes.

Handlers belong to the command line. A library call installs none in the user's own process unless it is asked to, and
works off the main thread, where Python allows no handler at all.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Protocol

SIGINT, SIGTERM, SIGHUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
SIGKILL, SIGUSR2 = signal.SIGKILL, signal.SIGUSR2
NOHUP = signal.getsignal(SIGHUP) is signal.SIG_IGN  # the command was typed after `nohup`: a hang-up ends nothing
STOPS = (SIGINT, SIGTERM) if NOHUP else (SIGINT, SIGTERM, SIGHUP)
ASLEEP_LEAST_S = 0.1  # two clocks are read one after the other


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or the end of the terminal (SIGHUP) reached the run; carries the signal's name.

    Like KeyboardInterrupt it is not an `Exception`, so that no handler for ordinary errors swallows it.
    """

    @staticmethod
    def by(number: int, frame: FrameType | None) -> None:
        """Raises it once, as a handler of signals: a cluster signals each process of a job, and its parent again."""
        _install(signal.SIG_IGN, STOPS)
        raise Interrupted(name(number))


def name(number: int) -> str:
    """The signal's name, `SIGTERM`."""
    return signal.Signals(number).name


def exit_code(signal_name: str) -> int:
    """The exit code of a process that a signal stopped: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP."""
    return 128 + signal.Signals[signal_name]


def stop_in(code: int) -> str | None:
    """The name of the stop (SIGINT, SIGTERM or SIGHUP) that an exit code stands for; None for any other end."""
    return next((stop.name for stop in STOPS if code in (-stop, 128 + stop)), None)


def stop_of(reason: str | None) -> str | None:
    """The name of the stop that ended a run, as its reason tells; None where it tells none."""
    return next((stop.name for stop in (SIGINT, SIGTERM, SIGHUP) if stop.name in (reason or "")), None)


def interrupt_on_stop() -> None:
    """From here on the first stop raises Interrupted in the main thread, and further ones are ignored."""
    _install(Interrupted.by, STOPS)


class Suspensions:
    """How often this process was stopped (Ctrl-Z, SIGSTOP) and went on, or the machine slept, since it was made.

    Its handler of SIGCONT belongs to the command line, as every handler does.
    """

    def __init__(self) -> None:
        self._continued = 0
        self._asleep_s = _asleep_s()
        _install(self._count, (signal.SIGCONT,))

    def __call__(self) -> int:
        """The number until now."""
        asleep_s = _asleep_s()
        if asleep_s - self._asleep_s > ASLEEP_LEAST_S:
            self._asleep_s = asleep_s
            self._continued += 1
        return self._continued

    def _count(self, number: int, frame: FrameType | None) -> None:
        self._continued += 1


def _asleep_s() -> float:
    """Seconds that the machine has slept since boot; 0 where the kernel does not tell."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if boottime is None else time.clock_gettime(boottime) - time.clock_gettime(time.CLOCK_MONOTONIC)


def reset_stops() -> None:
    """From here on SIGINT, SIGTERM and SIGHUP do what they usually do, though whoever started this ignored them."""
    _install(signal.SIG_DFL, (SIGINT, SIGTERM, SIGHUP))


def ignore_stops() -> None:
    """From here on SIGINT, SIGTERM and SIGHUP do nothing."""
    _install(signal.SIG_IGN, (SIGINT, SIGTERM, SIGHUP))


def linger_when_stopped(seconds: float) -> None:
    """In a child process: ignores SIGINT, and ends `seconds` after SIGTERM, which its parent may have blocked in it."""
    _install(signal.SIG_IGN, (SIGINT,))
    _install(lambda number, frame: threading.Timer(seconds, os._exit, (1,)).start(), (SIGTERM,))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {SIGTERM})


def kill(process_id: int) -> None:
    """SIGKILL: ends a process that listens to no softer signal."""
    os.kill(process_id, SIGKILL)


def _install(handler: Any, numbers: tuple[int, ...]) -> dict[int, Any]:
    """Installs one handler for several signals; returns the handlers that were there."""
    return {number: signal.signal(number, handler) for number in numbers}


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def blocked(number: int) -> Iterator[None]:
    """Within it the signal waits for this thread; a process started within keeps it blocked for good."""
    with _masked(signal.SIG_BLOCK, number):
        yield


@contextmanager
def unblocked(number: int) -> Iterator[None]:
    """Within it the signal comes to this thread, and to the processes started within."""
    with _masked(signal.SIG_UNBLOCK, number):
        yield


@contextmanager
def _masked(how: int, number: int) -> Iterator[None]:
    before = signal.pthread_sigmask(how, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Restores the handlers of SIGINT and SIGTERM at its end: some packages install their own (ray.init)."""
    before: dict[int, Any] = {number: signal.getsignal(number) for number in STOPS}
    try:
        yield
    finally:
        if _in_main_thread():
            _restore(before)


@contextmanager
def deferred() -> Iterator[None]:
    """Within it the first SIGINT or SIGTERM waits for the end and then does what its handler would have done.

    A second one does it at once. Only what a command asked for (`interrupt_on_stop`) is deferred: in a process whose
    handlers are the user's own, and off the main thread, this does nothing.
    """
    interrupting = tuple(number for number in STOPS if signal.getsignal(number) is Interrupted.by)
    if not _in_main_thread() or not interrupting:
        yield
        return
    received: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) == 2:
            Interrupted.by(number, frame)

    before = _install(take, interrupting)
    try:
        yield
    finally:
        if len(received) < 2:
            _restore(before)
        if len(received) == 1:
            Interrupted.by(received[0], None)


class Withheld:
    """Within it a stop comes through where it is let in, and nowhere else: what happens in between is done whole.

    The first stop raises Interrupted within `admitted`, at once or as soon as that is entered; further ones do nothing,
    as after any stop. Only what a command asked for (`interrupt_on_stop`) is withheld, as in `deferred`.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._admitted = self._raised = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Withheld":
        interrupting = tuple(number for number in STOPS if signal.getsignal(number) is Interrupted.by)
        if _in_main_thread() and interrupting:
            self._before = _install(self._take, interrupting)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._raised:  # the stops that follow are ignored by now
            return
        _restore(self._before)
        if self._received is not None and kind is None:
            Interrupted.by(self._received, None)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Within it a stop is let in."""
        self._admitted = True
        try:
            self._let_in()
            yield
        finally:
            self._admitted = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        self._received = self._received or number
        if self._admitted:
            self._let_in()

    def _let_in(self) -> None:
        if self._received is not None and not self._raised:
            self._raised = True
            Interrupted.by(self._received, None)


class Process(Protocol):
    """A child process as subprocess.Popen and psutil know it."""

    def send_signal(self, sig: int, /) -> None:
        """Sends it a signal."""


class Forwarding:
    """Within it the first SIGINT or SIGTERM goes on to each child process, once, and ends nothing here.

    Off the main thread it installs nothing, and forwards nothing.

    Attributes:
        stops: names of all signals that came, in order.
    """

    def __init__(self) -> None:
        self.stops: list[str] = []
        self._pending: list[Process] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Forwarding":
        if _in_main_thread():
            self._before = _install(self._take, STOPS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _restore(self._before)

    def add(self, process: Process) -> None:
        """One more child process; a signal that came before it was started is forwarded to it now."""
        self._pending.append(process)
        self._forward()

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.stops.append(name(number))
        self._forward()

    def _forward(self) -> None:
        # pop is one step for the interpreter: a signal in the middle of this cannot be sent twice
        with suppress(IndexError):
            while self.stops:
                self._pending.pop().send_signal(signal.Signals[self.stops[0]])


@contextmanager
def as_termination(number: int) -> Iterator[list[int]]:
    """Within it this signal of the main thread counts as a SIGTERM; yields a list that gets one entry for each."""
    received: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.raise_signal(SIGTERM)

    before = _install(terminate, (number,))
    try:
        yield received
    finally:
        _restore(before)


@contextmanager
def waking_main_thread(number: int) -> Iterator[None]:
    """Within it the main thread, however asleep, runs Python's handler of this signal whichever thread it came to."""
    receiving, sending = os.pipe()
    os.set_blocking(sending, False)
    before = signal.set_wakeup_fd(sending, warn_on_full_buffer=False)
    main = threading.main_thread().ident
    assert main is not None

    def wake() -> None:
        while (received := os.read(receiving, 1)) not in (b"", b"\0"):
            if received[0] == number:
                # any signal that does nothing will do: the system call ends, and Python runs pending handlers
                signal.pthread_kill(main, signal.SIGURG)

    urgent = _install(lambda number, frame: None, (signal.SIGURG,))
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
        _restore(urgent)
