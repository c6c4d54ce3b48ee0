"""A record in words: the table on the terminal and the description in MLflow, each number with unit and evidence."""

from collections.abc import Mapping, Sequence

from joulemark.analysis import audit, diagnosis, named_metrics, readings
from joulemark.analysis.impact import published_text
from joulemark.core.measurement import COMPONENTS
from joulemark.core.paths import program
from joulemark.core.record import Record

NAMED = 3  # rows in a line of the table
FOREMOST = "estimated"  # the flag that decides what the numbers below it mean

EXPLAINED = {
    "early_stopped": "measuring ended early: another setting of the sweep is better, whatever more windows had brought",
    "estimated": "more of this energy was estimated, not read by a sensor, than the site accepts",
    "preliminary": "its protocol is too short to quote: a figure to choose by; protocol=standard gives one to quote",
    "contaminated": "another process used this card while it was measured",
    "power_capped": "the card's power limit held its clock, which is normal at full load",
    "throttled": "the card slowed itself down: its joules are those of a hotter or hampered card",
    "random_weights": "random weights: the energy is real, the answers are not, so there is no quality",
    "shared": "others were measured on this machine meanwhile: CPU and RAM are counted with theirs, GPUs are not",
    "skipped_rows": "rows of the data could not be used and others took their place",
    "truncated": "inputs were longer than the model's context and were cut",
    "not_converged": "the 95 % interval is wider than the protocol asks",
    "warmup_not_converged": "the latency was still moving when the first window began",
}

# Meters of one vendor's GPUs in records of schema 1 and 2, which list them as absent on any device; newer ones do not
VENDOR_METERS_BEFORE_3 = {"nvml": "cuda", "trace": "cuda", "amd": "rocm"}


def title(record: Record) -> str:
    """Model, task and settings in one line."""
    return (
        f"{record.model.name} · {record.task.name} · {record.settings.precision} · "
        f"batch {record.settings.batch_size} · {record.device_name}"
    )


