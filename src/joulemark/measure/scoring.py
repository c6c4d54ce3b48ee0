"""The quality of the calls that were measured, a row for each request, and the flags of what was measured."""

from collections.abc import Sequence
from dataclasses import replace

from joulemark.analysis import audit, flags, latency_metrics
from joulemark.config.run import Run
from joulemark.core.measurement import Measurement
from joulemark.core.model import Loaded
from joulemark.core.record import Record, Request
from joulemark.core.task import NEW_HEAD, NO_REFERENCES, RANDOM_WEIGHTS, Prediction, Sample, Scores, without_quality
from joulemark.data.batching import in_order_of_samples


def scored(
    record: Record,
    run: Run,
    loaded: Loaded,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    places: Sequence[int],
) -> Record:
    """The record with the quality of the predictions, and a row for each request, whichever batch it was in."""
    scores = _scores(run, loaded, samples, predictions)
    latencies = in_order_of_samples(latency_metrics.request_latencies(record.measurement), places)
    requests = _requests(samples, predictions, scores, latencies)
    record = replace(
        record, scores=scores.values, no_quality=scores.reason, computed_by=scores.computed_by, requests=requests
    )
    record = replace(record, intervals=scores.intervals())
    return flagged(record, record.measurement)


def flagged(record: Record, measurement: Measurement) -> Record:
    """The record with what was measured until now, and the flags that this raises."""
    record = replace(record, measurement=measurement)
    raised = {
        *flags.measurement_flags(measurement, record.model.weights, record.site.estimated_limit),
        *flags.input_flags(record),
        *flags.quality_flags(record),
        *flags.host_flags(record),
        *flags.protocol_flags(record),
        *audit.flags(measurement, record.protocol.busy_max),
    }
    return replace(record, flags=tuple(sorted(raised)))


def _scores(run: Run, loaded: Loaded, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """The task's metrics of the measured calls, its primary one also as `primary`; all None for random weights.

    What is no finite number is None. A reason stands where the primary metric is None.
    """
    scores = run.task.score(samples, predictions)
    values = {**scores.values, **(loaded.judge(samples, predictions) if loaded.judge else {})}
    if run.model.checkpoint.weights == "random":
        return without_quality(["primary", *values], len(samples), RANDOM_WEIGHTS)
    if loaded.facts.get("new_weights"):
        return without_quality(["primary", *values], len(samples), NEW_HEAD)
    scores = replace(scores, values=values).finite()
    primary = scores.values.get(run.task.metric)
    reason = None if primary is not None else scores.reason or NO_REFERENCES
    return replace(scores, values={"primary": primary, **scores.values}, reason=reason)


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
