"""Events on their way from an engine's thread to the one that drives it, and the news that the engine has died."""

import queue
import threading
from collections.abc import Sequence

from joulemark.core.serving import Clock, Event


class Mailbox:
    """What an engine's threads put in and its driver takes out; waiting is sleep, not polling.

    Attributes:
        clock: the run's clock, by which events are dated and the driver's patience is measured
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._arrived: queue.SimpleQueue[Event | None] = queue.SimpleQueue()  # None: the engine has died
        self._last_words: str | None = None

    def tokens(self, number: int, count: int) -> None:
        """Part of an answer came, now."""
        self._arrived.put(Event(number, "tokens", self.clock.now(), tokens=count))

    def put(self, event: Event) -> None:
        """An event that is dated already."""
        self._arrived.put(event)

    def failed(self, number: int, reason: str) -> None:
        """A request failed, now."""
        self._arrived.put(Event(number, "failed", self.clock.now(), reason=reason))

    def died(self, last_words: str) -> None:
        """The engine has died: what came before is still handed over, then taking raises."""
        self._last_words = last_words
        self._arrived.put(None)

    def take(self, until_s: float) -> Sequence[Event]:
        """All that has come; waits for the first until that moment of the clock.

        Raises:
            RuntimeError: the engine has died and everything it sent was taken; its last words
        """
        patience = min(until_s - self.clock.now(), threading.TIMEOUT_MAX)
        events: list[Event] = []
        try:
            found = self._arrived.get(timeout=patience) if patience > 0 else self._arrived.get_nowait()
            while found is not None:
                events.append(found)
                found = self._arrived.get_nowait()
        except queue.Empty:
            return events
        self._arrived.put(None)  # whoever asks again is told again
        if events:
            return events
        raise RuntimeError(self._last_words)


def one_line(error: BaseException) -> str:
    """An error as a reason: its kind and the first line of its message."""
    message = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
