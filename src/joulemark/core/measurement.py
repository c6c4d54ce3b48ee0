"""What was measured: readings of meters, windows of work, and all of a run's in order. A value not read is `None`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from joulemark.core.machine import Hardware

COMPONENTS = ("gpu", "cpu", "ram")


# How a component's energy came to be known, strongest evidence first.
# `wall` is the whole machine's, never a component's.
METHODS = ("counter", "rapl", "wall", "sampled", "replayed", "estimated", "constant")

# Of these, the ones that are a hardware counter's difference over the window
COUNTERS = ("counter", "rapl")

# Maker -> the values of `Hardware.device` that its own interfaces read
VENDORS = {"nvidia": ("cuda",), "amd": ("rocm",), "apple": ("cpu", "mps")}


@dataclass(frozen=True)
class Reading:
    """What one meter saw between its start and its stop.

    Joules per component, None where this meter does not see it; `method` names the evidence of each component read.
    `gpu_utilization` is the busy share of the GPU in [0, 1] as its driver sampled it, where the meter asks it; `trace`
    holds the samples (seconds since the start, watts) of a meter that takes them, and `sensor` says which of a card's
    power readings they are (`instant` or `average`). `wall_j` is the whole machine at its socket, which holds the
    components and never is one of them. `within_s` and `around_s` are what this program's own clock says: from the end
    of `start` to the beginning of `stop`, and from the beginning of `start` to the end of `stop`.
    Of several GPUs `gpu_j` is the sum and `gpu_utilization` the mean; `gpu_j_by_uuid` holds the parts, where the meter
    reads each for itself, and is empty for one.
    """

    meter: str
    duration_s: float
    gpu_j: float | None = None
    cpu_j: float | None = None
    ram_j: float | None = None
    method: Mapping[str, str] = field(default_factory=dict)
    gpu_utilization: float | None = None
    trace: Sequence[tuple[float, float]] = ()
    within_s: float | None = None
    around_s: float | None = None
    sensor: str | None = None
    wall_j: float | None = None
    gpu_j_by_uuid: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Capability:
    """What a class of meters reads, by what evidence, and how far it is trusted.

    Attributes:
        evidence: component (gpu, cpu, ram; wall) -> the METHODS it may be read by, strongest first.
        trust: rank among the meters that read the same component; the highest is the one reported.
        vendor: the maker whose devices alone it reads (a key of VENDORS); None for any machine.
    """

    evidence: Mapping[str, tuple[str, ...]]
    trust: int
    vendor: str | None = None

    def reads(self, hardware: Hardware) -> bool:
        """Whether devices of this kind are within its reach; the machine may still lack the sensor."""
        return self.vendor is None or hardware.device in VENDORS[self.vendor]

    def counts(self, component: str) -> bool:
        """Whether the component is read by a hardware counter and in no other way."""
        methods = self.evidence.get(component, ())
        return bool(methods) and set(methods) <= set(COUNTERS)


class Meter(Protocol):
    """One sensor: `open` takes the slow first steps, `start` and `stop` bracket a window, `close` releases it.

    `open` raises UserError with the reason and the remedy where the sensor cannot be read.
    After `close` a meter is done. `start` and `stop` may be called many times in between.
    """

    capability: ClassVar[Capability]

    @property
    def name(self) -> str: ...
    def open(self, hardware: Hardware) -> None: ...
    def start(self) -> None: ...
    def stop(self) -> Reading: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Window:
    """One measured stretch of whole passes over the inputs.

    `readings` holds every meter's view, most trusted first; `batch_s` the latency of each batch of each pass, in
    order. `cpu_utilization` is the busy share of all host cores, in [0, 1].
    """

    duration_s: float
    readings: tuple[Reading, ...]
    passes: int
    requests: int
    units: int
    batch_s: Sequence[float]
    cpu_utilization: float | None = None


@dataclass(frozen=True)
class GpuState:
    """The card at one moment between two windows, as its driver tells it; None for what it does not tell.

    Of several cards: the hottest temperature, the slowest clock, the sum of their power, the highest utilization, the
    reasons of all and whoever is on any.

    `at_s` is on the run's own clock; `reasons` are the bits of NVML's clock event reasons; `others` are the process
    ids that compute on the card beside this run's own.
    """

    at_s: float
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    power_w: float | None = None
    utilization: float | None = None
    reasons: int | None = None
    others: tuple[int, ...] | None = None


@dataclass(frozen=True)
class StageWindow:
    """One stage of an inference, measured alone: again and again on what the stage before it had given.

    Nothing is subtracted: the window holds this stage's calls and no others. Its requests count the repetitions.
    """

    name: str
    window: Window


@dataclass(frozen=True)
class Work:
    """What one request asks of the device: counted, not timed, in one call outside every window.

    `flops` are those of matrix products, convolutions and attention, a multiply-add as two; `bytes_read` those of the
    parameters, as often as they are read. Both are means over the requests of one batch, which share its reads.
    """

    flops: float
    bytes_read: float


@dataclass(frozen=True)
class Measurement:
    """Everything measured, in order; means and intervals are computed when it is read, never stored.

    `load` are the readings of loading the model, `idle` those of the idle baseline (model loaded): every meter's view
    of its first part, then of the next; `warmup` those of warming up, empty where that was too short for a meter.
    `batch_sizes` has the requests of each batch of one pass. `converged` tells whether the interval that the
    protocol asks for was reached; `warmup_converged` whether the latency was steady before the first window.
    `gpu_states` are those before the idle baseline, before each window and after the last. `stopped_early` tells that
    windows were spared, since another setting is better whatever they had brought (analysis/early_stopping.py). `work`
    is that of the batch whose latency is nearest the mean; None where it cannot be counted.
    """

    load: tuple[Reading, ...] = ()
    idle: tuple[Reading, ...] = ()
    warmup: tuple[Reading, ...] = ()
    warmup_batch_s: Sequence[float] = ()
    warmup_converged: bool | None = None
    batch_sizes: Sequence[int] = ()
    windows: tuple[Window, ...] = ()
    converged: bool | None = None
    stopped_early: bool = False
    peak_memory_bytes: int | None = None
    stages: tuple[StageWindow, ...] = ()
    gpu_states: tuple[GpuState, ...] = ()
    work: Work | None = None
