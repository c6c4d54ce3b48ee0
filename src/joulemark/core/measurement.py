"""What was measured: readings of meters, windows of work, and all of a run's in order. None is not available."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from joulemark.core.machine import Hardware
from joulemark.core.quantities import Amount, Count, Number, Positive, Share
from joulemark.core.traffic import Traffic

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
    """What one meter measured between its start and its stop.

    Attributes:
        meter: name of the meter
        duration_s: seconds by the meter's own clock
        gpu_j: joules of the GPUs, their sum; None where the meter does not read them
        cpu_j: joules of the processor; None where the meter does not read it
        ram_j: joules of the memory; None where the meter does not read it
        method: evidence of each component read, one of METHODS
        gpu_utilization: busy share of the GPUs in [0, 1] as the driver sampled it, their mean
        trace: samples of a meter that takes them: seconds since the start, watts
        within_s: seconds from the end of `start` to the beginning of `stop`, by this program's clock
        around_s: seconds from the beginning of `start` to the end of `stop`, by this program's clock
        sensor: which of a GPU's power readings the samples are, `instant` or `average`
        wall_j: joules of the whole machine at its socket, which contains the components and is none of them
        gpu_j_by_uuid: joules of each of several GPUs, where the meter reads each for itself; empty for one
        at_s: when the meter had started, seconds on the run's clock; None in records of before it was kept
    """

    meter: str
    duration_s: Amount
    gpu_j: float | None = None
    cpu_j: float | None = None
    ram_j: float | None = None
    method: Mapping[str, str] = field(default_factory=dict)
    gpu_utilization: Share | None = None
    trace: Sequence[tuple[float, float]] = ()
    within_s: float | None = None
    around_s: float | None = None
    sensor: str | None = None
    wall_j: float | None = None
    gpu_j_by_uuid: Mapping[str, float] = field(default_factory=dict)
    at_s: float | None = None


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

    One that may read another machine than this has an attribute `machine`: that machine's host name, None for this one.
    """

    capability: ClassVar[Capability]

    @property
    def name(self) -> str:
        """The name of its readings."""

    def open(self, hardware: Hardware) -> None:
        """Takes the slow first steps; UserError where the sensor cannot be read."""

    def start(self) -> None:
        """Begins a stretch of work."""

    def stop(self) -> Reading:
        """Ends it; what was read since `start`."""

    def close(self) -> None:
        """Lets go of the sensor."""


@dataclass(frozen=True)
class Window:
    """One measured stretch of whole passes over the inputs.

    Attributes:
        duration_s: seconds of the work alone
        readings: reading of each meter, most trusted first
        passes: whole passes over the inputs
        requests: requests of all passes
        units: work done, in the task's unit
        batch_s: latency of each batch of each pass, in order, seconds; of more than 20,000 so many of the requests',
            evenly spaced from the least to the most
        cpu_utilization: busy share of all host cores, in [0, 1]
        others_cpu_share: share of all host cores that other processes kept busy, in [0, 1]; None where unknown
        mean_s: mean latency of a request, seconds, where `batch_s` holds some of many; None where it holds all
    """

    duration_s: Positive
    readings: tuple[Reading, ...]
    passes: Number
    requests: Number
    units: Count
    batch_s: Sequence[Amount]
    cpu_utilization: Share | None = None
    others_cpu_share: Share | None = None
    mean_s: Amount | None = None


@dataclass(frozen=True)
class GpuState:
    """The GPUs of a run at one moment between two windows; None for what the driver does not report.

    Attributes:
        at_s: seconds on the run's clock
        temperature_c: the highest of the GPUs
        sm_clock_hz: the lowest of the GPUs
        power_w: the sum over the GPUs
        utilization: the highest of the GPUs, in [0, 1]
        reasons: bits of NVML's clock event reasons, of all GPUs
        others: ids of other processes that compute on any of the GPUs
        memory_bytes: memory in use on all GPUs together, by whichever process
    """

    at_s: float
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    power_w: float | None = None
    utilization: float | None = None
    reasons: int | None = None
    others: tuple[int, ...] | None = None
    memory_bytes: float | None = None


@dataclass(frozen=True)
class StageWindow:
    """One stage of an inference, measured alone: again and again on what the stage before it had given.

    Nothing is subtracted: the window holds this stage's calls and no others.

    Attributes:
        name: of the stage: `preprocessing`, `prefill`, `decode`, …
        window: what was measured; its requests count the repetitions
    """

    name: str
    window: Window


@dataclass(frozen=True)
class Work:
    """What one request asks of the device: counted, not timed, in one call outside every window.

    Both are means over the requests of one batch, which share its reads.

    Attributes:
        flops: of matrix products, convolutions and attention, a multiply-add as two
        bytes_read: of the parameters, as often as they are read
    """

    flops: Amount
    bytes_read: Amount


@dataclass(frozen=True)
class Measurement:
    """Everything measured, in order; means and intervals are computed when it is read, never stored.

    Attributes:
        load: readings of loading the model
        idle: readings of the idle baseline, model loaded: of every meter for its first part, then for the next
        warmup: readings of the warm-up; empty where it was too short for a meter
        warmup_batch_s: latency of each batch of the warm-up, seconds, the first 20,000
        warmup_converged: whether the latency had converged before the first window
        batch_sizes: requests of each batch of one pass; empty of more than 20,000
        windows: measured windows
        converged: whether the interval that the protocol asks for was reached
        idle_age_s: seconds from the idle baseline to the run's warm-up, where it is that of an earlier run of the same
            process, on the same loaded model; None of one of its own
        stopped_early: whether windows were left out, since another setting is better (analysis/early_stopping.py)
        window_half_rel: half of the 95 % interval of one window over the mean, by the scatter of the windows of earlier
            runs of the process, where that ended the run after its first window; else None
        peak_memory_bytes: peak device memory since the load; None without an accelerator
        stages: window of each stage of an inference
        gpu_states: GPU states before the idle baseline, before each window and after the last
        work: FLOPs and bytes of the batch whose latency is nearest the mean; None where they cannot be counted
        suspended_windows: windows that were left out since the process or the machine was stopped within them
        traffic: the requests of served traffic together; None of fixed batches
        clock_zero_s: when the run's clock was zero, seconds since the epoch; None in records of before it was kept
    """

    load: tuple[Reading, ...] = ()
    idle: tuple[Reading, ...] = ()
    warmup: tuple[Reading, ...] = ()
    warmup_batch_s: Sequence[Amount] = ()
    warmup_converged: bool | None = None
    batch_sizes: Sequence[Number] = ()
    windows: tuple[Window, ...] = ()
    converged: bool | None = None
    stopped_early: bool = False
    idle_age_s: Amount | None = None
    window_half_rel: Amount | None = None
    peak_memory_bytes: Count | None = None
    stages: tuple[StageWindow, ...] = ()
    gpu_states: tuple[GpuState, ...] = ()
    work: Work | None = None
    suspended_windows: Count = 0
    traffic: Traffic | None = None
    clock_zero_s: float | None = None
