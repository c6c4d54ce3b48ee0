"""A run as the rows of a table: each number with its unit and its evidence."""

from collections.abc import Mapping, Sequence

from joulemark.analysis import audit, breakdown, diagnosis, energy_metrics, readings, requests
from joulemark.analysis.serving import table as traffic
from joulemark.core.formatting import UNKNOWN, many, quantity, spoken, times
from joulemark.core.machine import REMOTE
from joulemark.core.measurement import COMPONENTS
from joulemark.core.paths import program
from joulemark.core.record import Record
from joulemark.core.task import NO_REFERENCES, RANDOM_WEIGHTS
from joulemark.data import request_table

LOWER_BOUND = "lower bound (roofline) per 1,000"
ROWS_LISTED = 3  # skipped rows and truncated inputs that a line of the table names

Row = tuple[str, str, str]  # what it is, the value with its unit, the evidence


def rows(record: Record, metrics: Mapping[str, float | None]) -> list[Row]:
    """The rows of a run's table; a value that is not available is n/a."""
    evidence = {**energy_metrics.methods(record.measurement), **_gpus(record)}
    evidence |= {c: f"{how}, shared" for c, how in evidence.items() if how and c != "gpu" and "shared" in record.flags}
    interval = metrics["energy/ci95_rel"]
    windows = len(record.measurement.windows)
    lines = [
        ("verdict", *audit.verdict(record)),
        (
            "energy per 1,000",
            quantity(metrics["energy/total_wh_per_1k"], "Wh"),
            f"± {interval:.1%} (within-run, {windows} windows)" if interval is not None else _no_interval(record),
        ),
    ]
    lines += [
        (f"  {c.upper()}", quantity(metrics[f"energy/{c}_wh_per_1k"], "Wh"), evidence[c] or "") for c in COMPONENTS
    ]
    lines += _wall(metrics)
    lines += [
        *_idle(record, metrics),
        (f"energy per {record.task.unit}", quantity(metrics["energy/j_per_unit"], "J"), ""),
        (_per_correct(record), quantity(metrics["energy/j_per_correct"], "J"), ""),
        ("  per answer", quantity(metrics.get("energy/j_per_answer"), "J"), ""),
        ("  per token of reasoning", quantity(metrics.get("energy/j_per_reasoning_token"), "J"), ""),
        (f"quality: {record.task.metric}", quantity(metrics["quality/primary"], ""), _quality(record)),
        ("emissions per 1,000", quantity(metrics["emissions/g_per_1k"], "g CO2e"), _site(record)),
        *_cost_and_heat(record, metrics),
        *(traffic.rows(record, metrics) or _latency(metrics)),
        *_stages(record, metrics),
        ("loading the model", quantity(metrics["energy/load_wh"], "Wh"), ""),
        ("warming up", quantity(metrics["energy/warmup_wh"], "Wh"), ""),
        *_inputs(record),
        *_lower_bound(record, metrics),
        *_parts(record),
        *_diagnosis(record),
    ]
    return [line for line in lines if line[1] != UNKNOWN or line[2] or not line[0].startswith("  ")]


def _no_interval(record: Record) -> str:
    """Why the energy has no within-run interval."""
    if record.measurement.traffic is not None:
        return "one window of traffic: repeats=3 gives the interval between processes"
    return f"{many(len(record.measurement.windows), 'window')}, no interval"


def _latency(metrics: Mapping[str, float | None]) -> list[Row]:
    """The latency and throughput of fixed batches."""
    return [
        (
            "latency p50 / p99",
            f"{quantity(metrics['latency/p50_s'], 's')} / {quantity(metrics['latency/p99_s'], 's')}",
            "",
        ),
        ("throughput", quantity(metrics["throughput/requests_per_s"], "requests/s"), ""),
    ]


def _gpus(record: Record) -> dict[str, str]:
    """The evidence of the GPU's energy where it is the sum of several GPUs, with their UUIDs; nothing for one."""
    uuids, how = record.hardware.uuids, energy_metrics.methods(record.measurement)["gpu"]
    shown = ", ".join(f"{uuid[:12]}…" if len(uuid) > 12 else uuid for uuid in uuids)
    return {"gpu": f"{how}, {len(uuids)} GPUs, summed ({shown})"} if how and len(uuids) > 1 else {}


def _wall(metrics: Mapping[str, float | None]) -> list[Row]:
    """Energy at the socket, where an external meter measured it."""
    if metrics["energy/wall_wh_per_1k"] is None:
        return []
    share = metrics["energy/wall_share"]
    evidence = f"external meter; the components are {share:.0%} of it" if share is not None else "external meter"
    return [("at the socket per 1,000", quantity(metrics["energy/wall_wh_per_1k"], "Wh"), evidence)]


def _idle(record: Record, metrics: Mapping[str, float | None]) -> list[Row]:
    """Idle (static) and dynamic energy, with the idle power and its interval; nothing without a baseline."""
    idle_w, half_w = metrics["power/idle_w"], metrics["power/idle_ci95_w"]
    if metrics["energy/dynamic_wh_per_1k"] is None:
        return []
    watts = "" if idle_w is None else f"; GPU idle {idle_w:.4g} W"
    interval = "" if half_w is None else f" ± {half_w:.2g} W (95 %)"
    return [
        (
            "  idle (static)",
            quantity(metrics["energy/idle_wh_per_1k"], "Wh"),
            f"idle power x time{watts}{interval}: {_by(record)}",
        ),
        (
            "  dynamic (above idle)",
            quantity(metrics["energy/dynamic_wh_per_1k"], "Wh"),
            f"gross less idle, the marginal cost: {_by(record)}",
        ),
        ("  GPU dynamic", quantity(metrics["energy/gpu_dynamic_wh_per_1k"], "Wh"), ""),
    ]


