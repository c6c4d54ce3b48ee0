"""Served traffic: when requests come, what an engine that answers them promises, and the limits an answer must keep.

All moments are seconds of one clock, the run's; those of a schedule are seconds after the traffic began.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from joulemark.core.machine import Hardware
from joulemark.core.model import Model, Settings
from joulemark.core.task import Prediction, Sample, Task

BATCH = "batch"  # the scenario without arrivals: fixed batches, one after the other
TRANSFORMERS = "transformers"  # the engine of fixed batches
# Of an engine that is started: which program, with what around it. Code that runs, as a class is
STARTED = ("command", "environment", "packages", "remedy", "distribution", "flag_style")


@dataclass(frozen=True)
class Limits:
    """What an answer must keep to count as good; a limit that is None binds nothing.

    Attributes:
        ttft_s: time to first token, s, from the moment the request came
        tpot_s: mean time per output token after the first, s
        latency_s: the whole answer, s, from the moment the request came
        percentile: share of the answers, in percent, that must keep each limit for a load to pass: one of PERCENTILES
    """

    ttft_s: float | None = None
    tpot_s: float | None = None
    latency_s: float | None = None
    percentile: float = 99.0


PERCENTILES = (50.0, 90.0, 99.0)  # of times, those that a run keeps
ONE_OF = "a percentile of the answers that a run keeps: 50, 90 or 99"
LIMITS = ("ttft_s", "tpot_s", "latency_s")  # of Limits, those that bind an answer


@dataclass(frozen=True)
class Lengths:
    """How long one request and its answer are; None: as the task has it.

    Attributes:
        input_tokens: tokens of the prompt
        output_tokens: tokens of the answer, exactly
    """

    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True)
class Schedule:
    """When the requests of a run come: at moments of their own (open loop), or from users who wait (closed loop).

    Attributes:
        requests: number of requests
        at_s: when each comes, s after the traffic began, ascending; None in a closed loop
        users: users of a closed loop, each of whom sends the next request after the last answer; None in an open one
        think_time_s: seconds that each request's user waits before sending it, after the answer before; empty: none
        lengths: length of each request and its answer, where the schedule says so; empty: as the task has them
    """

    requests: int
    at_s: Sequence[float] | None = None
    users: int | None = None
    think_time_s: Sequence[float] = ()
    lengths: Sequence[Lengths] = ()


class Scenario(Protocol):
    """How requests arrive: a description that is cheap to make, in a frozen dataclass; one file of conf/scenario.

    Attributes:
        limits: what an answer must keep to count as good
        timeout_s: seconds after which a request counts as timed out and is cancelled
        max_duration_s: seconds of traffic after which nothing more is sent, and what is under way is cancelled
    """

    @property
    def limits(self) -> Limits:
        """What an answer must keep to count as good."""

    @property
    def timeout_s(self) -> float:
        """Seconds after which a request counts as timed out."""

    @property
    def max_duration_s(self) -> float:
        """Seconds of traffic at most."""

    def schedule(self, samples: int, seed: int) -> Schedule | None:
        """When at least `samples` requests come, the same for the same seed; None of fixed batches."""


@dataclass(frozen=True)
class Call:
    """One request as it is sent to an engine.

    Attributes:
        number: its place in the traffic, from 0
        input: the sample's input: text, fields of a prompt, or the messages of a chat
        min_new_tokens: fewest tokens of the answer; None where no tokens are generated, or the engine may choose
        max_new_tokens: most tokens of the answer; None where no tokens are generated, or the engine may choose
        input_tokens: tokens that the prompt is to have, by repeating and cutting it; None: as it is
    """

    number: int
    input: Any
    min_new_tokens: int | None = None
    max_new_tokens: int | None = None
    input_tokens: int | None = None


@dataclass(frozen=True)
class Event:
    """Something that an engine gave back, when this program had it.

    Attributes:
        number: the call's
        kind: `tokens` (part of an answer came), `finished` (the whole of it), `failed`
        at_s: when, seconds of the run's clock
        tokens: tokens that came with this part, of kind `tokens`
        prediction: the whole answer, of kind `finished`; its counts of tokens are the engine's own
        reason: why, in one line, of kind `failed`
    """

    number: int
    kind: Literal["tokens", "finished", "failed"]
    at_s: float
    tokens: int = 0
    prediction: Prediction | None = None
    reason: str | None = None


class Clock(Protocol):
    """The run's clock."""

    def now(self) -> float:
        """Seconds of a monotonic clock."""

    def sleep(self, seconds: float) -> None:
        """Does nothing for that long."""


class Server(Protocol):
    """An engine that is up. Driven by one thread: `send` returns at once, `events` is the only place that waits.

    Attributes:
        facts: what is up (version, settings as the engine reports them, checkpoint, parameters, …), JSON values; keys
            that are attributes of `ModelFacts` become those
        processes: ids of the processes that are the engine's own, whose work is the run's; empty in this process
    """

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is up, as JSON values."""

    @property
    def processes(self) -> Sequence[int]:
        """Ids of the engine's own processes."""

    def send(self, call: Call) -> None:
        """Asks; never blocks, never raises for what becomes of the request: that is an event."""

    def events(self, until_s: float) -> Sequence[Event]:
        """What has come since; waits for the first event until that moment of the run's clock, then gives none.

        Raises:
            RuntimeError: the engine has died, with its last words in one line
        """

    def cancel(self, number: int) -> None:
        """Gives a request up; no event of it need follow."""

    def judge(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Mapping[str, float | None]:
        """Further metrics that need the model to compute, outside any window; empty where there are none."""

    def peak_memory_bytes(self) -> int | None:
        """The device memory's high-water mark since the start; None where it cannot be known."""

    def close(self) -> None:
        """Ends the engine and all its processes, at the latest after some seconds by force."""


@dataclass(frozen=True)
class EngineNeeds:
    """What an engine needs of a run, checked before anything heavy is imported.

    Attributes:
        kinds: kinds of model that it runs; empty for all
        lengths: whether each answer can have a length of its own
        local: whether it runs the model in this process, under the run's settings
        weights: whether it needs the checkpoint's files on this machine
        settings: setting -> the only values that it takes; a setting that is not here may have any
    """

    kinds: tuple[str, ...] = ()
    lengths: bool = True
    local: bool = False
    weights: bool = True
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


class Engine(Protocol):
    """What answers requests: a description that is cheap to make until `start`; one file of conf/engine.

    Attributes:
        needs: what it needs of a run
    """

    needs: ClassVar[EngineNeeds]

    @property
    def name(self) -> str:
        """The option that chose it."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The engine's own settings, as JSON values: for the record, and part of what makes runs a cell."""

    def check(self, model: Model, task: Task, hardware: Hardware) -> None:
        """Refuses what it cannot run, before anything heavy is imported; UserError, one line."""

    def start(self, model: Model, task: Task, device: str, settings: Settings, clock: Clock) -> Server:
        """The engine, up and answering; the only expensive step. `device` is torch's name of it.

        Raises:
            UserError: it cannot be had here, nobody answers, it serves another model: what to do, in one line
        """


@dataclass(frozen=True)
class EngineFacts:
    """The engine of a run, for the record.

    Attributes:
        name: the option that chose it
        version: of the program or library that answered; None where it does not tell
        options: its own settings
    """

    name: str = TRANSFORMERS
    version: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenarioFacts:
    """The scenario of a run, for the record.

    Attributes:
        name: the option that chose it
        options: its values, limits included
    """

    name: str = BATCH
    options: Mapping[str, Any] = field(default_factory=dict)
