"""The program's own way of running a model, under traffic: what waits forms the next batch, which is answered whole."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, ClassVar

from joulemark.core.machine import Hardware
from joulemark.core.model import Loaded, Model, Settings
from joulemark.core.serving import TRANSFORMERS, Call, Clock, EngineNeeds, Event
from joulemark.core.task import Prediction, Sample, Task
from joulemark.engines.mailbox import Mailbox, one_line
from joulemark.engines.settings import check_settings
from joulemark.models.backend import placement

CLOSING_S = 10.0  # a batch that is under way ends by itself; a thread cannot be ended by force


@dataclass(frozen=True)
class Transformers:
    """The model in this process, asked with what waits, at most `batch_size` requests at once, in the order they came.

    Every kind of model and task; an answer comes whole, so no time to first token is known, and has the task's length.
    """

    needs: ClassVar[EngineNeeds] = EngineNeeds(
        lengths=False, local=True, settings={"sort": ("none",), "batch_tokens": (0,), "prefetch": (0,)}
    )

    @property
    def name(self) -> str:
        """The option that chose it."""
        return TRANSFORMERS

    @property
    def options(self) -> Mapping[str, Any]:
        """None of its own: the run's settings are all there is."""
        return {}

    def check(self, model: Model, task: Task, hardware: Hardware) -> None:
        """Whatever this program runs, it runs under traffic."""

    def start(self, model: Model, task: Task, device: str, settings: Settings, clock: Clock) -> "BatchServer":
        """The model on its device and a thread that asks it; UserError as `Model.load`, or of `sort`."""
        check_settings(self, settings)
        return BatchServer(model.load(task, device, settings), device, settings.batch_size, clock)


class BatchServer:
    """A loaded model and the thread that asks it, until it is closed.

    Attributes:
        processes: none: it is in this process
    """

    processes: Sequence[int] = ()

    def __init__(self, loaded: Loaded, device: str, batch_size: int, clock: Clock) -> None:
        self._loaded = loaded
        self._device = device
        self._batch_size = batch_size
        self._waiting: deque[Call] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._mailbox = Mailbox(clock)
        self._thread = threading.Thread(target=self._answer, name="engine", daemon=True)
        self._thread.start()

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was loaded, the version of transformers, and what prepared the calls so far."""
        return {"version": version("transformers"), **self._loaded.facts, **self._loaded.later_facts()}

    def send(self, call: Call) -> None:
        """Asks; the call waits for the batch under way to end."""
        with self._changed:
            self._waiting.append(call)
            self._changed.notify()

    def events(self, until_s: float) -> Sequence[Event]:
        """What has come since; waits for the first until that moment. RuntimeError once the device is dead."""
        return self._mailbox.take(until_s)

    def cancel(self, number: int) -> None:
        """Drops a call that waits; one whose batch is under way is answered all the same."""
        with self._changed:
            self._waiting = deque(call for call in self._waiting if call.number != number)

    def judge(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Mapping[str, float | None]:
        """Further metrics that need the model to compute."""
        return self._loaded.judge(samples, predictions) if self._loaded.judge else {}

    def peak_memory_bytes(self) -> int | None:
        """The device memory's high-water mark since the load."""
        return self._loaded.peak_memory_bytes()

    def close(self) -> None:
        """Drops what waits and ends the thread after the batch under way, or leaves it after some seconds."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify()
        self._thread.join(CLOSING_S)

    def _answer(self) -> None:
        """The thread: batch after batch, until it is closed or the device is dead."""
        try:
            while batch := self._next_batch():
                self._predict(batch)
        except BaseException as error:
            self._mailbox.died(f"engine=transformers has died: {one_line(error)}")

    def _next_batch(self) -> list[Call]:
        """The calls that have waited longest, as many as a batch holds; waits for the first. None left: closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size))]

    def _predict(self, batch: Sequence[Call]) -> None:
        """Answers one batch; one that fails is the batch's failure, and the end where the device no longer works."""
        try:
            predictions = self._loaded.predict([call.input for call in batch])
        except Exception as error:
            reason = one_line(error)
        else:
            at_s = self._mailbox.clock.now()  # one moment for all: they came together
            for call, prediction in zip(batch, predictions, strict=True):
                self._mailbox.put(Event(call.number, "finished", at_s, prediction=prediction))
            return
        for call in batch:
            self._mailbox.failed(call.number, reason)
        placement.finished(self._device)  # raises where the error has left the device unusable, as a CUDA assert does
