"""Stand-ins whose every joule and second is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.procedure import Procedure
from joulemark.core.task import Prediction, Task

CPU = Hardware(name="cpu", device="cpu", precisions=("fp32",))


class FakeClock:
    """A clock that stands still until something takes time."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def zero(self) -> float:
        return 1_764_000_000.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def driven(meter: Any, driver: Any, **options: Any) -> tuple[Any, FakeClock, Any]:
    """A meter that reads a stand-in of its driver, by one clock; the meter, the clock, the driver."""
    clock = FakeClock()
    made = driver(clock, **options)
    return meter(made, clock.now, clock.sleep), clock, made


@dataclass
class FakeMeter:
    """Known watts by component on the fake clock; `edge_s` is what its own start and stop take, at `idle_w`."""

    clock: FakeClock
    watts: dict[str, float]
    name: str = "fake"
    method: str = "replayed"
    edge_s: float = 0.0
    events: list[str] = field(default_factory=list)
    absent: str | None = None
    opened: bool = False
    vendor: str | None = None

    @property
    def capability(self) -> Capability:
        return Capability(dict.fromkeys(self.watts, (self.method,)), trust=0, vendor=self.vendor)

    def open(self, hardware: Hardware) -> None:
        from joulemark.core.errors import UserError

        if self.absent:
            raise UserError(self.absent)
        self.opened = True

    def start(self) -> None:
        self.events.append(f"{self.name} start")
        self._began = self.clock.now()
        self.clock.sleep(self.edge_s)

    def stop(self) -> Reading:
        self.clock.sleep(self.edge_s)
        self.events.append(f"{self.name} stop")
        duration = self.clock.now() - self._began
        joules: Any = {f"{component}_j": watts * duration for component, watts in self.watts.items()}
        return Reading(self.name, duration, **joules, method=dict.fromkeys(self.watts, self.method))

    def close(self) -> None:
        self.opened = False


def procedure(**changes: Any) -> Procedure:
    """The standard protocol's values, with some changed."""
    values = {
        "name": "test",
        "idle_s": 5.0,
        "idle_parts": 5,
        "warmup_batches": 4,
        "warmup_max_s": 60.0,
        "converge_batches": 2,
        "converge_rel": 0.1,
        "window_s": 10.0,
        "min_windows": 3,
        "max_windows": 10,
        "measure_max_s": 600.0,
        "ci95_rel": 0.02,
        "pause_s": 0.0,
        "stage_s": 0.0,
        "stage_requests": 4,
        "lock_wait_s": 0.0,
        "busy_max": 0.05,
        "cool_c": 5.0,
        "cool_max_s": 0.0,
        "stall_s": 900.0,
        "audit_rel": 0.01,
        "audit_long_s": 10.0,
        "audit_sampled_rel": 0.05,
        "audit_clock_rel": 0.01,
        "audit_power_rel": 0.1,
    }
    return Procedure(**{**values, **changes})


@dataclass(frozen=True)
class FakeModel:
    """Answers every input with its own upper case after `seconds` on the fake clock, or fails as told."""

    clock: FakeClock
    seconds: float = 0.5
    kind: str = "fake"
    role: str = "specialist"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(("text",), ("label",)))
    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint(id="fake/model", weights="embedded"))
    error: BaseException | None = None
    fails_after: int = 0

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        calls = 0
        self.clock.sleep(2.0)

        def predict(inputs: Sequence[Any]) -> list[Prediction]:
            nonlocal calls
            calls += 1
            if self.error is not None and calls > self.fails_after:
                raise self.error
            self.clock.sleep(self.seconds)
            return [Prediction(str(text).split()[0], units=1, input_tokens=len(str(text).split())) for text in inputs]

        return Loaded(predict, {"parameters": 7})
