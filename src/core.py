"""The nouns of Joulemark: frozen descriptions and results, SI units inside, standard library only.

Everything else in `src` speaks in these. A value that was not read is `None`, never zero.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

# Of Record. Raise it, with a line here, when a field changes meaning.
# 1: first release
# 2: `Measurement.idle` holds a reading of each meter for each part of the baseline, where it held one of each meter
SCHEMA = 2

COMPONENTS = ("gpu", "cpu", "ram")

# How a component's energy came to be known, strongest evidence first.
# `wall` is the whole machine's, never a component's.
METHODS = ("counter", "rapl", "wall", "sampled", "replayed", "modelled", "constant")


class UserError(Exception):
    """A mistake the user can mend: one line that says what was wrong and what to type instead (exit code 2)."""


class BadRowError(Exception):
    """A row of the data that cannot be used; its message says why. A few are skipped and counted, many stop the run."""


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM reached the run; carries the signal's name.

    Like KeyboardInterrupt it is not an `Exception`, so that no handler for ordinary errors swallows it.
    """

    @staticmethod
    def by(number: int, frame: FrameType | None) -> None:
        """Raises it once, as a handler of signals: a cluster signals each process of a job, and its parent again."""
        for further in (signal.SIGINT, signal.SIGTERM):
            signal.signal(further, signal.SIG_IGN)
        raise Interrupted(signal.Signals(number).name)


@dataclass(frozen=True)
class Sample:
    """One request: what the model is given and what a right answer looks like.

    `target` is None where the data holds no reference; such a sample cannot be scored.
    """

    id: str
    input: Any
    target: Any = None


