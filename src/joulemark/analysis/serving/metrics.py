"""The metrics of served traffic by name, of a record that has any. None is not available."""

from collections.abc import Sequence
from math import fsum

from joulemark.analysis import readings as energy
from joulemark.core import stats
from joulemark.core.measurement import COMPONENTS, Measurement
from joulemark.core.traffic import Traffic
from joulemark.core.units import J_PER_WH, S_PER_DAY

Metrics = dict[str, float | None]

POINTS = (50, 90, 99)
TIMES = {"ttft": "ttft_s", "tpot": "tpot_s", "itl": "itl_s", "latency": "latency_s"}  # in a name -> in Traffic


def serving_metrics(measurement: Measurement) -> Metrics:
    """Every metric of the traffic; empty for fixed batches."""
    traffic = measurement.traffic
    if traffic is None:
        return {}
    return {
        **_times(traffic),
        **_rates(traffic),
        **_counts(traffic),
        **_energy(measurement, traffic),
        **_steady(traffic, total_j(measurement)),
        **_shares(traffic),
    }


def total_j(measurement: Measurement) -> float | None:
    """Gross joules of the traffic's window, all components that were read; None where one of them is missing."""
    if not energy.complete_windows(measurement):
        return None
    joules = [
        energy.window_j(measurement, window, component) for window in measurement.windows for component in COMPONENTS
    ]
    read = [value for value in joules if value is not None]
    return fsum(read) if read else None


def idle_share(measurement: Measurement) -> float | None:
    """Idle power times the window's time over its energy, of the components that have an idle reading."""
    pairs = [
        (watts * window.duration_s, joules)
        for window in energy.complete_windows(measurement)
        for component in COMPONENTS
        if (watts := energy.idle_w(measurement, component)) is not None
        and (joules := energy.window_j(measurement, window, component)) is not None
    ]
    gross = fsum(joules for _, joules in pairs)
    return fsum(idle for idle, _ in pairs) / gross if gross else None


def _times(traffic: Traffic) -> Metrics:
    found: Metrics = {}
    for name, attribute in TIMES.items():
        values: Sequence[float] = getattr(traffic, attribute)
        known = stats.percentiles(values, [1] * len(values), POINTS) if len(values) else [None] * len(POINTS)
        found |= {f"serving/{name}_p{point}_s": value for point, value in zip(POINTS, known, strict=True)}
    return found


def _rates(traffic: Traffic) -> Metrics:
    return {
        "serving/goodput_requests_per_s": _per(traffic.good, traffic.duration_s),
        "serving/goodput_tokens_per_s": _per(traffic.good_tokens, traffic.duration_s),
        "serving/output_tokens_per_s": _per(traffic.output_tokens, traffic.duration_s),
        "serving/rate_asked_per_s": traffic.asked_per_s,
        "serving/rate_attained_per_s": _per(traffic.answered, traffic.duration_s),
        "serving/kept_up": traffic.kept_up,
        "serving/mean_concurrency": traffic.mean_concurrency,
        "serving/busy_share": traffic.busy_share,
    }


def _counts(traffic: Traffic) -> Metrics:
    return {
        "serving/users": traffic.users,
        "serving/answered": traffic.answered,
        "serving/good": traffic.good,
        "serving/errors": traffic.failed,
        "serving/timeouts": traffic.timed_out,
        "serving/unsent": traffic.unsent,
        "serving/input_tokens": traffic.input_tokens,
        "serving/output_tokens": traffic.output_tokens,
        "serving/generator_cpu_s": traffic.generator_cpu_s,
        "serving/generator_delay_s": traffic.waiting_s,
    }


def _energy(measurement: Measurement, traffic: Traffic) -> Metrics:
    joules = total_j(measurement)
    seconds = sum(window.duration_s for window in measurement.windows)
    both = None if None in (traffic.input_tokens, traffic.output_tokens) else _sum(traffic)
    watts = _per(joules, seconds)
    return {
        "serving/idle_share": idle_share(measurement),
        "energy/j_per_output_token": _per(joules, traffic.output_tokens),
        "energy/j_per_total_token": _per(joules, both),
        "energy/j_per_request": _per(joules, traffic.answered),
        "energy/j_per_good_request": _per(joules, traffic.good),
        "energy/wh_per_day_at_rate": None if watts is None else watts * S_PER_DAY / J_PER_WH,
    }


def _steady(traffic: Traffic, joules: float | None) -> Metrics:
    """Of the steady part; its energies only where the whole window's is complete, too."""
    steady = traffic.steady
    seconds = None if steady is None else steady.end_s - steady.start_s
    known = steady is not None and bool(steady.joules) and joules is not None
    part_j = fsum(steady.joules.values()) if steady is not None and known else None
    return {
        "serving/steady_s": seconds,
        "serving/steady_output_tokens_per_s": None if steady is None else _per(steady.output_tokens, seconds),
        "energy/steady_j_per_output_token": None if steady is None else _per(part_j, steady.output_tokens),
        "energy/steady_j_per_request": None if steady is None else _per(part_j, steady.requests),
        "power/steady_mean_w": _per(part_j, seconds),
    }


def _shares(traffic: Traffic) -> Metrics:
    """Of the division of the energy among the requests."""
    given = traffic.attribution
    return {
        "energy/prefill_share": None if given is None else _per(given.prefill_j, given.attributed_j),
        "energy/unattributed_share": None if given is None else _per(given.unattributed_j, given.total_j),
    }


def _sum(traffic: Traffic) -> int:
    return (traffic.input_tokens or 0) + (traffic.output_tokens or 0)


def _per(value: float | None, whole: float | None) -> float | None:
    """The ratio; None where either is unknown, or of nothing."""
    return None if value is None or not whole else value / whole
