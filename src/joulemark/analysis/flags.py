"""The flags of a run: warnings that a reader must see beside its numbers."""

from joulemark.analysis.energy_metrics import estimated_share
from joulemark.core.machine import Site
from joulemark.core.measurement import Measurement
from joulemark.core.record import Record

EARLY_STOPPED = "early_stopped"  # measuring ended early, since another setting is better whatever more windows bring
PRELIMINARY = "preliminary"  # of a protocol for screening, not to be quoted


def measurement_flags(
    measurement: Measurement, weights: str | None, estimated_limit: float = Site.estimated_limit
) -> tuple[str, ...]:
    """The flags of what was measured, in alphabetical order.

    `estimated` above the site's limit: beyond it an estimate decides the total.
    """
    raised = {
        EARLY_STOPPED: measurement.stopped_early,
        "estimated": (estimated_share(measurement) or 0.0) > estimated_limit,
        "random_weights": weights == "random",
        "not_converged": bool(measurement.windows) and not measurement.converged,
        "warmup_not_converged": measurement.warmup_converged is False,
    }
    return tuple(sorted(name for name, on in raised.items() if on))


def input_flags(record: Record) -> tuple[str, ...]:
    """The flags of the inputs: rows skipped, inputs truncated."""
    raised = {"skipped_rows": bool(record.task.skipped), "truncated": bool(truncated(record))}
    return tuple(sorted(name for name, on in raised.items() if on))


def protocol_flags(record: Record) -> tuple[str, ...]:
    """The flag of a protocol for screening."""
    return (PRELIMINARY,) if record.protocol.preliminary else ()


def host_flags(record: Record) -> tuple[str, ...]:
    """The flag of a run beside others on one host, whose processor and memory count for all."""
    return ("shared",) if record.origin.shared_host else ()


def truncated(record: Record) -> list[str]:
    """The ids of the inputs that did not fit in the model's context and were truncated, each once, in order."""
    return list(dict.fromkeys(request.id for request in record.requests if request.truncated))
