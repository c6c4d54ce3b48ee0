"""All of one run, as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulemark.core.environment import Environment
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Measurement
from joulemark.core.model import Capabilities, Settings
from joulemark.core.procedure import Procedure
from joulemark.core.quantities import Amount, Count, Moment
from joulemark.core.serving import EngineFacts, ScenarioFacts
from joulemark.core.task import MetricInterval

NOT_STORED = {"stored": False}  # of a field that is no part of record.json

# Of Record. Raise it, with a line here and a function in core/record_upgrade.py, when a field changes meaning.
# 1: first release
# 2: `Measurement.idle` holds a reading of each meter for each part of the baseline, where it held one of each meter
# 3: typed parts; `run` is split into `settings`, `origin` and the task's samples and seed; the field's own names
# 4: the rows of `requests` are the file requests.parquet, of which the record holds the summary `request_summary`
# 5: `engine`, `scenario` and the traffic; a request has the moments of its answer, its share of the energy and the
#    tokens of its reasoning
SCHEMA = 5


@dataclass(frozen=True)
class Request:
    """One row of the table of requests: what went in (by id), what came out, and how it was scored.

    Attributes:
        id: id of the input in its source
        output: the prediction as text
        reference: the expected output as text; None where the data holds none
        score: score of the prediction in [0, 1]; None where it was not scored
        units: work done, in the task's unit
        latency_s: seconds of the batch that held the request
        input_tokens: tokens that the model read, after truncation; None where tokens do not apply
        output_tokens: tokens generated; None where tokens do not apply
        truncated: whether the input was longer than the model's context
        statistics: what metrics of the whole set are computed from, as `Record.statistics` says; no text, since the
            output and the reference are here. None where it was not scored, and where there are no such metrics
        due_s: when it came, s after the traffic began; None of fixed batches, as what follows
        sent_s: when it was sent to the engine
        first_token_s: when the first part of its answer came; None where answers come whole
        finished_s: when the whole of it had come, or it was given up
        outcome: `answered`, `failed`, `timed_out`, `interrupted`, `unsent`
        energy_j: its share of the window's energy, J; None where there are no shares
        prefill_j: of that, J up to its first token
        reasoning_tokens: of the tokens generated, those before the answer itself; None where nobody looked
    """

    id: str
    output: str
    reference: str | None
    score: float | None
    units: Count
    latency_s: Amount
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    truncated: bool = False
    statistics: tuple[float, ...] | None = None
    due_s: float | None = None
    sent_s: float | None = None
    first_token_s: float | None = None
    finished_s: float | None = None
    outcome: str | None = None
    energy_j: float | None = None
    prefill_j: float | None = None
    reasoning_tokens: Count | None = None


@dataclass(frozen=True)
class RequestSummary:
    """What a record tells of all its requests together; each of them is a row of its file `requests.parquet`.

    Attributes:
        count: requests
        scored: of these, those with a score
        mean: of the scores; None where there is none
        inputs: scored inputs, one that came twice is one
        correct: of these, those with a score of 1, where every score is 0 or 1; None for other scores
        interval: the ends of the 95 % interval of the mean over the inputs; None where it has none
        method: how these were computed
        truncated: requests whose input was longer than the model's context
        truncated_ids: the first of these inputs
        counts_tokens: whether the model counts the tokens that it reads
        reasoning_tokens: tokens of all reasoning; None where nobody looked
        answers: requests in which an answer came, after the reasoning if there was one; None where nobody looked
    """

    count: int = 0
    scored: int = 0
    mean: float | None = None
    inputs: int = 0
    correct: int | None = None
    interval: tuple[float, float] | None = None
    method: str | None = None
    truncated: int = 0
    truncated_ids: tuple[str, ...] = ()
    counts_tokens: bool = False
    reasoning_tokens: Count | None = None
    answers: Count | None = None


@dataclass(frozen=True)
class ModelFacts:
    """The model of a run.

    Attributes:
        name: the option that chose it, with its size where it comes in several
        kind: kind of model, a module of `joulemark.models`
        role: `specialist` (takes the bare input) or `general_purpose` (takes the task's prompt)
        checkpoint: id of the checkpoint
        weights: `hub`, `embedded`, `random` or a local folder
        revision: commit of the checkpoint on the Hub
        parameters: number of parameters, counted once loaded
        capabilities: what it can do; None where the record does not tell
        facts: what else was loaded, by kind of model: dtype, architecture, attention, context, … as JSON values
    """

    name: str
    kind: str | None = None
    role: str | None = None
    checkpoint: str | None = None
    weights: str | None = None
    revision: str | None = None
    parameters: Count | None = None
    capabilities: Capabilities | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskFacts:
    """The task of a run and its inputs: what must be the same for two runs to compare.

    Attributes:
        name: name of the task
        unit: unit of its work: token, image, label, …
        metric: name of its primary metric
        samples: number of requests
        seed: seed of what is drawn at random
        prompt: format string that a general-purpose model is given; None for a specialist, which never sees it
        min_new_tokens: least tokens generated for a request; None where the task has no such option
        max_new_tokens: most tokens generated for a request; None where the task has no such option
        dataset: name of the dataset
        source: where it was read from
        config: its configuration on the Hub
        split: its split on the Hub
        revision: its commit on the Hub
        digest: SHA-256 of inputs and references, 16 hexadecimal digits
        distinct: number of distinct inputs
        classes: number of distinct labels among the references; None where a reference is no label, or there is none
        sampling_bias: how the rows that were taken differ from the rest of the source; None where that is not known
        shuffle: seed of the order in which the rows were read; None: the source's own order
        skipped: one line for each row that could not be used; None where nobody counted them
        options: the options that only this task has, as JSON values
    """

    name: str
    unit: str
    metric: str
    samples: Count
    seed: int | None = None
    prompt: str | None = None
    min_new_tokens: int | None = None
    max_new_tokens: int | None = None
    dataset: str | None = None
    source: str | None = None
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    digest: str | None = None
    distinct: Count | None = None
    classes: Count | None = None
    sampling_bias: str | None = None
    shuffle: int | None = None
    skipped: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Where a run came from: the command, and the sweep that started it.

    Attributes:
        command: command line that repeats the run; None where it was not kept
        sweep_id: the sweep that it is a trial of
        shared_host: whether other trials were measured on the same host at the same time
        early_stop_against: results of other settings, by metric, that end it early once it cannot beat them
        tuned: name of the saved settings that it used
        shared_process: id of the first record of the process that measured it, and others of a sweep's screening, on
            one loaded model; None of a process of its own
    """

    command: str | None = None
    sweep_id: str | None = None
    shared_host: bool = False
    early_stop_against: tuple[Mapping[str, float], ...] = ()
    tuned: str | None = None
    shared_process: str | None = None


@dataclass(frozen=True)
class Record:
    """All of one run: what was requested, where, how, what was measured and how good the predictions were.

    Attributes:
        id: 32 hexadecimal digits
        status: `finished`, `failed` or `interrupted`
        started_at: ISO 8601, UTC
        model: the model
        task: the task and its inputs
        hardware: the device
        protocol: how it was measured
        site: where the electricity came from
        settings: how the model was run on its device
        environment: host and software
        measurement: every reading
        scores: quality by metric, the primary one also as `primary`; None where it could not be computed
        no_quality: why the primary metric is None, with what to type; None where it is not, and before scoring
        computed_by: how each metric was computed: library, version, rule, signature
        intervals: the interval of each metric that is no mean over the requests, or why it has none
        statistics: which metrics are computed from the statistics of each request, a name in
            tasks/metrics/whole_set.py; None where there are none, and in records of before they were stored
        origin: command and sweep
        engine: what answered
        scenario: how requests arrived
        error: why it did not finish, in one line
        flags: warnings that belong beside the numbers (`not_converged`, `estimated`, `random_weights`, …)
        traceback: the error in full
        request_summary: all requests together; None before scoring, and where `requests` holds each of them
        requests: one row per request, of a record of before schema 4 and of a run without files
        requests_file: where its `requests.parquet` lies; known to who read the record, never stored
        config: the composed configuration, as JSON values
        schema: version of this format
    """

    id: str
    status: str
    started_at: Moment
    model: ModelFacts
    task: TaskFacts
    hardware: Hardware
    protocol: Procedure
    site: Site
    settings: Settings
    environment: Environment
    measurement: Measurement
    scores: Mapping[str, float | None]
    no_quality: str | None = None
    computed_by: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, MetricInterval] = field(default_factory=dict)
    statistics: str | None = None
    origin: Origin = field(default_factory=Origin)
    engine: EngineFacts = field(default_factory=EngineFacts)
    scenario: ScenarioFacts = field(default_factory=ScenarioFacts)
    error: str | None = None
    flags: tuple[str, ...] = ()
    traceback: str | None = None
    request_summary: RequestSummary | None = None
    requests: tuple[Request, ...] = ()
    requests_file: Path | None = field(default=None, compare=False, metadata=NOT_STORED)
    config: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def device_name(self) -> str:
        """The GPU, how many of them where there are several, or the processor, by its name."""
        return self.hardware.device_name(self.environment.cpu)
