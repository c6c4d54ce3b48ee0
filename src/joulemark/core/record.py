"""All of one run, as it is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joulemark.core.measurement import Measurement

# Of Record. Raise it, with a line here, when a field changes meaning.
# 1: first release
# 2: `Measurement.idle` holds a reading of each meter for each part of the baseline, where it held one of each meter
SCHEMA = 2


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
    `flags` are words a reader must see beside the numbers (`not_converged`, `estimated`, `random_weights`, ...).
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
