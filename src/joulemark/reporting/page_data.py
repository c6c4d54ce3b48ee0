"""What the page's script draws from: every run in columns, the groups, and some runs' latencies, as JSON values.

Columns, since ten thousand runs as objects would repeat each name ten thousand times; texts are numbered for the same
reason. Numbers have five digits: the page shows three.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joulemark.analysis import latency_metrics
from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.analysis.quantity import GROSS
from joulemark.core.measurement import COMPONENTS
from joulemark.core.record import Record
from joulemark.reporting.entry import Entry
from joulemark.reporting.pairs import qualities, verdicts
from joulemark.reporting.recommendation import Recommendation

DIGITS = 5
ROLES = {"general_purpose": "general-purpose"}  # as the page shows them
QUANTILES = 41  # of a run's latencies, from the least to the most

TEXTS: dict[str, Callable[[Entry], str]] = {
    "model": lambda entry: entry.model,
    "role": lambda entry: ROLES.get(entry.role, entry.role),
    "precision": lambda entry: entry.precision,
    "settings": lambda entry: entry.settings,
    "weights": lambda entry: entry.weights,
    "verdict": lambda entry: entry.verdict,
    "flags": lambda entry: ", ".join(entry.flags),
    "card": lambda entry: entry.card or "",
    "currency": lambda entry: entry.currency or "",
    "experiment": lambda entry: entry.experiment_id,
    "parts": lambda entry: entry.parts,
    **{component: (lambda entry, c=component: entry.methods.get(c, "")) for component in COMPONENTS},  # type: ignore[misc]
}

METRICS = {
    **{f"{component}_wh": f"energy/{component}_wh_per_1k" for component in COMPONENTS},
    "dynamic_wh": "energy/dynamic_wh_per_1k",
    "estimated": "energy/estimated_share",
    "j_per_correct": "energy/j_per_correct",
    "p50": "latency/p50_s",
    "p90": "latency/p90_s",
    "p95": "latency/p95_s",
    "p99": "latency/p99_s",
    "rate": "throughput/requests_per_s",
    "memory": "memory/gpu_peak_bytes",
    "grams": "emissions/g_per_1k",
    "cost": "cost/per_1k",
    "lower_bound_wh": "lower_bound/wh_per_1k",
    "lower_bound_ratio": "lower_bound/ratio",
}

STAGE, PER_1K = "stages/", "_wh_per_1k"


def page_data(
    entries: Sequence[Entry], recommendations: Sequence[Recommendation], differs: Mapping[str, Sequence[str]], ui: str
) -> dict[str, Any]:
    """All that the script reads but the latencies, which `latencies` adds."""
    place = {entry.run_id: number for number, entry in enumerate(entries)}
    return {
        "ui": ui.rstrip("/"),
        "estimated": list(ESTIMATED),
        "ids": [entry.run_id for entry in entries],
        "texts": {name: _numbered([read(entry) for entry in entries]) for name, read in TEXTS.items()},
        "numbers": {**_own(entries), **_metrics(entries)},
        "stages": _stages(entries),
        "random": [number for number, entry in enumerate(entries) if entry.random],
        "unranked": [number for number, entry in enumerate(entries) if not entry.ranked],
        "first": max(range(len(recommendations)), key=lambda at: recommendations[at].weight, default=0),
        "groups": [
            _group(recommendation, place, differs.get(recommendation.group.id, ()))
            for recommendation in recommendations
        ],
    }


def latencies(records: Mapping[str, Record], entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    """The latency of requests at equal steps from the least to the most, by the place of the run."""
    from joulemark.core import stats

    result = {}
    for number, entry in enumerate(entries):
        record = records.get(entry.run_id)
        if record is None:
            continue
        values, sizes = latency_metrics.latencies_and_sizes(record.measurement)
        if values and len(values) == len(sizes):
            points = [100 * step / (QUANTILES - 1) for step in range(QUANTILES)]
            result[str(number)] = [short(value) for value in stats.percentiles(values, sizes, points)]
    return result


def _group(recommendation: Recommendation, place: Mapping[str, int], differs: Sequence[str]) -> dict[str, Any]:
    first = recommendation.group.first
    return {
        "id": recommendation.group.id,
        "task": recommendation.group.task,
        "title": recommendation.group.title,
        "metric": first.metric,
        "runs": [place[entry.run_id] for entry in recommendation.group.entries],
        "sure": recommendation.sure,
        "quantity": recommendation.group.quantity.name,
        "verdicts": verdicts(recommendation, place),
        "qualities": qualities(recommendation, place),
        "differs": list(differs),
        "chosen": None if recommendation.chosen is None else place[recommendation.chosen.run_id],
        "runner_up": None if recommendation.runner_up is None else place[recommendation.runner_up.run_id],
        "tied": [place[entry.run_id] for entry in recommendation.tied],
        "kept": [place[entry.run_id] for entry in recommendation.kept],
        "floor": short(recommendation.floor),
    }


def _own(entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    return {
        "energy": [short(entry.compared.mean) for entry in entries],
        "half": [short(entry.compared.half_width) for entry in entries],
        **_others(entries),
        "quality": [short(entry.quality) for entry in entries],
        "batch": [entry.batch for entry in entries],
        "parameters": [entry.parameters for entry in entries],
        "windows": [entry.windows for entry in entries],
        "processes": [entry.processes for entry in entries],
        "began": [entry.began_ms // 1000 for entry in entries],
    }


def _others(entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    """The interval of dynamic energy, and gross energy where it is not what runs are ranked by."""
    above_idle = [entry.dynamic for entry in entries]
    gross = [entry if entry.quantity.name != GROSS else None for entry in entries]
    columns = {
        "dynamic_half": [None if energy is None else short(energy.half_width) for energy in above_idle],
        "gross_wh": [None if entry is None else short(entry.energy) for entry in gross],
        "gross_half": [None if entry is None else short(entry.half_width) for entry in gross],
    }
    return _known(columns)


def _metrics(entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    """A column for each metric that any run has."""
    columns = {name: [short(entry.metrics.get(metric)) for entry in entries] for name, metric in METRICS.items()}
    return _known(columns)


def _known(columns: Mapping[str, list[float | None]]) -> dict[str, list[float | None]]:
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _stages(entries: Sequence[Entry]) -> dict[str, dict[str, float | None]]:
    """Wh per 1,000 of each stage, by its name and the run's place."""
    stages: dict[str, dict[str, float | None]] = {}
    for number, entry in enumerate(entries):
        for metric, value in entry.metrics.items():
            if metric.startswith(STAGE) and metric.endswith(PER_1K):
                stages.setdefault(metric.removeprefix(STAGE).removesuffix(PER_1K), {})[str(number)] = short(value)
    return stages


def _numbered(texts: Sequence[str]) -> dict[str, Any]:
    """The texts once each, and for each run the number of its own."""
    number = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return {"values": list(number), "at": [number[text] for text in texts]}


def short(value: float | None) -> float | None:
    """A number of five digits, as JSON writes it shortest."""
    if value is None:
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 2**53 else rounded
