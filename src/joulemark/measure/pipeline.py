"""Calls of a model on batch after batch: in turn, or with the next batches prepared while the device works.

in turn      prepare 1 ─ infer 1 ─ read 1 ─ prepare 2 ─ infer 2 ─ read 2 …                        (prefetch=0)

overlapped   threads   prepare 1 ─ prepare 2 ─ prepare 3 …
             device               infer 1 ─── infer 2 ─── infer 3 …
             here                 (launch) ── read 1 ──── read 2 …                                (prefetch=1)

A batch is begun when its preparation starts and ended when its predictions are on the host. Of the batches that are
begun and not ended, one is the device's and the others, at most `prefetch`, are ahead of it.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from joulemark.core.model import Steps
from joulemark.measure.instruments import Clock

Batch = Any


class Call(NamedTuple):
    """One call that has ended.

    Attributes:
        result: what it returned
        began_s: when the preparation of its batch began, by the clock of the run
        ended_s: when its result was on the host
    """

    result: Any
    began_s: float
    ended_s: float


Calls = Generator[Call, None, None]


def in_turn(call: Callable[[Batch], Any], batches: Iterator[Batch], clock: Clock) -> Calls:
    """Each call in its turn: nothing is done ahead of it."""
    for batch in batches:
        began_s = clock.now()
        result = call(batch)
        yield Call(result, began_s, clock.now())


def overlapped(steps: Steps, batches: Iterator[Batch], prefetch: int, clock: Clock) -> Calls:
    """The same calls in the same order, at most `prefetch` batches prepared ahead of the one on the device.

    It starts with nothing prepared and has ended when all it began has ended. Close it, and no thread is left: what is
    being prepared is waited for, the rest is dropped. The first error of a batch is raised in the batch's turn, after
    the calls before it have been given.
    """
    name = f"prepare-{id(batches):x}"
    threads = ThreadPoolExecutor(min(steps.threads, prefetch), thread_name_prefix=name)
    try:
        yield from _Overlap(steps, batches, prefetch, clock, threads).calls()
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        for thread in threading.enumerate():  # the pool knows none whose start a stop interrupted
            if thread.name.startswith(name):
                thread.join()


class _Overlap:
    """The batches that are begun and not ended: those being prepared, then those that the device was given."""

    def __init__(
        self, steps: Steps, batches: Iterator[Batch], prefetch: int, clock: Clock, threads: ThreadPoolExecutor
    ) -> None:
        self._steps, self._batches, self._prefetch = steps, batches, prefetch
        self._clock, self._threads = clock, threads
        self._preparing: deque[Future[tuple[float, Any]]] = deque()
        self._given: deque[tuple[float, Any]] = deque()

    def calls(self) -> Calls:
        """Every call, in order, as it ends."""
        while self._begin():
            try:
                self._give()
            except Exception:
                ended: list[Call] = []
                with suppress(Exception):  # the first cause is the reason
                    while self._given:
                        ended.append(self._read())
                yield from ended
                raise
            # with one batch on the device and one behind it, the device goes on while the first is read
            if len(self._given) > 1 or not self._preparing:
                yield self._read()

    def _begin(self) -> bool:
        """Begins as many batches as may be under way; whether any is."""
        while len(self._preparing) + len(self._given) <= self._prefetch:
            try:
                batch = next(self._batches)
            except StopIteration:
                break
            self._preparing.append(self._threads.submit(self._prepared, batch))
        return bool(self._preparing or self._given)

    def _prepared(self, batch: Batch) -> tuple[float, Any]:
        began_s = self._clock.now()
        return began_s, self._steps.prepare(batch)

    def _give(self) -> None:
        if self._preparing:
            began_s, prepared = self._preparing.popleft().result()
            self._given.append((began_s, self._steps.infer(prepared)))

    def _read(self) -> Call:
        began_s, output = self._given.popleft()
        return Call(self._steps.read(output), began_s, self._clock.now())
