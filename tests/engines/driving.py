"""A server driven until every call has ended, as traffic drives it; and a model whose batches a test can see."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.serving import Call, Event, Server
from joulemark.core.task import Prediction, Task

PATIENCE_S = 120.0  # after which a test fails rather than hang; none takes that long


class RealClock:
    def now(self) -> float:
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def drive(server: Server, calls: Sequence[Call]) -> list[Event]:
    """Sends all and takes events until every call has finished or failed."""
    for call in calls:
        server.send(call)
    return until_ended(server, {call.number for call in calls})


def until_ended(server: Server, numbers: set[int]) -> list[Event]:
    clock, events, left = RealClock(), [], set(numbers)
    deadline = clock.now() + PATIENCE_S
    while left:
        assert clock.now() < deadline, f"no end of {sorted(left)}"
        for event in server.events(deadline):
            events.append(event)
            if event.kind != "tokens":
                left.discard(event.number)
    return events


@dataclass
class Watched:
    """A model that notes each batch, and fails on the input "bad"; `gate` holds a batch until it is set."""

    batches: list[list[Any]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    error: type[BaseException] = ValueError
    kind: str = "fake"
    role: str = "specialist"
    capabilities: Capabilities = field(default_factory=Capabilities)
    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint(id="fake/model", weights="embedded"))

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        def predict(inputs: Sequence[Any]) -> list[Prediction]:
            self.batches.append(list(inputs))
            self.begun.release()
            assert self.gate.wait(PATIENCE_S)
            if "bad" in inputs:
                raise self.error("first line\nsecond line")
            return [Prediction(output=f"{value}!", units=1) for value in inputs]

        return Loaded(
            predict=predict,
            facts={"parameters": 7},
            later_facts=lambda: {"batches": len(self.batches)},
            peak_memory_bytes=lambda: 11,
        )
