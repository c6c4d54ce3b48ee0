"""What a run leaves behind: the named metrics of a Record, and the words of warning that go beside them.

All are computed when the record is read, so that an old run can be priced for another site.
Energies are per 1,000 inferences in Wh, gross unless the name says net.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean

from joulemark.analysis import emissions, lower_bound
from joulemark.analysis import readings as energy
from joulemark.analysis.lower_bound import Floor
from joulemark.core import stats
from joulemark.core.machine import Site
from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window
from joulemark.core.record import Record

J_PER_WH = 3600.0
PER = 1000  # inferences
ESTIMATED = ("estimated", "constant")  # methods of components that no sensor read
EARLY_STOPPED = (
    "early_stopped"  # the flag of a run whose measuring ended early, since another setting is better whatever it brings
)
PRELIMINARY = "preliminary"  # the flag of a run by a protocol that is not to be quoted from

Metrics = dict[str, float | None]


def metrics(record: Record) -> Metrics:
    """Every metric of the record under its fixed name; None where it was not read."""
    found = record.measurement
    return {
        **energy_metrics(found, record.scores.get("primary")),
        **emissions.metrics(total_j(found), record.site),
        **latency_metrics(found),
        **{f"quality/{name}": value for name, value in record.scores.items()},
        "quality/primary": record.scores.get("primary"),
        **power_metrics(found),
        **stage_metrics(found),
        **wall_metrics(found),
        **floor_metrics(record),
        "memory/gpu_peak_bytes": found.peak_memory_bytes,
        **input_metrics(record),
    }


def input_metrics(record: Record) -> Metrics:
    """How many rows of the source were passed over as unusable, and how many inputs did not fit and were cut.

    The second is None where no request was answered, or the model says nothing of tokens.
    """
    skipped = record.task.skipped
    reads = any(request.input_tokens is not None or request.truncated for request in record.requests)
    return {
        "inputs/skipped": None if skipped is None else len(skipped),
        "inputs/truncated": sum(request.truncated for request in record.requests) if reads else None,
    }


def truncated(record: Record) -> list[str]:
    """The ids of the inputs that did not fit in the model's context and were cut, each once, in order."""
    return list(dict.fromkeys(request.id for request in record.requests if request.truncated))


def energy_metrics(found: Measurement, quality: float | None) -> Metrics:
    """Energy by component, its interval, and what one unit and one right answer cost."""
    parts = {component: component_j(found, component) for component in COMPONENTS}
    total = total_j(found)
    totals = [joules for joules in energy.total_j_per_request(found) if joules is not None]
    interval = stats.estimate(totals)
    requests, units = _sum(found, "requests"), _sum(found, "units")
    return {
        "energy/total_wh_per_1k": _wh_per_1k(total),
        **{f"energy/{component}_wh_per_1k": _wh_per_1k(joules) for component, joules in parts.items()},
        **idle_metrics(found),
        "energy/ci95_rel": interval.relative if interval else None,
        "energy/estimated_share": estimated_share(found),
        "energy/j_per_unit": total * requests / units if total is not None and units else None,
        "energy/j_per_correct": total / quality if total is not None and quality else None,
        "energy/load_wh": _stretch_wh(found.load),
        "energy/warmup_wh": _stretch_wh(found.warmup),
        "energy/run_wh": run_wh(found),
        "energy/run_s": run_s(found),
    }


def run_wh(found: Measurement) -> float | None:
    """Wh of all that was metered in the run; None where nothing was.

    Importing, scoring and the moments between windows have no reading and are not in it: a lower bound of what the run
    took. `run_s` says how much of its time it holds.
    """
    told = [
        *(_reading_j(readings, component) for readings in _stretches(found) for component in COMPONENTS),
        *(energy.idle_j(found, component) for component in COMPONENTS),
    ]
    read = [joules for joules in told if joules is not None]
    return sum(read) / J_PER_WH if read else None


def run_s(found: Measurement) -> float | None:
    """Seconds of all that was metered in the run, as the meter that was on longest says; None where nothing was."""
    seconds: dict[str, float] = defaultdict(float)
    for readings in (*_stretches(found), found.idle):
        for reading in readings:
            seconds[reading.meter] += reading.duration_s
    return max(seconds.values(), default=None)


def _stretches(found: Measurement) -> tuple[Sequence[Reading], ...]:
    """What was metered, less the idle baseline, whose readings are those of several parts."""
    windows = (*found.windows, *(phase.window for phase in found.stages))
    return (found.load, found.warmup, *(window.readings for window in windows))


