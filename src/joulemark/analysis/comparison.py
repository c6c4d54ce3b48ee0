"""Which of two runs costs less energy, and whether they may be compared at all: pure, from two records.

comparable?  what was asked, where and how it was measured must be the same; model, precision and batch may differ
verdict      A, B, tie or unknown, by the energy of an inference in each window
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from joulemark.analysis import named_metrics, verdict
from joulemark.analysis import readings as energy
from joulemark.core import stats
from joulemark.core.measurement import COMPONENTS
from joulemark.core.record import Record

# Of a task: where its inputs come from, which their digest states better
ORIGIN = ("dataset", "source", "config", "split", "revision", "distinct", "skipped")

# Of a protocol: its name, how many windows and parts of the idle baseline, what follows, and its guards; none changes
# what a window is
PROCEDURE_ONLY = (
    "name",
    "idle_parts",
    "min_windows",
    "max_windows",
    "measure_max_s",
    "ci95_rel",
    "lock_wait_s",
    "busy_max",
    "stall_s",
    "preliminary",
)

# Options by the names that the digests of stores of schema 2 were made of, so that old and new runs compare
DIGEST_NAMES = {"converge_batches": "settle_batches", "converge_rel": "settle_rel"}

NO_OPTIONS = ("samples", "seed", "options")  # of a task's facts; the samples are compared for themselves

GUARD_PREFIXES = ("audit_", "stage_")  # options that begin so are guards, too

METRICS = (
    "energy/total_wh_per_1k",
    *(f"energy/{component}_wh_per_1k" for component in COMPONENTS),
    "energy/dynamic_wh_per_1k",
    "energy/ci95_rel",
    "energy/estimated_share",
    "latency/p50_s",
    "throughput/requests_per_s",
    "quality/primary",
)


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes:
        verdict: the one that costs less, `A` or `B`; `tie` or `unknown`
        note: why the verdict is what it is
        reasons: why the runs do not compare; then the verdict is `unknown` and nothing is computed
        difference: energy per inference, A less B, in joules; None where one is not available
        rows: both runs' metrics by name, as (A, B)
    """

    verdict: str
    note: str
    reasons: tuple[str, ...]
    difference: stats.Difference | None
    rows: Mapping[str, tuple[float | None, float | None]]


def compare(a: Record, b: Record) -> Comparison:
    """The comparison of two runs."""
    of_a, of_b = named_metrics.metrics(a), named_metrics.metrics(b)
    rows = {name: (of_a.get(name), of_b.get(name)) for name in METRICS}
    reasons = tuple(differences(a, b))
    if reasons:
        return Comparison("unknown", "they do not compare", reasons, None, rows)
    result, difference = verdict.between_windows(_joules(a), _joules(b), same_card(a, b))
    return Comparison(result.outcome, result.note, (), difference, rows)


def differences(a: Record, b: Record) -> Iterator[str]:
    """Each thing that must be the same and is not: which, and how it differs."""
    for name, record in (("A", a), ("B", b)):
        if record.status != "finished":
            yield f"{name} is {record.status}: {record.error}"
    yield from _differ("task", _task(a), _task(b), ORIGIN)
    yield from _differ("protocol", asdict(a.protocol), asdict(b.protocol), PROCEDURE_ONLY, GUARD_PREFIXES)
    yield from _differ("", {"samples": a.task.samples}, {"samples": b.task.samples})
    if a.device_name != b.device_name:
        yield f"device: {a.device_name} and {b.device_name}"
    yield from _differ("sensor", _sensors(a), _sensors(b))


def tags(record: Record) -> dict[str, str | None]:
    """What a list of runs is grouped by without reading their records: runs compare whose `compare.key` is equal.

    `compare.key` is a digest of all that must be the same but for the prompt, which a specialist does not have:
    `compare.prompt` is that of a general model's, None for a specialist's. `compare.card` is equal for runs of one
    card, `windows` counts the repeats behind an interval.
    """
    same = {
        "task": {key: value for key, value in _task(record).items() if key not in (*ORIGIN, "prompt")},
        "protocol": {
            DIGEST_NAMES.get(key, key): value
            for key, value in asdict(record.protocol).items()
            if key not in PROCEDURE_ONLY and not key.startswith(GUARD_PREFIXES)
        },
        "samples": record.task.samples,
        "device": record.device_name,
        "sensors": {component: _digested(sensor) for component, sensor in _sensors(record).items()},
    }
    prompt = record.task.prompt
    return {
        "compare.key": _digest({where: _known(value) for where, value in same.items()}),
        "compare.prompt": None if prompt is None else _digest(prompt),
        "compare.card": _digest(_card(record)),
        "windows": str(len(record.measurement.windows)),
    }


def _task(record: Record) -> dict[str, Any]:
    """Every option of the task under its own name, whichever of them are attributes of its facts."""
    task = record.task
    facts = {fact.name: getattr(task, fact.name) for fact in fields(task) if fact.name not in NO_OPTIONS}
    return {**facts, **task.options}


def _digested(sensor: str | None) -> str | None:
    """A sensor by the name that stores of schema 2 have its digest of."""
    return None if sensor is None else sensor.replace("(estimated)", "(modelled)")


def _known(values: Any) -> Any:
    """Without what is None: a key that an older record does not have counts as one that says nothing."""
    return {key: value for key, value in values.items() if value is not None} if isinstance(values, Mapping) else values


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def same_card(a: Record, b: Record) -> bool:
    """Whether one sensor saw both: the same card, or without one the same machine as far as the record tells."""
    return _card(a) == _card(b)


def _card(record: Record) -> list[Any]:
    """What tells one card, or without one the machine, from another."""
    host = record.environment
    return list(record.hardware.uuids) or [host.os, host.cpu, host.cpu_cores, host.memory_bytes]


def _joules(record: Record) -> list[float]:
    return [joules for joules in energy.total_j_per_request(record.measurement) if joules is not None]


def _sensors(record: Record) -> dict[str, str | None]:
    """Meter and method of each component, from the first window."""
    windows = record.measurement.windows
    readings = windows[0].readings if windows else ()
    found: dict[str, str | None] = {}
    for component in COMPONENTS:
        reading = energy.source(readings, component)
        found[component] = None if reading is None else f"{reading.meter} ({reading.method[component]})"
    return found


def _differ(
    where: str, a: Mapping[str, Any], b: Mapping[str, Any], free: tuple[str, ...] = (), begins: tuple[str, ...] = ()
) -> Iterator[str]:
    """Keys whose values differ, in words; `free` ones and those that begin so may."""
    for key in dict.fromkeys((*a, *b)):
        one, other = a.get(key), b.get(key)
        if key in free or key.startswith(begins or ("\0",)) or _plain(one) == _plain(other):
            continue
        if key == "prompt" and (one is None or other is None):  # a specialist is asked nothing: that is compared, too
            continue
        yield f"{where} {key}: {_abbreviated(one)} and {_abbreviated(other)}".strip()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _abbreviated(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
