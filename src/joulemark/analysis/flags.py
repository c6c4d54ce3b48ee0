"""The flags of a run: warnings that a reader must see beside its numbers."""

from collections.abc import Iterable, Mapping

from joulemark.analysis import plausibility, readings, requests
from joulemark.analysis.energy_metrics import component_j, estimated_share
from joulemark.analysis.serving import overload
from joulemark.core.machine import Site
from joulemark.core.measurement import COMPONENTS, Measurement
from joulemark.core.record import Record
from joulemark.core.task import EXPECTED
from joulemark.core.traffic import Traffic

ERRORS = "errors"  # of served traffic: requests failed or timed out
OVERLOADED = "overloaded"  # the rate was not kept up with, by the engine or by the load generator
UNSENT = "unsent"  # the traffic ended, by its own limit or a stop, before all requests were sent
EARLY_STOPPED = "early_stopped"  # measuring ended early, since another setting is better whatever more windows bring
NOT_CONVERGED = "not_converged"
PRELIMINARY = "preliminary"  # of a protocol for screening, not to be quoted
HOST_DECODED = "host_decoded"  # images that the GPU was to decode
SHARED_PROCESS = "shared_process"  # measured in a process that measured other settings: no process of evidence
CARRY_OVER = "carry_over"  # that process gave another figure for its first setting at its end
# Of a process whose figures decide nothing
UNDECIDING = (NOT_CONVERGED, PRELIMINARY, "contaminated", "throttled", EARLY_STOPPED, SHARED_PROCESS, CARRY_OVER)


def of_text(text: str | None) -> tuple[str, ...]:
    """The flags of a stored run, as the text of its tag `flags` names them."""
    return tuple(flag for flag in (text or "").split(", ") if flag)


def undeciding(raised: Iterable[str]) -> str | None:
    """The first flag for which a process decides nothing; None where none says so."""
    names = set(raised)
    return next((flag for flag in UNDECIDING if flag in names), None)


def measurement_flags(
    measurement: Measurement,
    weights: str | None,
    estimated_limit: float = Site.estimated_limit,
    overlapping: bool = False,
) -> tuple[str, ...]:
    """The flags of what was measured, in alphabetical order.

    `estimated` above the site's limit: beyond it an estimate decides the total. `overlapping` where batches are
    prepared ahead.
    """
    raised = {
        EARLY_STOPPED: measurement.stopped_early,
        "estimated": (estimated_share(measurement) or 0.0) > estimated_limit,
        "incomplete_windows": len(readings.complete_windows(measurement)) < len(measurement.windows),
        "random_weights": weights == "random",
        "stages_disagree": plausibility.stages_disagree(measurement, overlapping),
        "suspended": measurement.suspended_windows > 0,
        # served traffic is one window, which has no spread: its evidence is the processes
        NOT_CONVERGED: bool(measurement.windows) and not measurement.converged and measurement.traffic is None,
        "warmup_not_converged": measurement.warmup_converged is False,
        **_traffic_flags(measurement.traffic),
    }
    return tuple(sorted(name for name, on in raised.items() if on))


def _traffic_flags(traffic: Traffic | None) -> dict[str, bool]:
    if traffic is None:
        return {}
    return {
        ERRORS: traffic.failed + traffic.timed_out > 0,
        OVERLOADED: bool(overload.reasons(traffic)),
        UNSENT: traffic.unsent > 0,
    }


def input_flags(record: Record) -> tuple[str, ...]:
    """The flags of the inputs: how rows were taken or skipped, another family's vocabulary, who decoded, truncated."""
    one_class = record.task.classes == 1 and record.task.samples > 1
    raised = {
        "one_class": one_class,
        "sorted_rows": record.task.sampling_bias is not None and not one_class,
        "skipped_rows": bool(record.task.skipped),
        "stand_in_tokenizer": record.model.facts.get("stand_in_tokenizer_own") is False,
        HOST_DECODED: host_decoded(record) is not None,
        "truncated": requests.summary(record).truncated > 0,
    }
    return tuple(sorted(name for name, on in raised.items() if on))


def host_decoded(record: Record) -> str | None:
    """How many images the host decoded that the GPU was to decode, and why in one line; None where it did all of them.

    As of the calls since the load: the same inputs come again in each pass.
    """
    prepared = record.model.facts.get("preprocessing")
    if not isinstance(prepared, Mapping) or not prepared.get("host_inputs"):
        return None
    decoded, why = prepared["decoded_by"], prepared.get("no_card_decoder")
    share = prepared["host_inputs"] / sum(decoded.values())
    return f"{share:.0%} of the calls' images: " + (why or "files that are no plain JPEG, or that the GPU refuses")


def quality_flags(record: Record) -> tuple[str, ...]:
    """The flag of predictions whose quality could not be computed, though it was to be expected."""
    return ("no_quality",) if record.no_quality and record.no_quality not in EXPECTED else ()


def protocol_flags(record: Record) -> tuple[str, ...]:
    """The flag of a protocol for screening."""
    return (PRELIMINARY,) if record.protocol.preliminary else ()


def host_flags(record: Record) -> tuple[str, ...]:
    """The flags of a host that others used as well, and of a total that lacks a component which the machine has.

    Others' work contaminates a run on the host's processors; of one on a GPU it is in the CPU and RAM energy alone.
    """
    limit, others = record.protocol.busy_max, others_cpu_share(record.measurement)
    busy = others is not None and limit is not None and others > limit
    on_host = record.hardware.device == "cpu"
    raised = {
        "shared": record.origin.shared_host,
        SHARED_PROCESS: record.origin.shared_process is not None,
        "contaminated": busy and on_host,
        "host_busy": busy and not on_host,
        "partial_total": bool(record.measurement.windows) and bool(missing_components(record)),
    }
    return tuple(sorted(name for name, on in raised.items() if on))


def others_cpu_share(measurement: Measurement) -> float | None:
    """The share of the host's cores that other processes kept busy, over all windows; None where unknown."""
    known = [(w.others_cpu_share, w.duration_s) for w in measurement.windows if w.others_cpu_share is not None]
    seconds = sum(duration_s for _, duration_s in known)
    return sum(share * duration_s for share, duration_s in known) / seconds if seconds else None


def missing_components(record: Record) -> tuple[str, ...]:
    """The components that the machine has and the total does not hold."""
    has = COMPONENTS if record.hardware.device != "cpu" else tuple(each for each in COMPONENTS if each != "gpu")
    return tuple(each for each in has if component_j(record.measurement, each) is None)
