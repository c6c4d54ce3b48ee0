"""Whether two runs may be compared: what was asked, where and how it was measured must be the same."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from joulemark.analysis import readings as energy
from joulemark.core.measurement import COMPONENTS
from joulemark.core.model import Settings
from joulemark.core.record import Record
from joulemark.core.serving import BATCH

# Of a task: where its inputs come from, which their digest states better
ORIGIN = ("dataset", "source", "config", "split", "revision", "distinct", "classes", "sampling_bias", "skipped")

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

# Those that a cell's digest has always held
EARLY_SETTINGS = ("precision", "batch_size", "sort", "attention", "cache", "compile", "preprocessing_workers")
# Of a scenario: what an answer must keep and when the run gives up change nothing of what was asked of the engine
SCENARIO_ONLY = ("limits", "timeout_s", "max_duration_s", "min_duration_s")
LOADS = ("rate", "users")  # of a scenario: how much comes

GUARD_PREFIXES = ("audit_", "stage_")  # options that begin so are guards, too


def differences(a: Record, b: Record, across_engines: bool = False) -> Iterator[str]:
    """Each thing that must be the same and is not: which, and how it differs.

    The engine decides the energy by a factor: it may differ only where that is what is asked, `across_engines`.
    """
    for name, record in (("A", a), ("B", b)):
        if record.status != "finished":
            yield f"{name} is {record.status}: {record.error}"
    yield from _differ("task", _task(a), _task(b), ORIGIN)
    yield from _differ("protocol", asdict(a.protocol), asdict(b.protocol), PROCEDURE_ONLY, GUARD_PREFIXES)
    yield from _differ("", {"samples": a.task.samples}, {"samples": b.task.samples})
    yield from _differ("scenario", _scenario(a), _scenario(b))
    if not across_engines and served(a) and served(b) and a.engine.name != b.engine.name:
        yield f"engine: {a.engine.name} and {b.engine.name}"
    if a.device_name != b.device_name:
        yield f"device: {a.device_name} and {b.device_name}"
    yield from _differ("sensor", _sensors(a), _sensors(b))


def tags(record: Record) -> dict[str, str | None]:
    """What a list of runs is grouped by without reading their records: runs compare whose `compare.key` is equal.

    `compare.key` is a digest of all that must be the same but for the prompt, which a specialist does not have:
    `compare.prompt` is that of a general model's, None for a specialist's. `compare.card` is equal for runs of one
    card, `windows` counts the repeats behind an interval.

    Served runs are compared within one `scenario` and one `engine`, which that digest leaves out, so that engines can
    be ranked together where that is asked. `compare.curve` is the key and `compare.setting` the cell without the load,
    equal for one setting under several loads.
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
    known = {where: _known(value) for where, value in same.items()}
    prompt = record.task.prompt
    return {
        "compare.key": _digest({**known, "scenario": _scenario(record)} if served(record) else known),
        **(_served(record, known) if served(record) else {}),
        "compare.prompt": None if prompt is None else _digest(prompt),
        "compare.card": card(record),
        "compare.cell": cell_of(record),
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


def card(record: Record) -> str:
    """A digest of the card whose sensor saw the run, or without one of the machine as far as the record tells."""
    host, machine = record.environment, record.hardware.machine
    if machine is not None:
        return _digest([machine])
    return _digest(list(record.hardware.uuids) or [host.os, host.cpu, host.cpu_cores, host.memory_bytes])


def served(record: Record) -> bool:
    """Whether requests arrived, other than fixed batches."""
    return record.scenario.name != BATCH


def _scenario(record: Record) -> dict[str, Any]:
    """What a scenario asks of an engine, by its options; of fixed batches the name alone."""
    options = record.scenario.options
    return {"name": record.scenario.name, **{key: options[key] for key in options if key not in SCENARIO_ONLY}}


def _served(record: Record, known: Mapping[str, Any]) -> dict[str, str | None]:
    """What a list of served runs is grouped by beside `compare.key`, and named by."""
    scenario, engine = _scenario(record), record.engine
    curve = {key: value for key, value in scenario.items() if key not in LOADS}
    loads = {f"scenario.{key}": str(scenario[key]) for key in LOADS if scenario.get(key) is not None}
    return {
        "scenario": record.scenario.name,
        **loads,
        "engine": engine.name,
        "engine.options": json.dumps(dict(engine.options), sort_keys=True, default=str) if engine.options else None,
        "compare.curve": _digest({**known, "scenario": curve}),
        "compare.setting": _cell(record, curve),
    }


def cell_of(record: Record) -> str:
    """A digest equal for runs that are processes of one cell: model, settings, engine, software and card are the same.

    Whether they may be compared at all is `compare.key`'s to say.
    """
    return _cell(record, _scenario(record))


def _cell(record: Record, scenario: Mapping[str, Any]) -> str:
    model, host, engine = record.model, record.environment, record.engine
    answering = [engine.name, engine.version, dict(engine.options)]
    own = {"engine": answering, "scenario": scenario} if served(record) else {}
    threads = {} if host.omp_threads is None else {"omp_threads": host.omp_threads}  # older runs keep their cell
    return _digest(
        {
            "model": [model.name, model.checkpoint, model.revision, model.weights],
            "settings": _settings(record.settings),
            "software": {**host.packages, "driver": host.gpu.get("driver"), **threads},
            "card": card(record),
            "prompt": record.task.prompt,
            **own,
        }
    )


def _settings(settings: Settings) -> dict[str, Any]:
    """The settings by name; one that came later is left out at its default, so that older runs keep their cell."""
    defaults = {setting.name: setting.default for setting in fields(settings)}
    values = asdict(settings)
    return {name: value for name, value in values.items() if name in EARLY_SETTINGS or value != defaults[name]}


def _sensors(record: Record) -> dict[str, str | None]:
    """Meter and method of each component, from the first window."""
    windows = record.measurement.windows
    readings = windows[0].readings if windows else ()
    sensors: dict[str, str | None] = {}
    for component in COMPONENTS:
        reading = energy.source(readings, component)
        sensors[component] = None if reading is None else f"{reading.meter} ({reading.method[component]})"
    return sensors


def _differ(
    where: str, a: Mapping[str, Any], b: Mapping[str, Any], free: tuple[str, ...] = (), begins: tuple[str, ...] = ()
) -> Iterator[str]:
    """Keys whose values differ, in words; `free` ones and those that begin so may."""
    for key in dict.fromkeys((*a, *b)):
        first, second = a.get(key), b.get(key)
        if key in free or key.startswith(begins or ("\0",)) or _plain(first) == _plain(second):
            continue
        if key == "prompt" and (first is None or second is None):  # a specialist has no prompt: that is compared, too
            continue
        yield f"{where} {key}: {_abbreviated(first)} and {_abbreviated(second)}".strip()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _abbreviated(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
