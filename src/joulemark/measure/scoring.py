"""The quality of the calls that were measured, a row for each request, and the flags of what was measured."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol

from joulemark.analysis import audit, flags
from joulemark.config.run import Run
from joulemark.core.measurement import Measurement
from joulemark.core.record import Record, Request
from joulemark.core.task import NEW_HEAD, NO_REFERENCES, RANDOM_WEIGHTS, Prediction, Sample, Scores, without_quality
from joulemark.measure import request_files
from joulemark.tasks.metrics import resampling

# Of one prediction: its score, and what metrics of the whole set are computed from
Grade = tuple[float | None, tuple[float, ...] | None]
# The rows of all requests, given the grade of each prediction in turn
Rows = Callable[[Iterable[Grade]], Iterator[Request]]


class Predictor(Protocol):
    """What predicted, as far as scores need it: a loaded model, or an engine that is up."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was loaded."""

    @property
    def judge(self) -> Callable[[Sequence[Sample], Sequence[Prediction]], Mapping[str, float | None]] | None:
        """Gives metrics that need the model to compute; None where there are none."""


def unscored(record: Record, predictions: int, rows: Rows, files: Callable[[], Path] | None = None) -> Record:
    """The record with a row for each request and no scores: what a metric that breaks leaves; `files` as below.

    `predictions` is their number.
    """
    return _with_rows(record, rows(repeat((None, None), predictions)), files)


def scored(
    record: Record,
    run: Run,
    predictor: Predictor,
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    rows: Rows,
    files: Callable[[], Path] | None = None,
) -> Record:
    """The record with the quality of the predictions, and a row for each request, whichever batch it was in.

    The rows go into the folder that `files` gives, and their summary into the record; without one the rows do.
    """
    scores = _scores(run, predictor, samples, predictions)
    each = repeat(None, len(scores.each)) if scores.statistics is None else scores.statistics.each()
    record = replace(record, scores=scores.values, no_quality=scores.reason, computed_by=scores.computed_by)
    if scores.statistics is not None:
        ends = resampling.intervals(scores.statistics)
        record = replace(record, intervals=ends, statistics=scores.statistics.kind)
    grades = zip(scores.each, each, strict=True)
    return flagged(_with_rows(record, rows(grades), files), record.measurement)


def flagged(record: Record, measurement: Measurement) -> Record:
    """The record with what was measured until now, and the flags that this raises."""
    record = replace(record, measurement=measurement)
    raised = {
        *flags.measurement_flags(
            measurement, record.model.weights, record.site.estimated_limit, record.settings.prefetch > 0
        ),
        *flags.input_flags(record),
        *flags.quality_flags(record),
        *flags.host_flags(record),
        *flags.protocol_flags(record),
        *audit.flags(measurement, record.protocol.busy_max),
    }
    return replace(record, flags=tuple(sorted(raised)))


def _scores(run: Run, predictor: Predictor, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
    """The task's metrics of the measured calls, its primary one also as `primary`; all None for random weights.

    What is no finite number is None. A reason stands where the primary metric is None.
    """
    scores = run.task.score(samples, predictions)
    values = {**scores.values, **(predictor.judge(samples, predictions) if predictor.judge else {})}
    if run.model.checkpoint.weights == "random":
        return without_quality(["primary", *values], len(samples), RANDOM_WEIGHTS)
    if predictor.facts.get("new_weights"):
        return without_quality(["primary", *values], len(samples), NEW_HEAD)
    scores = replace(scores, values=values).finite()
    primary = scores.values.get(run.task.metric)
    reason = None if primary is not None else scores.reason or NO_REFERENCES
    return replace(scores, values={"primary": primary, **scores.values}, reason=reason)


def _with_rows(record: Record, rows: Iterable[Request], files: Callable[[], Path] | None) -> Record:
    return replace(record, requests=tuple(rows)) if files is None else request_files.written(record, rows, files)


def batch_rows(
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    latencies: Sequence[float],
    grades: Iterable[Grade],
) -> Iterator[Request]:
    """A row for each request of fixed batches."""
    for sample, prediction, grade, latency in zip(samples, predictions, grades, latencies, strict=True):
        yield row(sample, prediction, grade, latency)


def row(sample: Sample, prediction: Prediction, grade: Grade, latency_s: float) -> Request:
    """The row of a request that was answered."""
    score, statistics = grade
    return Request(
        id=sample.id,
        output=str(prediction.output),
        reference=reference(sample),
        score=score,
        units=prediction.units,
        latency_s=latency_s,
        input_tokens=prediction.input_tokens,
        output_tokens=prediction.output_tokens,
        truncated=prediction.truncated,
        reasoning_tokens=prediction.reasoning_tokens,
        statistics=statistics,
    )


def reference(sample: Sample) -> str | None:
    """What a correct prediction looks like, as text; None where the data holds none."""
    return None if sample.target is None else str(sample.target)
