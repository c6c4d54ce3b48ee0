"""The latency and throughput of a run by name, from the latencies of its batches."""

from array import array
from collections.abc import Sequence
from statistics import fmean

from joulemark.analysis import readings
from joulemark.core import stats
from joulemark.core.measurement import Measurement, Window

Metrics = dict[str, float | None]


def latency_metrics(measurement: Measurement) -> Metrics:
    """Seconds per request, where a batched request waits for its batch, and the rates of work."""
    latencies, sizes = latencies_and_sizes(measurement)
    rated = readings.complete_windows(measurement) or measurement.windows  # those of the energy, so that both agree
    seconds = sum(window.duration_s for window in rated)
    mean = p50 = p90 = p95 = p99 = None
    if latencies:
        p50, p90, p95, p99 = stats.percentiles(latencies, sizes, (50, 90, 95, 99))
        mean = _mean_s(measurement, latencies, sizes)
    return {
        "latency/mean_s": mean,
        "latency/p50_s": p50,
        "latency/p90_s": p90,
        "latency/p95_s": p95,
        "latency/p99_s": p99,
        "latency/ttft_s": ttft_s(measurement),
        "throughput/requests_per_s": sum(window.requests for window in rated) / seconds if seconds else None,
        "throughput/units_per_s": sum(window.units for window in rated) / seconds if seconds else None,
    }


def latencies_and_sizes(measurement: Measurement) -> tuple[Sequence[float], Sequence[int]]:
    """The latency of the batches of all windows in seconds, and the requests of each."""
    latencies = [s for window in measurement.windows for s in window.batch_s]
    if any(window.mean_s is not None for window in measurement.windows):  # some of very many: of requests then
        return latencies, [1] * len(latencies)
    sizes = [size for window in measurement.windows for _ in range(window.passes) for size in measurement.batch_sizes]
    return latencies, sizes


def _mean_s(measurement: Measurement, latencies: Sequence[float], sizes: Sequence[int]) -> float:
    if all(window.mean_s is None for window in measurement.windows):
        return sum(s * size for s, size in zip(latencies, sizes, strict=True)) / sum(sizes)
    means = [_window_mean_s(window, measurement.batch_sizes) for window in measurement.windows]
    requests = [window.requests for window in measurement.windows]
    return sum(s * count for s, count in zip(means, requests, strict=True)) / sum(requests)


def _window_mean_s(window: Window, sizes: Sequence[int]) -> float:
    if window.mean_s is not None:
        return window.mean_s
    return sum(s * size for s, size in zip(window.batch_s, [*sizes] * window.passes, strict=True)) / window.requests


def ttft_s(measurement: Measurement) -> float | None:
    """Mean seconds to the first token: of served traffic as they came, waiting included; else preparing the input and
    prefill, each from its own window. None where neither was measured or no token is generated."""
    if measurement.traffic is not None:
        return fmean(measurement.traffic.ttft_s) if len(measurement.traffic.ttft_s) else None
    means = {stage.name: fmean(stage.window.batch_s) for stage in measurement.stages}
    if not {"preprocessing", "prefill"} <= set(means):
        return None
    return means["preprocessing"] + means["prefill"]


def request_latencies(measurement: Measurement) -> Sequence[float]:
    """The latency in seconds of each request of the first pass: the calls that are scored."""
    first = measurement.windows[0].batch_s if measurement.windows else ()
    pairs = zip(first, measurement.batch_sizes, strict=False)
    return array("d", (s for s, size in pairs for _ in range(size)))
