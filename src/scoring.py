"""The quality of the calls that were measured, a row for each request, and the flags of what was found."""

from collections.abc import Sequence
from dataclasses import replace

from src import audit, summary
from src.batches import put_back
from src.config import Run
from src.core import Loaded, Measurement, Prediction, Record, Request, Sample, Scores
from src.site import modelled_limit


def scored(
    record: Record,
    run: Run,
    loaded: Loaded,
    samples: Sequence[Sample],
    answers: Sequence[Prediction],
    places: Sequence[int],
) -> Record:
    """The record with the quality of the answers, and a row for each request, whichever batch it was in."""
    scores = _scores(run, loaded, samples, answers)
    latencies = put_back(summary.request_latencies(record.measurement), places)
    record = replace(record, scores=scores.values, requests=_requests(samples, answers, scores, latencies))
    return flagged(record, record.measurement)


def flagged(record: Record, found: Measurement) -> Record:
    """The record with what was measured until now, and the flags that this raises."""
    flags = {
        *summary.flags(found, record.model["weights"], modelled_limit(record.site)),
        *summary.input_flags(record),
        *summary.host_flags(record),
        *summary.protocol_flags(record),
        *audit.flags(found, record.protocol["busy_max"]),
    }
    return replace(record, measurement=found, flags=tuple(sorted(flags)))


def _scores(run: Run, loaded: Loaded, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """The task's metrics of the measured calls, its primary one also as `primary`; all None for random weights."""
    scores = run.task.score(samples, predictions)
    values = {**scores.values, **(loaded.judge(samples, predictions) if loaded.judge else {})}
    if run.model.checkpoint.weights == "random":
        return Scores(dict.fromkeys(["primary", *values]), [None] * len(samples))
    return Scores({"primary": values.get(run.task.metric), **values}, scores.each)


def _requests(
    samples: Sequence[Sample], predictions: Sequence[Prediction], scores: Scores, latencies: Sequence[float]
) -> tuple[Request, ...]:
    return tuple(
        Request(
            id=sample.id,
            output=str(prediction.output),
            reference=None if sample.target is None else str(sample.target),
            score=score,
            units=prediction.units,
            latency_s=latency,
            input_tokens=prediction.input_tokens,
            output_tokens=prediction.output_tokens,
            truncated=prediction.truncated,
        )
        for sample, prediction, score, latency in zip(samples, predictions, scores.each, latencies, strict=True)
    )
