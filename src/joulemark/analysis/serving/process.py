"""What a served run tells of its load, from its named metrics, as a list of runs holds them."""

from collections.abc import Mapping

from joulemark.analysis.serving.curve import LoadProcess
from joulemark.core.units import J_PER_WH, PER

TOTAL, IDLE, DYNAMIC = "energy/total_wh_per_1k", "energy/idle_wh_per_1k", "energy/dynamic_wh_per_1k"
REQUESTS_PER_S = "throughput/requests_per_s"  # answered, over the window of that energy
ASKED, ATTAINED = "serving/rate_asked_per_s", "serving/rate_attained_per_s"
KEPT_UP, ANSWERED = "serving/kept_up", "serving/answered"
LOST = ("serving/errors", "serving/timeouts", "serving/unsent")  # requests without an answer
J_PER_TOKEN = "energy/j_per_output_token"

# limit -> the metric of its percentile
P50 = {"ttft_s": "serving/ttft_p50_s", "tpot_s": "serving/tpot_p50_s", "latency_s": "serving/latency_p50_s"}
P90 = {"ttft_s": "serving/ttft_p90_s", "tpot_s": "serving/tpot_p90_s", "latency_s": "serving/latency_p90_s"}
P99 = {"ttft_s": "serving/ttft_p99_s", "tpot_s": "serving/tpot_p99_s", "latency_s": "serving/latency_p99_s"}

WHOLE = 1e-6  # relative, by which the idle and dynamic energies of all components add up to the total

Metrics = Mapping[str, float | None]


def rate(metrics: Metrics, nominal_per_s: float | None) -> float | None:
    """The load of a run, requests per second: as its scenario asked, as its trace did, else as it attained."""
    asked = nominal_per_s if nominal_per_s is not None else metrics.get(ASKED)
    return asked if asked is not None else metrics.get(ATTAINED)


def process(run_id: str, metrics: Metrics, nominal_per_s: float | None = None) -> LoadProcess | None:
    """The run as a process under its load; None where its energy or its rate is not available.

    Its power is that at the rate asked for: a finite traffic ends with answers that are still under way, so that it
    attained a little less. Energy above idle belongs to the requests, and is scaled; idle power is not.
    """
    total, requests = metrics.get(TOTAL), metrics.get(REQUESTS_PER_S)
    load, attained = rate(metrics, nominal_per_s), metrics.get(ATTAINED)
    if total is None or not requests or not load:
        return None
    mean_w, idle_w = _watts(total, requests), _idle_w(metrics, requests)
    kept_up = metrics.get(KEPT_UP)
    behind = kept_up is not None and kept_up < 1  # then it gives no more than it gave
    share = load / attained if attained and not behind else 1.0
    return LoadProcess(
        run_id=run_id,
        power_w=(idle_w or 0.0) + (mean_w - (idle_w or 0.0)) * share,
        idle_w=idle_w,
        p50={name: metrics.get(metric) for name, metric in P50.items()},
        p90={name: metrics.get(metric) for name, metric in P90.items()},
        p99={name: metrics.get(metric) for name, metric in P99.items()},
        unanswered=_unanswered(metrics),
        kept_up=kept_up,
        j_per_output_token=metrics.get(J_PER_TOKEN),
        j_per_request=total * J_PER_WH / PER,
    )


def _unanswered(metrics: Metrics) -> float:
    """The share of all requests that got no answer: errors, time-outs, and what was not sent, as in MLPerf's rules."""
    lost = sum(metrics.get(name) or 0.0 for name in LOST)
    requests = lost + (metrics.get(ANSWERED) or 0.0)
    return lost / requests if requests else 0.0


def _watts(wh_per_1k: float, requests_per_s: float) -> float:
    return wh_per_1k * J_PER_WH / PER * requests_per_s


def _idle_w(metrics: Metrics, requests_per_s: float) -> float | None:
    """Idle power of all components, W; None where one that was read has no baseline."""
    total, idle, dynamic = metrics.get(TOTAL), metrics.get(IDLE), metrics.get(DYNAMIC)
    if total is None or idle is None or dynamic is None or abs(idle + dynamic - total) > WHOLE * total:
        return None
    return _watts(idle, requests_per_s)