def rows(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """Lines of (what, value with unit, how it is known); what was not read says so."""
    evidence = {**named_metrics.methods(record.measurement), **_cards(record)}
    evidence |= {c: f"{how}, shared" for c, how in evidence.items() if how and c != "gpu" and "shared" in record.flags}
    interval = metrics["energy/ci95_rel"]
    windows = len(record.measurement.windows)
    lines = [
        ("verdict", *audit.verdict(record)),
        (
            "energy per 1,000",
            _value(metrics["energy/total_wh_per_1k"], "Wh"),
            f"± {interval:.1%} (95 %, {windows} windows)"
            if interval is not None
            else f"{windows} window(s), no interval",
        ),
    ]
    lines += [(f"  {c.upper()}", _value(metrics[f"energy/{c}_wh_per_1k"], "Wh"), evidence[c] or "") for c in COMPONENTS]
    lines += _wall(metrics)
    lines += [
        *_idle(record, metrics),
        (f"energy per {record.task.unit}", _value(metrics["energy/j_per_unit"], "J"), ""),
        (_right_answer(record), _value(metrics["energy/j_per_correct"], "J"), ""),
        (f"quality: {record.task.metric}", _value(metrics["quality/primary"], ""), _quality(record)),
        ("emissions per 1,000", _value(metrics["emissions/g_per_1k"], "g CO2e"), _site(record)),
        *_cost_and_heat(record, metrics),
        ("latency p50 / p99", f"{_value(metrics['latency/p50_s'], 's')} / {_value(metrics['latency/p99_s'], 's')}", ""),
        ("throughput", _value(metrics["throughput/requests_per_s"], "requests/s"), ""),
        *_phases(record, metrics),
        ("loading the model", _value(metrics["energy/load_wh"], "Wh"), ""),
        ("warming up", _value(metrics["energy/warmup_wh"], "Wh"), ""),
        *_inputs(record),
        *_floor(record, metrics),
        *_diagnosis(record),
    ]
    return [line for line in lines if line[1] != "not read" or line[2] or not line[0].startswith("  ")]


def _cards(record: Record) -> dict[str, str]:
    """The evidence of the GPU's energy where it is the sum of several cards, with their UUIDs; nothing for one."""
    uuids, how = record.hardware.uuids, named_metrics.methods(record.measurement)["gpu"]
    shown = ", ".join(f"{uuid[:12]}…" if len(uuid) > 12 else uuid for uuid in uuids)
    return {"gpu": f"{how}, {len(uuids)} GPUs, summed ({shown})"} if how and len(uuids) > 1 else {}


def _wall(metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """The socket's own meter, where there was one."""
    if metrics["energy/wall_wh_per_1k"] is None:
        return []
    share = metrics["energy/wall_share"]
    known = f"external meter; the components are {share:.0%} of it" if share is not None else "external meter"
    return [("at the socket per 1,000", _value(metrics["energy/wall_wh_per_1k"], "Wh"), known)]


def _idle(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """Gross parted in being on and the rest, with the idle power and its interval; nothing without a baseline."""
    idle_w, half_w = metrics["power/idle_w"], metrics["power/idle_ci95_w"]
    if metrics["energy/dynamic_wh_per_1k"] is None:
        return []
    watts = "" if idle_w is None else f"; GPU idle {idle_w:.4g} W"
    interval = "" if half_w is None else f" ± {half_w:.2g} W (95 %)"
    return [
        (
            "  of which being on",
            _value(metrics["energy/idle_wh_per_1k"], "Wh"),
            f"idle power x time{watts}{interval}: {_by(record)}",
        ),
        (
            "  of which net = marginal",
            _value(metrics["energy/dynamic_wh_per_1k"], "Wh"),
            f"one more inference while on anyway: {_by(record)}",
        ),
        ("  GPU net of idle", _value(metrics["energy/gpu_dynamic_wh_per_1k"], "Wh"), ""),
    ]


def _by(record: Record) -> str:
    """The components with an idle reading, and how each was known; what no sensor read says so."""
    found = record.measurement
    methods = {
        c: how for c, how in named_metrics.methods(found).items() if readings.idle_w(found, c) is not None and how
    }
    return ", ".join(
        f"{component.upper()} {f'estimated ({how})' if how in named_metrics.ESTIMATED else how}"
        for component, how in methods.items()
    )


def _cost_and_heat(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """What the site's price and use of the heat make of the energy; nothing where the site says nothing of them."""
    here, lines = record.site, []
    if here.price_per_kwh is not None:
        each = f"{here.price_per_kwh:g} per kWh, PUE {here.pue:g}"
        lines.append(("cost per 1,000", _value(metrics["cost/per_1k"], here.currency or ""), each))
    if here.heat_reuse is not None:
        how = f"{here.heat_reuse:.0%} replaces {str(here.heat_replaces).replace('_', ' ')}; taken off nothing"
        lines.append(("heating spared per 1,000", _value(metrics["heat/credit_wh_per_1k"], "Wh"), how))
    return lines


def _limit(record: Record) -> str:
    return f"{record.site.estimated_limit:.0%}"


def _phases(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """The stages of an inference, each from windows of its own, beside the whole."""
    phases = record.measurement.stages
    if not phases:
        return []
    parts = [metrics[f"stages/{phase.name}_wh_per_1k"] for phase in phases]
    known = [part for part in parts if part is not None]
    whole = metrics["energy/total_wh_per_1k"]
    share = f"together {sum(known) / whole:.0%} of the whole" if known and whole else ""
    lines = [("stages, each measured alone", f"{len(phases)}", share)]
    for phase, part in zip(phases, parts, strict=True):
        seconds = _value(metrics[f"stages/{phase.name}_s"], "s")
        lines.append((f"  {phase.name.replace('_', ' ')}", _value(part, "Wh"), seconds))
    if metrics["latency/ttft_s"] is not None:
        lines.append(("time to first token", _value(metrics["latency/ttft_s"], "s"), "preprocessing + prefill"))
    return lines


def _inputs(record: Record) -> list[tuple[str, str, str]]:
    """Lines for rows that were passed over and inputs that were cut, each with the first few by name."""
    skipped, cut = record.task.skipped or (), named_metrics.truncated(record)
    lines = []
    if skipped:
        lines.append(("rows skipped", f"{len(skipped)}", _first(skipped, "record.json")))
    if cut:
        count = sum(request.truncated for request in record.requests)
        lines.append(("inputs cut to fit", f"{count} of {len(record.requests)}", _first(cut, "requests.json")))
    return lines


def _first(names: Sequence[str], file: str) -> str:
    more = f"; … all in {file}" if len(names) > NAMED else ""
    return "; ".join(names[:NAMED]) + more


def _floor(record: Record, metrics: Mapping[str, float | None]) -> list[tuple[str, str, str]]:
    """The least that the model's own work can cost on this device, and how far the run is from it."""
    work, known = record.measurement.work, record.environment.calibration
    if work is None:
        return []
    asked = f"{work.flops / 1e9:.4g} GFLOP and {work.bytes_read / 1e6:.4g} MB of weights a request"
    if metrics["lower_bound/wh_per_1k"] is None:
        measured = record.hardware.device in ("cpu", "mps") or known is not None or len(record.hardware.uuids) > 1
        return [("energy floor per 1,000", "not read", asked if measured else f"{asked}; type {program('calibrate')}")]
    ratio = metrics["lower_bound/ratio"]
    above = "" if ratio is None or known is None else f"{known.component.upper()} {ratio:.3g}x above it: "
    return [("energy floor per 1,000", _value(metrics["lower_bound/wh_per_1k"], "Wh"), f"{above}{asked}")]


def _diagnosis(record: Record) -> list[tuple[str, str, str]]:
    """What decides the energy, with the word to type next."""
    found = diagnosis.findings(record)
    return [
        ("diagnosis", f"try {one.try_word}" if one.try_word else "", f"{one.what}: {one.evidence}") for one in found
    ]


def warnings(record: Record) -> list[str]:
    """Each flag with what it means and what was seen, then each sensor that was not read with its reason and remedy."""
    seen = {
        "contaminated": f" (process {', '.join(map(str, audit.others(record.measurement))) or 'hidden'})",
        "throttled": f" ({', '.join(audit.held_back(record.measurement))})",
    }
    said = (f"{flag}: {EXPLAINED.get(flag, flag)}{seen.get(flag, '')}" for flag in record.flags if flag != FOREMOST)
    return [*said, *absent(record)]


def absent(record: Record) -> list[str]:
    """Why each sensor that this machine could have was not read; a card's are no loss on a run without it."""
    reasons, device = record.environment.meters_absent, record.hardware.device
    return [
        f"not read: {reason}" for name, reason in reasons.items() if VENDOR_METERS_BEFORE_3.get(name, device) == device
    ]


def foremost(record: Record) -> list[str]:
    """What must be said before any number: that more of the energy was estimated than the site accepts."""
    share = named_metrics.estimated_share(record.measurement)
    if FOREMOST not in record.flags or share is None:
        return []
    return [f"{FOREMOST}: {share:.0%} of this energy was estimated, not read by a sensor (accepted: {_limit(record)})"]


def markdown(record: Record, metrics: Mapping[str, float | None]) -> str:
    """A description a person can read alone."""
    lines = [line for warning in foremost(record) for line in (f"> {warning}", "")]
    lines += [f"**{title(record)}**", ""]
    if record.measurement.windows:
        lines += [_face(record, metrics), ""]
    if record.error:
        lines += [f"{record.status}: {_plain(record.error)}", ""]
    warned = warnings(record)
    lines += [f"> {_plain(warning)}" for warning in warned] + [""] * bool(warned)
    if record.measurement.windows:
        lines += ["| what | value | evidence |", "|---|---|---|"]
        lines += [f"| {what.strip()} | {value} | {_plain(how)} |" for what, value, how in rows(record, metrics)]
        lines += [""]
        published = published_text.beside(record, metrics)
        lines += [f"Beside published figures: {_plain(' '.join(published))}", ""] if published else []
    source = record.task.source or ""
    lines += [
        f"Inputs: {_plain(source)}, digest `{record.task.digest}`. Weights: {record.model.weights}"
        f" ({record.model.checkpoint}, revision {record.model.revision or 'none'}).",
        "Energies are gross component energy per 1,000 inferences, not electricity at the wall.",
    ]
    return "\n".join(lines)


def _face(record: Record, metrics: Mapping[str, float | None]) -> str:
    """The verdict and the number it is about in one line: MLflow shows the first few until more is asked for."""
    word, why = audit.verdict(record)
    interval = metrics["energy/ci95_rel"]
    width = "without an interval" if interval is None else f"± {interval:.1%} (95 %)"
    return f"**{word}** ({_plain(why)}): {_value(metrics['energy/total_wh_per_1k'], 'Wh')} per 1,000 inferences {width}"


def _value(value: float | None, unit: str) -> str:
    return "not read" if value is None else f"{value:.4g} {unit}".strip()


def _right_answer(record: Record) -> str:
    metric = record.task.metric
    return "energy per right answer" if metric == "accuracy" else f"energy / {metric}"


def _quality(record: Record) -> str:
    if record.model.weights == "random":
        return "random weights"
    scored = sum(request.score is not None for request in record.requests)
    return f"{scored} of the same calls" if scored else "the data holds no references"


def _site(record: Record) -> str:
    site = record.site
    if site.g_per_kwh is None:
        return "no zone: type site.zone=FRA, or your own"
    return f"{site.zone or 'given'}: {site.g_per_kwh:g} g/kWh, PUE {site.pue:g}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave alone, since it may come from a file or a model."""
    return text.replace("<", "&lt;").replace("|", "\\|")