def _stretch_wh(readings: Sequence[Reading]) -> float | None:
    """Wh of all components of one stretch; None where none was read."""
    read = [joules for component in COMPONENTS if (joules := _reading_j(readings, component)) is not None]
    return sum(read) / J_PER_WH if read else None


def component_j(found: Measurement, component: str) -> float | None:
    """Gross joules per request of one component: the mean over windows, as the repeats count alike."""
    return _mean(found, lambda window: _per_request(energy.window_j(found, window, component), window))


def total_j(found: Measurement) -> float | None:
    """Gross joules per request of all components that were read."""
    read = [joules for c in COMPONENTS if (joules := component_j(found, c)) is not None]
    return sum(read) if read else None


def idle_metrics(found: Measurement) -> Metrics:
    """Gross energy parted in two, over the components that have an idle reading: being on, and the rest (net).

    On is idle power times the time an inference took, net is gross less that. Net is also the marginal cost: what one
    more inference adds to a machine that is on, loaded and waiting anyway. On a machine that is never idle one more
    inference needs more machine, and costs gross.
    """
    both = {
        c: (gross, on)
        for c in COMPONENTS
        if (gross := component_j(found, c)) is not None and (on := energy.idle_j_per_request(found, c)) is not None
    }
    net = {c: gross - on for c, (gross, on) in both.items()}
    return {
        "energy/gpu_dynamic_wh_per_1k": _wh_per_1k(net.get("gpu")),
        "energy/dynamic_wh_per_1k": _wh_per_1k(sum(net.values())) if net else None,
        "energy/idle_wh_per_1k": _wh_per_1k(sum(on for _, on in both.values())) if both else None,
    }


def estimated_share(found: Measurement) -> float | None:
    """The share of the total energy that no sensor read, in [0, 1]."""
    parts = {c: joules for c in COMPONENTS if (joules := component_j(found, c)) is not None}
    if not parts or not found.windows or not sum(parts.values()):
        return None
    readings = found.windows[0].readings
    return sum(j for c, j in parts.items() if energy.method(readings, c) in ESTIMATED) / sum(parts.values())


def latency_metrics(found: Measurement) -> Metrics:
    """Seconds per request, where a batched request waits for its batch, and the rates of work."""
    latencies = [s for window in found.windows for s in window.batch_s]
    sizes = [size for window in found.windows for _ in range(window.passes) for size in found.batch_sizes]
    seconds = _sum(found, "duration_s")
    mean = p50 = p90 = p95 = p99 = None
    if latencies:
        p50, p90, p95, p99 = stats.percentiles(latencies, sizes, (50, 90, 95, 99))
        mean = sum(s * size for s, size in zip(latencies, sizes, strict=True)) / sum(sizes)
    return {
        "latency/mean_s": mean,
        "latency/p50_s": p50,
        "latency/p90_s": p90,
        "latency/p95_s": p95,
        "latency/p99_s": p99,
        "latency/ttft_s": ttft_s(found),
        "throughput/requests_per_s": _sum(found, "requests") / seconds if seconds else None,
        "throughput/units_per_s": _sum(found, "units") / seconds if seconds else None,
    }


def ttft_s(found: Measurement) -> float | None:
    """Mean seconds to the first token: preparing the input and prefill, each from its own window; None where neither
    was measured or no token is generated."""
    means = {phase.name: fmean(phase.window.batch_s) for phase in found.stages}
    if "prefill" not in means:
        return None
    return means["preprocessing"] + means["prefill"]


def stage_metrics(found: Measurement) -> Metrics:
    """Energy (Wh per 1,000 inferences, gross, all components read) and mean seconds of each stage of an inference."""
    metrics: Metrics = {}
    for phase in found.stages:
        parts = [energy.window_j(found, phase.window, component) for component in COMPONENTS]
        read = [joules for joules in parts if joules is not None]
        metrics[f"stages/{phase.name}_wh_per_1k"] = _wh_per_1k(sum(read) / phase.window.requests) if read else None
        metrics[f"stages/{phase.name}_s"] = fmean(phase.window.batch_s)
    return metrics


def wall_metrics(found: Measurement) -> Metrics:
    """Energy at the socket as an external meter read it, never part of the total, and the components' share of it."""
    wall = component_j(found, "wall")
    parts = [joules for c in COMPONENTS if (joules := component_j(found, c)) is not None]
    return {
        "energy/wall_wh_per_1k": _wh_per_1k(wall),
        "energy/wall_share": sum(parts) / wall if wall and parts else None,
    }