@dataclass(frozen=True)
class Inputs:
    """The requests of one run in order, and a line for each row of the source that could not be used."""

    samples: tuple[Sample, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """What came back for one request.

    `units` is the work done in the task's unit (tokens generated, labels given, images drawn).
    `input_tokens` counts what the model read after truncation; None where tokens do not apply.
    """

    output: Any
    units: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    truncated: bool = False


# Returns host values: when it returns, the device has finished all work of the call.
Predict = Callable[[Sequence[Any]], list[Prediction]]


@dataclass(frozen=True)
class Scores:
    """The quality of one set of predictions: the task's metrics, and one score in [0, 1] per request.

    A metric that could not be computed is None; `each` has one entry per request, in order.
    """

    values: Mapping[str, float | None]
    each: Sequence[float | None]


class Task(Protocol):
    """What is asked: inputs, options and metric. All that makes two runs comparable lives here, in a frozen dataclass.

    `metric` is the name of the primary entry of the scores; higher is better.
    """

    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def metric(self) -> str: ...
    def samples(self, count: int, seed: int) -> Inputs: ...
    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores: ...


class Asking(Task, Protocol):
    """A task that a generator can be asked: it has a prompt and a budget of tokens.

    `prompt` is a format string whose fields are those of the input (`{text}`, `{question}`, …), used by general
    models only. `max_new_tokens` and `min_new_tokens` bound what may be generated for one request.
    """

    @property
    def prompt(self) -> str: ...
    @property
    def min_new_tokens(self) -> int: ...
    @property
    def max_new_tokens(self) -> int: ...


@dataclass(frozen=True)
class Stage:
    """One part of an inference, which can be measured alone.

    `run` takes what the stage before it gave (the first one a batch of inputs), leaves that as it was, and returns when
    the device is done: it can be called again with the same value.
    """

    name: str
    run: Callable[[Any], Any]


@dataclass(frozen=True)
class Loaded:
    """A model on its device, ready to answer.

    `predict` applies the task's prompt, tokenizes, runs the model and decodes: all of one inference. `stages` are its
    parts in order, which together give the same predictions.
    `facts` says what was loaded (parameters, revision, dtype, attention, ...), JSON values only.
    `judge` gives further metrics of measured calls, those that need a model to compute (perplexity of the references,
    a classifier's view of an image), outside any window; None where there are none.
    `peak_memory_bytes` is the device allocator's high-water mark since the load, summed over several GPUs, whose marks
    need not be of one moment; None without an accelerator.
    """

    predict: Predict
    facts: Mapping[str, Any]
    stages: tuple[Stage, ...] = ()
    judge: Callable[[Sequence[Sample], Sequence[Prediction]], Mapping[str, float | None]] | None = None
    peak_memory_bytes: Callable[[], int | None] = lambda: None


@dataclass(frozen=True)
class Checkpoint:
    """Which weights, and where they come from.

    `allow_pickle` also takes weights in PyTorch's old format, whose files can run code when they are read.
    `weights` is `hub`, `embedded`, `random` or a local folder; `shape` holds the keyword arguments of the
    transformers config with its `model_type`, and random ones are drawn from `seed`; `processor` those of the image or
    sound preprocessor with its class as `type`. `parameters` is the published count, as a rule without the head.
    `path` and a resolved `revision` are filled in by `src.models.checkpoint.fetch`.
    """

    id: str
    weights: str = "hub"
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    shape: Mapping[str, Any] = field(default_factory=dict)
    processor: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    seed: int = 0
    path: Path | None = None


@dataclass(frozen=True)
class Settings:
    """How a model is run on its device: what may be chosen without changing what is asked of it.

    `precision` is one of the hardware's; `attention` transformers' name of an implementation, `auto` its own choice.
    `cache` says whether a generator's keys and values grow with the answer (`dynamic`) or have their place from the
    start (`static`). `compile` has torch compile the forward pass, with a static cache that of decoding; `graphs` also
    records it as CUDA graphs. `prepare_processes` of the host read and resize the pictures of a batch side by side.
    """

    precision: str = "fp32"
    attention: str = "auto"
    cache: str = "dynamic"
    compile: bool | str = False
    prepare_processes: int = 1


class Model(Protocol):
    """A kind of model with one checkpoint: a description that is cheap to make until `load` is called.

    `role` is `specialist` (takes the bare input) or `general` (takes the task's prompt).
    `tasks` names the tasks the checkpoint can do.
    """

    @property
    def kind(self) -> str: ...
    @property
    def checkpoint(self) -> Checkpoint: ...
    @property
    def role(self) -> str: ...
    @property
    def tasks(self) -> Sequence[str]: ...
    def load(self, task: Task, device: str, settings: Settings) -> Loaded: ...


@dataclass(frozen=True)
class Hardware:
    """The machine a run is measured on, resolved to its device before anything is loaded.

    `index` counts as NVML does (PCI bus order); `uuid`, `gpu_name` and `power_limit_w` are None without a GPU.
    `beside` holds (index, UUID) of each further GPU over which the model is spread, in the order of their indices: all
    bear the same name, and `power_limit_w` is their sum.
    `cpu_tdp_w` and `ram_w` feed the CPU and RAM power model; None leaves the estimate to the meter.
    """

    name: str
    device: str
    precisions: tuple[str, ...]
    index: int = 0
    uuid: str | None = None
    gpu_name: str | None = None
    power_limit_w: float | None = None
    cpu_tdp_w: float | None = None
    ram_w: float | None = None
    beside: tuple[tuple[int, str], ...] = ()

    @property
    def uuids(self) -> tuple[str, ...]:
        """Every GPU that the run uses; none on a processor."""
        return () if self.uuid is None else (self.uuid, *(uuid for _, uuid in self.beside))

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of those GPUs, as their driver counts."""
        return () if self.uuid is None else (self.index, *(index for index, _ in self.beside))


@dataclass(frozen=True)
class Site:
    """Where the electricity comes from; None is unknown and stays unknown.

    `zone` is an ISO 3166-1 alpha-3 code, `g_per_kwh` the zone's grams of CO2 equivalent per kWh, of which
    `factor_year`, `factor_basis` and `factor_source` say when, what and by whom. `heat_reuse` is the share of the heat,
    in [0, 1], that replaces other heating, `heat_replaces` that heating: `resistive` or `heat_pump`. A run of whose
    energy more than `modelled_limit`, in [0, 1], was estimated says so first.
    """

    name: str
    zone: str | None = None
    g_per_kwh: float | None = None
    factor_year: int | None = None
    factor_basis: str | None = None
    factor_source: str | None = None
    pue: float = 1.0
    price_per_kwh: float | None = None
    currency: str | None = None
    heat_reuse: float | None = None
    heat_replaces: str | None = None
    modelled_limit: float = 0.2


@dataclass(frozen=True)
class Procedure:
    """How a run is measured: the values of `conf/protocol`, none of them a constant in code.

    The idle baseline of `idle_s` is read in `idle_parts` equal parts, whose spread is its interval.
    Windows repeat until the 95 % interval of energy per inference is narrower than `ci95_rel` of its mean,
    at least `min_windows` and at most `max_windows` times; once the windows have taken `measure_max_s` together, no
    further one follows the `min_windows`. Each is made of whole passes and lasts `window_s` or more.
    Warm-up runs `warmup_batches` or more, until the median latency of its last `settle_batches` differs by less
    than `settle_rel` from the `settle_batches` before, or `warmup_max_s` is over.
    Then each stage of an inference has a window of its own of `phase_s` (0: none), over batches of `phase_requests`
    requests in all, spread over the inputs.

    Guards: a second run on the same card waits `lock_wait_s` and is then refused; a card that is busier than
    `busy_max`, in [0, 1], before the run begins is contaminated; before each window the card may cool for `cool_max_s`
    until it is within `cool_c` degrees of where it began; a call that has not ended after `stall_s` ends the run.
    Audit: two sensors of one window may differ by `audit_rel` (counters, of which windows below `audit_long_s` are let
    off: one tick is a share of them), `audit_sampled_rel` (samples), clocks by
    `audit_clock_rel`, and mean power may pass the card's limit by `audit_power_rel`; more fails the run.
    One that is not `quotable` is a first look: its figures are to choose by, and its runs say so.
    """

    name: str
    idle_s: float
    idle_parts: int
    warmup_batches: int
    warmup_max_s: float
    settle_batches: int
    settle_rel: float
    window_s: float
    min_windows: int
    max_windows: int
    measure_max_s: float
    ci95_rel: float
    pause_s: float
    phase_s: float
    phase_requests: int
    lock_wait_s: float
    busy_max: float
    cool_c: float
    cool_max_s: float
    stall_s: float
    audit_rel: float
    audit_long_s: float
    audit_sampled_rel: float
    audit_clock_rel: float
    audit_power_rel: float
    quotable: bool = True


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


class Meter(Protocol):
    """One sensor. `open` takes the slow first steps, `start` and `stop` bracket a stretch of work, `close` lets go.

    `open` raises UserError with the reason and the remedy where the sensor cannot be read.
    After `close` a meter is done. `start` and `stop` may be called many times in between.
    """

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
class Look:
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
class Phase:
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
    `batch_sizes` has the requests of each batch of one pass. `settled` tells whether the interval that the
    protocol asks for was reached; `warmup_settled` whether the latency was steady before the first window. `looks` are
    the states of the card before the idle baseline, before each window and after the last. `stopped_early` tells that
    windows were spared, since another setting is better whatever they had brought (src/rivals.py). `work` is that of
    the batch whose latency is nearest the mean; None where it cannot be counted.
    """

    load: tuple[Reading, ...] = ()
    idle: tuple[Reading, ...] = ()
    warmup: tuple[Reading, ...] = ()
    warmup_batch_s: Sequence[float] = ()
    warmup_settled: bool | None = None
    batch_sizes: Sequence[int] = ()
    windows: tuple[Window, ...] = ()
    settled: bool | None = None
    stopped_early: bool = False
    peak_memory_bytes: int | None = None
    phases: tuple[Phase, ...] = ()
    looks: tuple[Look, ...] = ()
    work: Work | None = None


@dataclass(frozen=True)
class Request:
    """One row of the table of requests: what went in (by id), what came out, and how it was judged."""

    id: str
    output: str
    reference: str | None
    score: float | None
    units: int
    latency_s: float
    input_tokens: int | None = None
    output_tokens: int | None = None
    truncated: bool = False


@dataclass(frozen=True)
class Record:
    """All of one run: what was asked, where, how, what was read and how good the answers were.

    `status` is `finished`, `failed` or `interrupted`; `error` says why in one line, `traceback` in full. The dicts hold
    JSON values.
    `flags` are words a reader must see beside the numbers (`unsettled`, `modelled`, `random_weights`, ...).
    """

    id: str
    status: str
    started_at: str
    model: Mapping[str, Any]
    task: Mapping[str, Any]
    hardware: Mapping[str, Any]
    protocol: Mapping[str, Any]
    site: Mapping[str, Any]
    run: Mapping[str, Any]
    environment: Mapping[str, Any]
    measurement: Measurement
    scores: Mapping[str, float | None]
    error: str | None = None
    flags: tuple[str, ...] = ()
    traceback: str | None = None
    requests: tuple[Request, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA
