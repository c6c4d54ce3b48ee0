"""What a search for the highest passing rate came to: a table and sentences for people, a last line for programs."""

from collections.abc import Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

from joulemark.analysis.caveats import EXPLAINED
from joulemark.core import stats
from joulemark.core.answer import Answer
from joulemark.core.formatting import JOULES, UNKNOWN, WATTS, listed, rounded, scaled, seconds
from joulemark.core.paths import program
from joulemark.core.serving import Limits
from joulemark.sweep.rates.search import MeasuredRate, RateResult

COLUMNS = ("requests/s", "TTFT p99", "TPOT p99", "latency p99", "J per token", "power", "processes", "passes")
LEFT = ("passes",)
NAMES = {"ttft_s": "TTFT", "tpot_s": "TPOT", "latency_s": "latency"}
BROKEN = {**NAMES, "answered": "requests without an answer", "rate": "a queue that grows"}


def kept(limits: Limits) -> str:
    """The limits as text."""
    bounds = [f"{name} {seconds(bound)}" for key, name in NAMES.items() if (bound := getattr(limits, key)) is not None]
    return f"{listed(bounds)} for {limits.percentile:g} % of the requests"


def rows(result: RateResult) -> list[tuple[str, ...]]:
    """A row for each measured rate, ascending."""
    return [_row(rate) for rate in result.rates]


def answer(result: RateResult) -> Answer:
    """The highest rate, then what it is of, and the flags of its runs."""
    request, highest, above = result.request, result.highest, result.next
    flags = sorted({flag for rate in result.rates for each in rate.results for flag in each.outcome.flags})
    failed = [rate for rate in result.rates if rate.load is None]
    lines = [f"stopped by {result.stopped_by}: this is what was measured so far"] if result.stopped_by else []
    if highest is not None:
        more = "" if above is None else f"; {rounded(above.rate_per_s, 4)} does not: {_why(above)}"
        lines += [
            f"{'so far the ' if result.stopped_by else ''}highest rate within {kept(request.limits)}: "
            f"{rounded(highest.rate_per_s, 4)} requests/s ({_evidence(highest)}){more}",
            f"what a load costs, and on how many cards: {program('report')} sweep_id={request.name} "
            f"load={rounded(highest.rate_per_s / 2, 2)}{_typed(request.limits)}",
        ]
    elif result.rates:
        lines.append(f"no measured rate keeps {kept(request.limits)}: the lowest is {result.rates[0].rate_per_s:g}")
    lines += [f"at {rate.rate_per_s:g} requests/s no run: {_error(rate)}" for rate in failed]
    return Answer(lines, warnings=[f"{flag}: {EXPLAINED.get(flag, flag)}" for flag in flags])


def last_line(result: RateResult) -> dict[str, Any]:
    """What programs read."""
    highest, above = result.highest, result.next
    return {
        "status": status(result),
        "sweep_id": result.request.name,
        "highest_rate_per_s": None if highest is None else highest.rate_per_s,
        "established": highest is not None and highest.established,
        "next_rate_per_s": None if above is None else above.rate_per_s,
        "limits": asdict(result.request.limits),
        "resolution": result.request.grid.resolution,
        "rates": [_as_json(rate) for rate in result.rates],
    }


def status(result: RateResult) -> str:
    """`finished` where a rate passes, `interrupted`, else `failed`."""
    if result.stopped_by:
        return "interrupted"
    return "failed" if result.highest is None else "finished"


def metrics(result: RateResult) -> Mapping[str, float | None]:
    """The search in numbers, for the run that stands for it."""
    highest = result.highest
    return {
        "sweep/trials": float(sum(len(rate.results) for rate in result.rates)),
        "sweep/highest_rate_per_s": None if highest is None else highest.rate_per_s,
        "sweep/j_per_output_token": None if highest is None else _token_j(highest),
    }


def _row(rate: MeasuredRate) -> tuple[str, ...]:
    if rate.load is None:
        return (f"{rate.rate_per_s:g}", *[UNKNOWN] * 5, str(len(rate.results)), f"no: {_error(rate)}")
    times = (_mean(rate, name) for name in NAMES)
    watts = fmean(process.power_w for process in rate.load.processes)
    evidence = "" if rate.established else " (not established)"
    said = "yes" if rate.passes else f"no: {_why(rate)}"
    return (
        f"{rate.rate_per_s:g}",
        *(seconds(value) for value in times),
        scaled(_token_j(rate), JOULES),
        scaled(watts, WATTS),
        str(len(rate.results)),
        f"{said}{evidence}",
    )


def _why(rate: MeasuredRate) -> str:
    return _error(rate) if rate.passed is None else listed([BROKEN[name] for name in rate.passed.broken])


def _error(rate: MeasuredRate) -> str:
    return next((str(each.outcome.error) for each in rate.results if not each.finished), "")


def _evidence(rate: MeasuredRate) -> str:
    """How well it is known that a rate passes."""
    assert rate.passed is not None
    notes = list(rate.passed.by_limit.values())
    return next((each.note for each in notes if not each.established), notes[0].note)


def _typed(limits: Limits) -> str:
    return "".join(f" limits.{name}={bound:g}" for name in NAMES if (bound := getattr(limits, name)) is not None)


def _mean(rate: MeasuredRate, name: str) -> float | None:
    assert rate.load is not None
    return stats.mean_of_all([process.p99.get(name) for process in rate.load.processes])


def _token_j(rate: MeasuredRate) -> float | None:
    if rate.load is None:
        return None
    return stats.mean_of_all([process.j_per_output_token for process in rate.load.processes])


def _as_json(rate: MeasuredRate) -> dict[str, Any]:
    return {
        "rate_per_s": rate.rate_per_s,
        "passes": rate.passes,
        "established": rate.established,
        "broken": [] if rate.passed is None else list(rate.passed.broken),
        "runs": [result.outcome.run_id for result in rate.results],
        "ttft_p99_s": None if rate.load is None else _mean(rate, "ttft_s"),
        "tpot_p99_s": None if rate.load is None else _mean(rate, "tpot_s"),
        "latency_p99_s": None if rate.load is None else _mean(rate, "latency_s"),
        "j_per_output_token": _token_j(rate),
        "power_w": None if rate.load is None else fmean(process.power_w for process in rate.load.processes),
    }
