"""What the page's script draws from: every run in columns, the groups, and some runs' latencies, as JSON values.

Columns, since ten thousand runs as objects would repeat each name ten thousand times; words are numbered for the same
reason. Numbers have five digits: the page shows three.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joulemark.analysis.energy_metrics import ESTIMATED
from joulemark.core.measurement import COMPONENTS
from joulemark.core.record import Record
from joulemark.reporting.decision import Recommendation
from joulemark.reporting.entry import Entry
from joulemark.reporting.pairs import verdicts

DIGITS = 5
ROLES = {"general_purpose": "general-purpose"}  # as the page shows them
QUANTILES = 41  # of a run's latencies, from the least to the most

WORDS: dict[str, Callable[[Entry], str]] = {
    "model": lambda one: one.model,
    "role": lambda run: ROLES.get(run.role, run.role),
    "precision": lambda one: one.precision,
    "settings": lambda one: one.settings,
    "weights": lambda one: one.weights,
    "verdict": lambda one: one.verdict,
    "flags": lambda one: ", ".join(one.flags),
    "card": lambda one: one.card or "",
    "currency": lambda one: one.currency or "",
    "experiment": lambda one: one.experiment_id,
    **{component: (lambda one, c=component: one.methods.get(c, "")) for component in COMPONENTS},  # type: ignore[misc]
}

METRICS = {
    **{f"{component}_wh": f"energy/{component}_wh_per_1k" for component in COMPONENTS},
    "net_wh": "energy/dynamic_wh_per_1k",
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
    "floor_wh": "lower_bound/wh_per_1k",
    "floor_ratio": "lower_bound/ratio",
}

PHASE, PER_1K = "stages/", "_wh_per_1k"


def page_data(
    entries: Sequence[Entry], answers: Sequence[Recommendation], differs: Mapping[str, Sequence[str]], ui: str
) -> dict[str, Any]:
    """All that the script reads but the latencies, which `latencies` adds."""
    place = {one.run_id: number for number, one in enumerate(entries)}
    return {
        "ui": ui.rstrip("/"),
        "estimated": list(ESTIMATED),
        "ids": [entry.run_id for entry in entries],
        "words": {name: _numbered([read(entry) for entry in entries]) for name, read in WORDS.items()},
        "numbers": {**_own(entries), **_metrics(entries)},
        "phases": _phases(entries),
        "random": [number for number, one in enumerate(entries) if one.random],
        "unranked": [number for number, one in enumerate(entries) if not one.ranked],
        "first": max(range(len(answers)), key=lambda at: _weight(answers[at]), default=0),
        "groups": [_group(answer, place, differs.get(answer.group.id, ())) for answer in answers],
    }


def _weight(answer: Recommendation) -> tuple[bool, bool, bool, int]:
    """Which group is shown first: one with an answer that can be quoted, and the most runs to choose from."""
    group = answer.group
    return not group.preliminary, answer.chosen is not None, answer.runner_up is not None, len(group.entries)


def latencies(records: Mapping[str, Record], entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    """The latency of requests at equal steps from the least to the most, by the place of the run."""
    from joulemark.core import stats

    found = {}
    for number, one in enumerate(entries):
        record = records.get(one.run_id)
        if record is None:
            continue
        values = [s for window in record.measurement.windows for s in window.batch_s]
        sizes = [
            n
            for window in record.measurement.windows
            for _ in range(window.passes)
            for n in record.measurement.batch_sizes
        ]
        if values and len(values) == len(sizes):
            points = [100 * step / (QUANTILES - 1) for step in range(QUANTILES)]
            found[str(number)] = [short(value) for value in stats.percentiles(values, sizes, points)]
    return found


def _group(answer: Recommendation, place: Mapping[str, int], differs: Sequence[str]) -> dict[str, Any]:
    first = answer.group.first
    return {
        "id": answer.group.id,
        "task": answer.group.task,
        "title": answer.group.title,
        "metric": first.metric,
        "runs": [place[entry.run_id] for entry in answer.group.entries],
        "verdicts": verdicts(answer.group.entries, place),
        "differs": list(differs),
        "chosen": None if answer.chosen is None else place[answer.chosen.run_id],
        "runner_up": None if answer.runner_up is None else place[answer.runner_up.run_id],
        "floor": short(answer.floor),
    }


def _own(entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    return {
        "energy": [short(entry.energy) for entry in entries],
        "half": [short(entry.half_width) for entry in entries],
        "quality": [short(entry.quality) for entry in entries],
        "batch": [entry.batch for entry in entries],
        "parameters": [entry.parameters for entry in entries],
        "windows": [entry.windows for entry in entries],
        "processes": [entry.processes for entry in entries],
        "began": [entry.began_ms // 1000 for entry in entries],
    }


def _metrics(entries: Sequence[Entry]) -> dict[str, list[float | None]]:
    """A column for each metric that any run has."""
    found = {name: [short(entry.metrics.get(metric)) for entry in entries] for name, metric in METRICS.items()}
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _phases(entries: Sequence[Entry]) -> dict[str, dict[str, float | None]]:
    """Wh per 1,000 of each stage, by its name and the run's place."""
    found: dict[str, dict[str, float | None]] = {}
    for number, one in enumerate(entries):
        for metric, value in one.metrics.items():
            if metric.startswith(PHASE) and metric.endswith(PER_1K):
                found.setdefault(metric.removeprefix(PHASE).removesuffix(PER_1K), {})[str(number)] = short(value)
    return found


def _numbered(words: Sequence[str]) -> dict[str, Any]:
    """The words once each, and for each run the number of its own."""
    number = {word: place for place, word in enumerate(dict.fromkeys(words))}
    return {"words": list(number), "at": [number[word] for word in words]}


def short(value: float | None) -> float | None:
    """A number of five digits, as JSON writes it shortest."""
    if value is None:
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 2**53 else rounded
