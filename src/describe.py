"""A record in words: the table on the terminal and the description in MLflow, each number with unit and evidence."""

from collections.abc import Mapping

from src import energy, site, summary
from src.core import COMPONENTS, Record

FOREMOST = "modelled"  # the flag that decides what the numbers below it mean

EXPLAINED = {
    "random_weights": "random weights: the energy is real, the answers are not, so there is no quality",
    "unsettled": "the 95 % interval is wider than the protocol asks",
    "warmup_unsettled": "the latency was still moving when the first window began",
}


def title(record: Record) -> str:
    """Model, task and settings in one line."""
    run = record.run
    return (
        f"{record.model['name']} · {record.task['name']} · {run['precision']} · batch {run['batch_size']} · "
        f"{record.hardware['gpu_name'] or record.environment['cpu'] or record.hardware['device']}"
    )


def rows(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """Lines of (what, value with unit, how it is known); what was not read says so."""
    evidence = summary.methods(record.measurement)
    interval = metrics["energy/ci95_rel"]
    windows = len(record.measurement.windows)
    lines = [
        (
            "energy per 1,000",
            _value(metrics["energy/total_wh_per_1k"], "Wh"),
            f"± {interval:.1%} (95 %, {windows} windows)"
            if interval is not None
            else f"{windows} window(s), no interval",
        )
    ]
    lines += [(f"  {c.upper()}", _value(metrics[f"energy/{c}_wh_per_1k"], "Wh"), evidence[c] or "") for c in COMPONENTS]
    lines += [
        *_idle(record, metrics),
        (f"energy per {record.task['unit']}", _value(metrics["energy/j_per_unit"], "J"), ""),
        (_right_answer(record), _value(metrics["energy/j_per_correct"], "J"), ""),
        (f"quality: {record.task['metric']}", _value(metrics["quality/primary"], ""), _quality(record)),
        ("emissions per 1,000", _value(metrics["emissions/g_per_1k"], "g CO2e"), _site(record)),
        *_cost_and_heat(record, metrics),
        ("latency p50 / p99", f"{_value(metrics['latency/p50_s'], 's')} / {_value(metrics['latency/p99_s'], 's')}", ""),
        ("throughput", _value(metrics["throughput/requests_per_s"], "requests/s"), ""),
        *_phases(record, metrics),
        ("loading the model", _value(metrics["energy/load_wh"], "Wh"), ""),
    ]
    return [line for line in lines if line[1] != "not read" or line[2] or not line[0].startswith("  ")]


def _idle(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """Gross parted in being on and the rest, with the idle power and its interval; nothing without a baseline."""
    idle_w, half_w = metrics["power/idle_w"], metrics["power/idle_ci95_w"]
    if metrics["energy/net_wh_per_1k"] is None:
        return []
    read = [c for c in COMPONENTS if energy.idle_w(record.measurement, c) is not None]
    watts = "" if idle_w is None else f"; GPU idle {idle_w:.4g} W"
    interval = "" if half_w is None else f" ± {half_w:.2g} W"
    return [
        ("  of which being on", _value(metrics["energy/on_wh_per_1k"], "Wh"), f"idle power x time{watts}{interval}"),
        (
            "  of which net = marginal",
            _value(metrics["energy/net_wh_per_1k"], "Wh"),
            f"one more inference while on anyway ({', '.join(c.upper() for c in read)})",
        ),
        ("  GPU net of idle", _value(metrics["energy/gpu_net_wh_per_1k"], "Wh"), ""),
    ]


def _cost_and_heat(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """What the site's price and use of the heat make of the energy; nothing where the site says nothing of them."""
    here, lines = record.site, []
    if here.get("price_per_kwh") is not None:
        each = f"{here['price_per_kwh']:g} per kWh, PUE {here['pue']:g}"
        lines.append(("cost per 1,000", _value(metrics["cost/per_1k"], here.get("currency") or ""), each))
    if here.get("heat_reuse") is not None:
        how = f"{here['heat_reuse']:.0%} replaces {here['heat_replaces'].replace('_', ' ')}; taken off nothing"
        lines.append(("heating spared per 1,000", _value(metrics["heat/credit_wh_per_1k"], "Wh"), how))
    return lines


def _limit(record: Record) -> str:
    return f"{site.modelled_limit(record.site):.0%}"


def _phases(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """The stages of an inference, each from windows of its own, beside the whole."""
    phases = record.measurement.phases
    if not phases:
        return []
    parts = [metrics[f"phases/{phase.name}_wh_per_1k"] for phase in phases]
    known = [part for part in parts if part is not None]
    whole = metrics["energy/total_wh_per_1k"]
    share = f"together {sum(known) / whole:.0%} of the whole" if known and whole else ""
    lines = [("stages, each measured alone", f"{len(phases)}", share)]
    for phase, part in zip(phases, parts, strict=True):
        seconds = _value(metrics[f"phases/{phase.name}_s"], "s")
        lines.append((f"  {phase.name.replace('_', ' ')}", _value(part, "Wh"), seconds))
    if metrics["latency/ttft_s"] is not None:
        lines.append(("time to first token", _value(metrics["latency/ttft_s"], "s"), "preprocessing + prefill"))
    return lines


def warnings(record: Record) -> list[str]:
    """Each flag with what it means."""
    return [f"{flag}: {EXPLAINED.get(flag, flag)}" for flag in record.flags if flag != FOREMOST]


def foremost(record: Record) -> list[str]:
    """What must be said before any number: that more of the energy was estimated than the site accepts."""
    share = summary.modelled_share(record.measurement)
    if FOREMOST not in record.flags or share is None:
        return []
    return [f"{FOREMOST}: {share:.0%} of this energy was estimated, not read by a sensor (accepted: {_limit(record)})"]


def markdown(record: Record, metrics: Mapping[str, float | None]) -> str:
    """A description a person can read alone."""
    lines = [line for warning in foremost(record) for line in (f"> {warning}", "")]
    lines += [f"**{title(record)}**", ""]
    if record.error:
        lines += [f"{record.status}: {_plain(record.error)}", ""]
    lines += [f"> {warning}" for warning in warnings(record)] + [""] * bool(record.flags)
    if record.measurement.windows:
        lines += ["| what | value | evidence |", "|---|---|---|"]
        lines += [f"| {what.strip()} | {value} | {how} |" for what, value, how in rows(record, metrics)]
        lines += [""]
    source = record.task["source"]
    lines += [
        f"Inputs: {_plain(source)}, digest `{record.task['digest']}`. Weights: {record.model['weights']}"
        f" ({record.model['checkpoint']}, revision {record.model['revision'] or 'none'}).",
        "Energies are gross component energy per 1,000 inferences, not electricity at the wall.",
    ]
    return "\n".join(lines)


def _value(value: float | None, unit: str) -> str:
    return "not read" if value is None else f"{value:.4g} {unit}".strip()


def _right_answer(record: Record) -> str:
    metric = record.task["metric"]
    return "energy per right answer" if metric == "accuracy" else f"energy / {metric}"


def _quality(record: Record) -> str:
    if record.model["weights"] == "random":
        return "random weights"
    scored = sum(request.score is not None for request in record.requests)
    return f"{scored} of the same calls" if scored else "the data holds no references"


def _site(record: Record) -> str:
    site = record.site
    if site["g_per_kwh"] is None:
        return "no zone: type site.zone=FRA, or your own"
    return f"{site['zone'] or 'given'}: {site['g_per_kwh']:g} g/kWh, PUE {site['pue']:g}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave alone, since it may come from a file or a model."""
    return text.replace("<", "&lt;").replace("|", "\\|")
