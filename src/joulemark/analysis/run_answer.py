"""What one run came to, in the few lines that a terminal shows: its result_table has the rest."""

from collections.abc import Mapping

from joulemark.analysis import audit, caveats, diagnosis, energy_metrics
from joulemark.analysis.flags import NOT_CONVERGED, PRELIMINARY
from joulemark.analysis.serving import table as traffic
from joulemark.core.answer import Answer
from joulemark.core.formatting import (
    JOULES,
    between,
    digits,
    listed,
    mass,
    plus_minus,
    quantity,
    scaled,
    seconds,
    spoken,
    wh,
)
from joulemark.core.measurement import COMPONENTS
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.serving import BATCH

Metrics = Mapping[str, float | None]

ALL = 0.995  # of the energy: what rounds to all of it
REASONS = 2  # doubts that are said in words, the others are counted


def of(record: Record, metrics: Metrics) -> Answer:
    """The answer of a run: energy, quality, times and emissions; its verdict in words; what to type next."""
    if record.status != "finished":
        measured = (
            _energy("measured until then", record, metrics) if record.measurement.windows else "nothing was measured"
        )
        return Answer([f"{_what(record)}: {record.status}: {record.error or 'no reason is known'}"], [measured])
    lines = [
        _energy(_what(record), record, metrics),
        _components(record, metrics),
        _quality(record, metrics),
        _times(record, metrics),
        _site(record, metrics),
    ]
    return Answer([line for line in lines if line], [_verdict(record)], _then(record))


def _what(record: Record) -> str:
    """The model on its task with its settings."""
    how = f"batch {record.settings.batch_size}" if record.scenario.name == BATCH else traffic.load(record)
    return f"{record.model.name} on {spoken(record.task.name)} ({record.settings.precision}, {how})"


def _energy(what: str, record: Record, metrics: Metrics) -> str:
    total, relative = metrics["energy/total_wh_per_1k"], metrics["energy/ci95_rel"]
    if total is None:
        return f"{what}: its energy is not available"
    of = "inferences" if record.measurement.traffic is None else "requests"
    energy = wh(total) if relative is None else plus_minus(total, relative * abs(total))
    per_token = metrics.get("energy/j_per_output_token")
    token = "" if per_token is None else f", {scaled(per_token, JOULES)} an output token"
    return f"{what}: {energy} per 1,000 {of}{token}{_estimated(metrics)}"


def _estimated(metrics: Metrics) -> str:
    share = metrics["energy/estimated_share"] or 0.0
    return "" if share == 0 else f", {'all' if share >= ALL else f'{share:.0%}'} of it estimated"


def _components(record: Record, metrics: Metrics) -> str:
    """The energy of each component with its evidence, and the device."""
    methods = energy_metrics.methods(record.measurement)
    known = [
        f"{component.upper()} {wh(value)} ({methods[component] or 'unknown'})"
        for component in COMPONENTS
        if (value := metrics[f"energy/{component}_wh_per_1k"]) is not None
    ]
    return f"{record.device_name}: {listed(known)}" if known else ""


def _quality(record: Record, metrics: Metrics) -> str:
    value, low, high = (metrics[f"quality/{name}"] for name in ("primary", "ci95_low", "ci95_high"))
    if value is None:
        return f"no quality: {record.no_quality}" if record.no_quality else "no quality is known"
    right, unit = metrics["energy/j_per_correct"], metrics["energy/j_per_unit"]
    per = "correct prediction" if record.task.metric == "accuracy" else f"whole point of {record.task.metric}"
    energies = [
        *([f"{scaled(unit, JOULES)} per {record.task.unit}"] if unit is not None else []),
        *([f"{scaled(right, JOULES)} per {per}"] if right is not None else []),
    ]
    return "; ".join([f"{record.task.metric} {between(value, low, high)}", *energies])


def _times(record: Record, metrics: Metrics) -> str:
    served = record.measurement.traffic is not None
    name = "serving/latency" if served else "latency/"
    p50, p99 = (metrics.get(f"{name}_p{point}_s" if served else f"{name}p{point}_s") for point in (50, 99))
    rate = metrics.get("serving/rate_attained_per_s") if served else metrics["throughput/requests_per_s"]
    first = metrics.get("serving/ttft_p99_s")
    parts = [
        *([f"time to first token p99 {seconds(first)}"] if first is not None else []),
        *([f"latency p50 {seconds(p50)}, p99 {seconds(p99)}"] if p50 is not None else []),
        *([f"{digits(rate)} requests/s"] if rate is not None else []),
    ]
    return "; ".join(parts)


def _site(record: Record, metrics: Metrics) -> str:
    """Emissions and cost, or what to type for them."""
    site, grams, cost = record.site, metrics["emissions/g_per_1k"], metrics["cost/per_1k"]
    money = "" if cost is None else f"; {quantity(cost, site.currency or '')} per 1,000"
    if site.g_per_kwh is None:
        return f"emissions: no zone is known, type site.zone=FRA or another{money}"
    if grams is None:
        return ""
    zone = f"{site.zone or 'given'}: {site.g_per_kwh:g} g/kWh, PUE {site.pue:g}"
    return f"emissions {mass(grams)} CO2e per 1,000 ({zone}){money}"


def _verdict(record: Record) -> str:
    """The verdict, its reasons in words."""
    word, reason = audit.verdict(record)
    doubts = [sentence for flag, sentence in caveats.explained(record).items() if flag in audit.DOUBTFUL]
    if word != "doubtful":
        return f"{word}: {reason}"
    more = f"; and {len(doubts) - REASONS} more" if len(doubts) > REASONS else ""
    return f"{word}: {'; '.join(doubts[:REASONS])}{more}"


def _then(record: Record) -> list[str]:
    """What to do next: the option that the diagnosis names, what makes a figure to quote, what makes a verdict."""
    lines = [
        f"try {finding.try_options}: {finding.what}" for finding in diagnosis.findings(record)[:1] if finding.options
    ]
    if PRELIMINARY in record.flags:
        lines.append("next: protocol=standard, a result to quote")
    elif NOT_CONVERGED in record.flags:
        lines.append("next: the same line while nothing else runs, for a narrower interval")
    compare = f"-m with model=A,B repeats=3, then {program('report')}"
    lines.append(f"to compare: {compare}; ± is the 95 % interval within this one process, and two differ by more")
    return lines
