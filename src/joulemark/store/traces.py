"""Requests of served traffic as traces in MLflow: their times, tokens and share of the energy, and no text."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import mlflow
from mlflow.entities import SpanType

from joulemark.core.record import Record, Request
from joulemark.store.opening import Store

RUN = "mlflow.sourceRun"  # which run a trace belongs to, by MLflow's own name
NS_PER_S = 1_000_000_000


def log(opened: Store, run_id: str, record: Record, requests: Iterable[Request], count: int) -> None:
    """Writes so many traces, evenly spread over the answered requests; none where the run has some already."""
    traffic = record.measurement.traffic
    if not count or traffic is None or traffic.began_at is None or _logged(opened, run_id):
        return
    began_ns = int(datetime.fromisoformat(traffic.began_at).timestamp() * NS_PER_S)
    mlflow.set_tracking_uri(opened.uri)  # of this process, which writes one run
    for request in _spread(requests, traffic.answered, count):
        _write(opened.experiment_id, run_id, request, began_ns)
    mlflow.flush_trace_async_logging()


def _logged(opened: Store, run_id: str) -> bool:
    found: Sequence[object] = opened.client.search_traces(
        locations=[opened.experiment_id],
        filter_string=f"request_metadata.`{RUN}` = '{run_id}'",
        max_results=1,
        include_spans=False,
    )
    return bool(found)


def _spread(requests: Iterable[Request], answered: int, count: int) -> Iterable[Request]:
    taken = {number * answered // count for number in range(min(count, answered))} if answered > count else None
    places = (request for request in requests if request.outcome == "answered")
    return (request for place, request in enumerate(places) if taken is None or place in taken)


def _write(experiment_id: str, run_id: str, request: Request, began_ns: int) -> None:
    def at(moment_s: float | None) -> int:
        return began_ns + int((moment_s or 0.0) * NS_PER_S)

    known = {
        "request.id": request.id,
        "request.energy_j": request.energy_j,
        "request.prefill_j": request.prefill_j,
        "request.score": request.score,
        "gen_ai.usage.input_tokens": request.input_tokens,
        "gen_ai.usage.output_tokens": request.output_tokens,
    }
    whole = mlflow.start_span_no_context(
        "request",
        span_type=SpanType.LLM,
        experiment_id=experiment_id,
        start_time_ns=at(request.due_s),
        metadata={RUN: run_id},
        attributes={name: value for name, value in known.items() if value is not None},
    )
    moments = [("waiting", request.due_s, request.sent_s)]
    if request.first_token_s is not None:
        moments.append(("first token", request.sent_s, request.first_token_s))
        moments.append(("decoding", request.first_token_s, request.finished_s))
    for name, start_s, end_s in moments:
        part = mlflow.start_span_no_context(name, parent_span=whole, start_time_ns=at(start_s))
        part.end(end_time_ns=at(end_s))
    whole.end(end_time_ns=at(request.finished_s))
