"""What a run leaves behind: the named metrics of a Record.

All are computed when the record is read, so that an old run can be priced for another site.
"""

from math import isfinite

from joulemark.analysis import emissions, lower_bound, quality, requests
from joulemark.analysis.energy_metrics import (
    ESTIMATED,
    Metrics,
    component_j,
    energy_metrics,
    methods,
    power_metrics,
    stage_metrics,
    total_j,
    wall_metrics,
    wh_per_1k,
)
from joulemark.analysis.latency_metrics import latency_metrics
from joulemark.analysis.lower_bound import LowerBound
from joulemark.analysis.reasoning_metrics import reasoning_metrics
from joulemark.analysis.serving.metrics import serving_metrics
from joulemark.core.record import Record


def metrics(record: Record) -> Metrics:
    """Every metric of the record under its fixed name; None where it is not available, or no finite number."""
    measurement = record.measurement
    known: Metrics = {
        **energy_metrics(measurement, record.scores.get("primary")),
        **emissions.metrics(total_j(measurement), record.site),
        **latency_metrics(measurement),
        **{f"quality/{name}": value for name, value in record.scores.items()},
        "quality/primary": record.scores.get("primary"),
        **_quality_interval(record),
        **power_metrics(measurement),
        **stage_metrics(measurement),
        **wall_metrics(measurement),
        **lower_bound_metrics(record),
        "memory/gpu_peak_bytes": measurement.peak_memory_bytes,
        **input_metrics(record),
        **serving_metrics(measurement),
        **reasoning_metrics(record),
    }
    return {name: value if value is None or isfinite(value) else None for name, value in known.items()}


def _quality_interval(record: Record) -> Metrics:
    """The ends of the 95 % interval of the primary metric over the inputs; None where it has none."""
    known = quality.interval(record)
    return {
        "quality/ci95_low": None if known is None else known.low,
        "quality/ci95_high": None if known is None else known.high,
    }


def input_metrics(record: Record) -> Metrics:
    """The number of rows of the source that were unusable, and of inputs that did not fit and were truncated.

    The second is None where there are no predictions, or the model does not count tokens.
    """
    skipped, summary = record.task.skipped, requests.summary(record)
    return {
        "inputs/skipped": None if skipped is None else len(skipped),
        "inputs/truncated": summary.truncated if summary.counts_tokens else None,
    }


def lower_bound_of(record: Record) -> LowerBound | None:
    """The lower bound of one request on the device that was used; None where its work or calibration is unknown."""
    calibration = record.environment.calibration
    return lower_bound.of(record.measurement.work, calibration, record.settings.precision)


def lower_bound_metrics(record: Record) -> Metrics:
    """The lower bound (Wh per 1,000 inferences), and the device's gross energy over it.

    Gross, as the bound itself: idle power is in both. The device is the GPU, or the processor without its memory; an
    estimate of its energy gives no ratio, since no sensor measured it.
    """
    bound, calibration = lower_bound_of(record), record.environment.calibration
    if bound is None or calibration is None or bound.total_j <= 0:
        return {"lower_bound/wh_per_1k": None, "lower_bound/ratio": None}
    component = calibration.component
    read = methods(record.measurement)[component] not in ESTIMATED
    gross = component_j(record.measurement, component) if read else None
    return {
        "lower_bound/wh_per_1k": wh_per_1k(bound.total_j),
        "lower_bound/ratio": None if gross is None else gross / bound.total_j,
    }
