"""Served traffic as rows of a run's table."""

from collections.abc import Mapping

from joulemark.core.formatting import UNKNOWN, many, quantity
from joulemark.core.record import Record
from joulemark.core.serving import LIMITS
from joulemark.core.traffic import Traffic

Row = tuple[str, str, str]  # what it is, the value with its unit, the evidence
Metrics = Mapping[str, float | None]

TIMES = {
    "ttft": "time to first token",
    "tpot": "time per output token",
    "itl": "inter-token latency",
    "latency": "whole answer",
}
HOW = {"trace": "power trace", "mean_power": "mean power"}


def rows(record: Record, metrics: Metrics) -> list[Row]:
    """The rows of the traffic; none of fixed batches."""
    traffic = record.measurement.traffic
    if traffic is None:
        return []
    return [
        ("traffic", load(record), _outcomes(traffic)),
        *_rates(record, traffic, metrics),
        *_times(metrics),
        (
            "concurrency, mean",
            quantity(metrics["serving/mean_concurrency"], ""),
            f"busy {_share(metrics['serving/busy_share'])} of the time",
        ),
        *_energy(traffic, metrics),
        *_steady(traffic, metrics),
        *_shares(traffic, metrics),
        *_generator(traffic),
    ]


def load(record: Record) -> str:
    """The scenario with its rate or users, as a run's title has it."""
    traffic = record.measurement.traffic
    name = record.scenario.name
    if traffic is None:
        return name
    if traffic.users is not None:
        return f"{name}, {many(traffic.users, 'user')}"
    return name if traffic.asked_per_s is None else f"{name}, {traffic.asked_per_s:.4g} requests/s"


def _outcomes(traffic: Traffic) -> str:
    counts = {
        "failed": traffic.failed,
        "timed out": traffic.timed_out,
        "interrupted": traffic.interrupted,
        "not sent": traffic.unsent,
    }
    others = "".join(f", {count} {what}" for what, count in counts.items() if count)
    return f"{traffic.answered} answered{others}, in {traffic.duration_s:.4g} s"


def _rates(record: Record, traffic: Traffic, metrics: Metrics) -> list[Row]:
    asked, limits = metrics["serving/rate_asked_per_s"], _limits(record)
    lines = [
        (
            "rate attained",
            quantity(metrics["serving/rate_attained_per_s"], "requests/s"),
            "" if asked is None else f"asked {asked:.4g} requests/s, kept up with {_share(metrics['serving/kept_up'])}",
        )
    ]
    if limits:
        good = "cannot be known" if traffic.good is None else f"{traffic.good} of {traffic.answered} answers"
        rate = quantity(metrics["serving/goodput_requests_per_s"], "requests/s")
        lines.append(("goodput", rate, f"{good} within {limits}"))
    lines.append(
        (
            "output tokens",
            quantity(metrics["serving/output_tokens_per_s"], "tokens/s"),
            f"{_count(traffic.input_tokens)} in, {_count(traffic.output_tokens)} out, "
            f"counted by {traffic.token_count or 'nobody'}",
        )
    )
    return lines


def _limits(record: Record) -> str:
    """The limits of the scenario that bind, in words."""
    limits = record.scenario.options.get("limits") or {}
    bound = [f"{name.removesuffix('_s').upper()} {limits[name]:g} s" for name in LIMITS if limits.get(name) is not None]
    return ", ".join(bound)


def _times(metrics: Metrics) -> list[Row]:
    """The percentiles of each kind of time that is known."""
    return [
        (
            f"{what}, p50 / p90 / p99",
            " / ".join(quantity(metrics[f"serving/{name}_p{point}_s"], "") for point in (50, 90, 99)) + " s",
            "from its coming, waiting included" if name in ("ttft", "latency") else "",
        )
        for name, what in TIMES.items()
        if metrics[f"serving/{name}_p50_s"] is not None
    ]


def _energy(traffic: Traffic, metrics: Metrics) -> list[Row]:
    idle = metrics["serving/idle_share"]
    return [
        (
            "energy per output token",
            quantity(metrics["energy/j_per_output_token"], "J"),
            "whole window, idle time included",
        ),
        ("  per total token", quantity(metrics["energy/j_per_total_token"], "J"), "input and output"),
        ("  per request", quantity(metrics["energy/j_per_request"], "J"), f"{traffic.answered} answered"),
        (
            "  per good request",
            quantity(metrics["energy/j_per_good_request"], "J"),
            "" if traffic.good is None else f"{traffic.good} good",
        ),
        (
            "energy a day at this rate",
            quantity(metrics["energy/wh_per_day_at_rate"], "Wh"),
            "" if idle is None else f"idle power is {idle:.0%} of it",
        ),
    ]


def _steady(traffic: Traffic, metrics: Metrics) -> list[Row]:
    steady = traffic.steady
    if steady is None:
        return [("steady part", UNKNOWN, traffic.no_steady or "")]
    how = ", ".join(dict.fromkeys(HOW[method] for method in steady.method.values())) or "energy not available"
    return [
        (
            "steady part, per output token",
            quantity(metrics["energy/steady_j_per_output_token"], "J"),
            f"from {steady.start_s:.4g} to {steady.end_s:.4g} s, {steady.requests} requests, by {how}",
        )
    ]


def _shares(traffic: Traffic, metrics: Metrics) -> list[Row]:
    given = traffic.attribution
    if given is None:
        return []
    if given.refused is not None:
        return [("energy of each request", UNKNOWN, given.refused)]
    prefill, rest = metrics["energy/prefill_share"], metrics["energy/unattributed_share"]
    value = "in requests.parquet" if prefill is None else f"prefill {prefill:.1%}"
    return [("energy of each request", value, f"unattributed {_share(rest)}; {given.method}")]


def _generator(traffic: Traffic) -> list[Row]:
    """What the load generator itself took."""
    if traffic.generator_cpu_s is None and traffic.waiting_s is None:
        return []
    late = "" if traffic.waiting_s is None else f"sent {traffic.waiting_s:.2g} s late on average"
    return [("load generator", quantity(traffic.generator_cpu_s, "s of a processor"), late)]


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%}"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"
