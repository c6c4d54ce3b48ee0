"""A run's and a meter's figures under the names of OpenTelemetry's semantic conventions.

Hardware: opentelemetry.io/docs/specs/semconv/hardware (`hw.energy`, `hw.power`, `hw.host.…`); requests to a model:
github.com/open-telemetry/semantic-conventions-genai (`gen_ai.client.…`). Both are in development. A component that no
sensor read has no point, and each point of one says how it is known: `joulemark.evidence`, a name of ours.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from joulemark.analysis import energy_metrics
from joulemark.analysis import readings as energy
from joulemark.core.measurement import COMPONENTS, Measurement
from joulemark.core.record import Record, Request

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
HARDWARE_TYPES = {"gpu": "gpu", "cpu": "cpu", "ram": "memory"}
WALL = "wall"


# What a request asks for, by the name of its task; another task's own name where the conventions have none
OPERATIONS = {
    "chat": "chat",
    "text_generation": "text_completion",
    "summarization": "text_completion",
    "question_answering": "text_completion",
    "image_captioning": "generate_content",
    "image_generation": "generate_content",
    "sentence_similarity": "embeddings",
}


@dataclass(frozen=True)
class Instrument:
    """One metric.

    Attributes:
        name: by the conventions
        kind: `counter`, `gauge` or `histogram`
        unit: by the Unified Code for Units of Measure
        description: what it is, one sentence
        attributes: all that a point of it may have
        bounds: upper ends of a histogram's buckets, as the conventions advise
    """

    name: str
    kind: str
    unit: str
    description: str
    attributes: tuple[str, ...]
    bounds: tuple[float, ...] = ()


EVIDENCE = "joulemark.evidence"
COMPONENT = ("hw.id", "hw.type", EVIDENCE)
HOST = ("hw.id", EVIDENCE)
REQUEST = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")
ENERGY = Instrument("hw.energy", "counter", "J", "Energy consumed by the component", COMPONENT)
POWER = Instrument("hw.power", "gauge", "W", "Mean power of the component while it was measured", COMPONENT)
HOST_ENERGY = Instrument("hw.host.energy", "counter", "J", "Energy consumed by the whole machine, at its socket", HOST)
HOST_POWER = Instrument("hw.host.power", "gauge", "W", "Mean power of the whole machine, at its socket", HOST)
DURATION = Instrument("gen_ai.client.operation.duration", "histogram", "s", "Duration of a request, waiting included",
                      (*REQUEST, "error.type"), SECONDS)  # fmt: skip
FIRST_CHUNK = Instrument("gen_ai.client.operation.time_to_first_chunk", "histogram", "s",
                         "Time from a request's coming to the first part of its answer", REQUEST, SECONDS)  # fmt: skip
TOKEN_USAGE = Instrument("gen_ai.client.token.usage", "histogram", "{token}", "Tokens of a request",
                         (*REQUEST, "gen_ai.token.type"), TOKENS)  # fmt: skip
INSTRUMENTS = (ENERGY, POWER, HOST_ENERGY, HOST_POWER, DURATION, FIRST_CHUNK, TOKEN_USAGE)


@dataclass(frozen=True)
class Point:
    """One value of an instrument, with its attributes."""

    instrument: Instrument
    value: float
    attributes: Mapping[str, str]


def of_record(record: Record, requests: Iterable[Request] = ()) -> Iterator[Point]:
    """The points of a run: its windows' energy and power, and the times and tokens of its requests."""
    yield from of_measurement(record.measurement)
    common = {
        "gen_ai.operation.name": OPERATIONS.get(record.task.name, record.task.name),
        "gen_ai.request.model": record.model.checkpoint or record.model.name,
        "gen_ai.provider.name": record.engine.name,
    }
    for request in requests:
        yield from _of_request(request, common)


def of_measurement(measured: Measurement) -> Iterator[Point]:
    """Joules and mean watts of each component over all windows, and of the whole machine where it was metered."""
    windows = energy.complete_windows(measured)
    seconds = sum(window.duration_s for window in windows)
    requests = sum(window.requests for window in windows)
    for component in (*COMPONENTS, WALL):
        per_request = energy_metrics.component_j(measured, component)
        if per_request is None or not seconds:
            continue
        joules, whole = per_request * requests, component == WALL
        attributes = {"hw.id": "host"} if whole else {"hw.id": component, "hw.type": HARDWARE_TYPES[component]}
        if how := energy.method(windows[0].readings, component):
            attributes[EVIDENCE] = how
        yield Point(HOST_ENERGY if whole else ENERGY, joules, attributes)
        yield Point(HOST_POWER if whole else POWER, joules / seconds, attributes)


def _of_request(request: Request, common: Mapping[str, str]) -> Iterator[Point]:
    failed = {} if request.outcome in (None, "answered") else {"error.type": str(request.outcome)}
    yield Point(DURATION, request.latency_s, {**common, **failed})
    if request.first_token_s is not None and request.due_s is not None:
        yield Point(FIRST_CHUNK, request.first_token_s - request.due_s, common)
    for kind, tokens in (("input", request.input_tokens), ("output", request.output_tokens)):
        if tokens is not None:
            yield Point(TOKEN_USAGE, tokens, {**common, "gen_ai.token.type": kind})