def _by(record: Record) -> str:
    """The components with an idle reading, each with its evidence."""
    measurement = record.measurement
    methods = {
        component: method
        for component, method in energy_metrics.methods(measurement).items()
        if readings.idle_w(measurement, component) is not None and method
    }
    return ", ".join(
        f"{component.upper()} {'estimated (constant)' if method == 'constant' else method}"
        for component, method in methods.items()
    )


def _cost_and_heat(record: Record, metrics: Mapping[str, float | None]) -> list[Row]:
    """The cost and the heating avoided at the site; nothing where the site gives no price or use of the heat."""
    site, lines = record.site, []
    if site.price_per_kwh is not None:
        price = f"{site.price_per_kwh:g} per kWh, PUE {site.pue:g}"
        lines.append(("cost per 1,000", quantity(metrics["cost/per_1k"], site.currency or ""), price))
    if site.heat_reuse is not None:
        how = f"{site.heat_reuse:.0%} replaces {spoken(str(site.heat_replaces))}; subtracted from nothing"
        lines.append(("heating avoided per 1,000", quantity(metrics["heat/credit_wh_per_1k"], "Wh"), how))
    return lines


def _stages(record: Record, metrics: Mapping[str, float | None]) -> list[Row]:
    """The stages of an inference, each measured in windows of its own, and their share of the whole."""
    stages = record.measurement.stages
    if not stages:
        return []
    parts = [metrics[f"stages/{stage.name}_wh_per_1k"] for stage in stages]
    available = [part for part in parts if part is not None]
    whole = metrics["energy/total_wh_per_1k"]
    share = f"together {sum(available) / whole:.0%} of the whole" if available and whole else ""
    lines = [("stages, each measured alone", f"{len(stages)}", share)]
    for stage, part in zip(stages, parts, strict=True):
        seconds = quantity(metrics[f"stages/{stage.name}_s"], "s")
        lines.append((f"  {spoken(stage.name)}", quantity(part, "Wh"), seconds))
    if metrics["latency/ttft_s"] is not None:
        lines.append(("time to first token", quantity(metrics["latency/ttft_s"], "s"), "preprocessing + prefill"))
    return lines


def _inputs(record: Record) -> list[Row]:
    """Lines for rows that were skipped and inputs that were truncated, each with the first few by name."""
    skipped, summary = record.task.skipped or (), requests.summary(record)
    lines = []
    if skipped:
        lines.append(("rows skipped", f"{len(skipped)}", _first(skipped, "record.json")))
    if summary.truncated:
        count = f"{summary.truncated} of {summary.count}"
        lines.append(("inputs truncated", count, _first(summary.truncated_ids, request_table.NAME)))
    return lines


def _first(names: Sequence[str], file: str) -> str:
    more = f"; … all in {file}" if len(names) > ROWS_LISTED else ""
    return "; ".join(names[:ROWS_LISTED]) + more


def _lower_bound(record: Record, metrics: Mapping[str, float | None]) -> list[Row]:
    """The lower bound of the model's work on this device (roofline), and how far the run is from it."""
    work, calibration = record.measurement.work, record.environment.calibration
    if work is None:
        return []
    workload = f"{work.flops / 1e9:.4g} GFLOP and {work.bytes_read / 1e6:.4g} MB of weights per request"
    if metrics["lower_bound/wh_per_1k"] is None:
        no_remedy = record.hardware.device in ("cpu", "mps", REMOTE) or calibration or len(record.hardware.uuids) > 1
        remedy = "" if no_remedy else f"; type {program('calibrate')}"
        return [(LOWER_BOUND, UNKNOWN, f"{workload}{remedy}")]
    ratio = metrics["lower_bound/ratio"]
    above = "" if ratio is None or calibration is None else f"{calibration.component.upper()} {times(ratio)} above it: "
    return [(LOWER_BOUND, quantity(metrics["lower_bound/wh_per_1k"], "Wh"), f"{above}{workload}")]


def _parts(record: Record) -> list[Row]:
    """Where a request's energy goes beside the lower bound; nothing where that is not known."""
    known = breakdown.of(record)
    if known is None or not known.bounded:
        return []
    return [("energy of a request, by part", quantity(known.total_j, "J"), breakdown.text(known))]


def _diagnosis(record: Record) -> list[Row]:
    """What decides the energy, the weightiest first, with the options to try next."""
    return [
        (
            "diagnosis",
            f"try {finding.try_options}" if finding.try_options else "",
            f"{finding.what}: {finding.evidence}{finding.then}",
        )
        for finding in diagnosis.findings(record)
    ]


def _per_correct(record: Record) -> str:
    metric = record.task.metric
    return "energy per correct prediction" if metric == "accuracy" else f"energy / {metric}"


def _quality(record: Record) -> str:
    if record.model.weights == "random":
        return RANDOM_WEIGHTS
    if record.scores.get("primary") is None:
        return record.no_quality or NO_REFERENCES
    known, whole_set = requests.summary(record), record.intervals.get(record.task.metric)
    return f"{known.scored or (whole_set.n if whole_set else known.count)} of the same calls"


def _site(record: Record) -> str:
    site = record.site
    if site.g_per_kwh is None:
        return "no zone: type site.zone=FRA or another zone"
    return f"{site.zone or 'given'}: {site.g_per_kwh:g} g/kWh, PUE {site.pue:g}"