def floor(record: Record) -> Floor | None:
    """The energy floor of one request on the device that was used; None where its work or its prices are unknown."""
    calibration = record.environment.calibration
    return lower_bound.floor(record.measurement.work, calibration, record.settings.precision)


def floor_metrics(record: Record) -> Metrics:
    """The floor (Wh per 1,000 inferences), and how often the device's gross energy holds it.

    Gross, as the floor itself: idle power is in both. The device is the GPU, or the processor without its memory; an
    estimate of its energy gives no ratio, since no sensor says how far it is.
    """
    least, calibration = floor(record), record.environment.calibration
    if least is None or calibration is None or least.total_j <= 0:
        return {"lower_bound/wh_per_1k": None, "lower_bound/ratio": None}
    component = calibration.component
    read = methods(record.measurement)[component] not in ESTIMATED
    gross = component_j(record.measurement, component) if read else None
    return {
        "lower_bound/wh_per_1k": _wh_per_1k(least.total_j),
        "lower_bound/ratio": None if gross is None else gross / least.total_j,
    }


def power_metrics(found: Measurement) -> Metrics:
    """Mean watts of the GPU at work and idle, and how busy GPU and CPU were."""
    return {
        "power/gpu_mean_w": _mean(found, lambda w: _over_time(energy.window_j(found, w, "gpu"), w)),
        "power/idle_w": energy.idle_w(found, "gpu"),
        "power/idle_ci95_w": energy.idle_half_width_w(found, "gpu"),
        "utilization/gpu": _mean(found, _gpu_utilization),
        "utilization/cpu": _mean(found, lambda window: window.cpu_utilization),
    }


def methods(found: Measurement) -> dict[str, str | None]:
    """The evidence of each component's energy (one of core.METHODS); None where it was not read."""
    readings = found.windows[0].readings if found.windows else found.idle or found.load
    return {component: energy.method(readings, component) for component in COMPONENTS}


def flags(found: Measurement, weights: str | None, estimated_limit: float = Site.estimated_limit) -> tuple[str, ...]:
    """The words of warning a reader must see beside the numbers, in alphabetical order.

    `estimated` above the site's limit: from there on an estimate decides what the total looks like.
    """
    raised = {
        EARLY_STOPPED: found.stopped_early,
        "estimated": (estimated_share(found) or 0.0) > estimated_limit,
        "random_weights": weights == "random",
        "not_converged": bool(found.windows) and not found.converged,
        "warmup_not_converged": found.warmup_converged is False,
    }
    return tuple(sorted(name for name, on in raised.items() if on))


def input_flags(record: Record) -> tuple[str, ...]:
    """The words of warning about what was read: rows passed over, inputs cut."""
    raised = {"skipped_rows": bool(record.task.skipped), "truncated": bool(truncated(record))}
    return tuple(sorted(name for name, on in raised.items() if on))


def protocol_flags(record: Record) -> tuple[str, ...]:
    """The word of warning of a protocol that is too short to quote from."""
    return (PRELIMINARY,) if record.protocol.preliminary else ()


def host_flags(record: Record) -> tuple[str, ...]:
    """The word of warning where others were measured on the machine meanwhile: its processor and memory are one."""
    return ("shared",) if record.origin.shared_host else ()


def request_latencies(found: Measurement) -> list[float]:
    """The latency in seconds of each request of the first pass: the calls that are scored."""
    first = found.windows[0].batch_s if found.windows else ()
    return [s for s, size in zip(first, found.batch_sizes, strict=False) for _ in range(size)]


def _gpu_utilization(window: Window) -> float | None:
    return next((r.gpu_utilization for r in window.readings if r.gpu_utilization is not None), None)


def _reading_j(readings: Sequence[Reading], component: str) -> float | None:
    reading = energy.source(readings, component)
    return energy.joules(reading, component) if reading else None


def _per_request(joules: float | None, window: Window) -> float | None:
    return None if joules is None else joules / window.requests


def _over_time(joules: float | None, window: Window) -> float | None:
    return None if joules is None or not window.duration_s else joules / window.duration_s


def _mean(found: Measurement, value: Callable[[Window], float | None]) -> float | None:
    values: Sequence[float] = [v for window in found.windows if (v := value(window)) is not None]
    return fmean(values) if values else None


def _sum(found: Measurement, name: str) -> float:
    return float(sum(getattr(window, name) for window in found.windows))


def _wh_per_1k(j_per_request: float | None) -> float | None:
    return None if j_per_request is None else j_per_request * PER / J_PER_WH
