"""Records of older schemas as JSON values of today's: one pure function a schema, each changing the names it must."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from joulemark.core.model import Capabilities, Settings
from joulemark.core.record import ModelFacts, Origin, TaskFacts

Values = Mapping[str, Any]

FLAGS = {
    "modelled": "estimated",
    "unsettled": "not_converged",
    "warmup_unsettled": "warmup_not_converged",
    "beaten": "early_stopped",
    "first_look": "preliminary",
}
METHODS = {"modelled": "estimated"}
METRICS = {
    "energy/modelled_share": "energy/estimated_share",
    "energy/net_wh_per_1k": "energy/dynamic_wh_per_1k",
    "energy/gpu_net_wh_per_1k": "energy/gpu_dynamic_wh_per_1k",
    "energy/on_wh_per_1k": "energy/idle_wh_per_1k",
}
SITE = {"modelled_limit": "estimated_limit"}
PROTOCOL = {
    "settle_batches": "converge_batches",
    "settle_rel": "converge_rel",
    "phase_s": "stage_s",
    "phase_requests": "stage_requests",
}
# What the programs of schema 1 did before their protocol had a key for it: one idle reading, no window of a stage
PROTOCOL_BEFORE = {"idle_parts": 1, "stage_s": 0.0, "stage_requests": 0}
# Guards and limits that came later: there was none
GUARDS = (
    "measure_max_s",
    "lock_wait_s",
    "busy_max",
    "cool_c",
    "cool_max_s",
    "stall_s",
    "audit_rel",
    "audit_long_s",
    "audit_sampled_rel",
    "audit_clock_rel",
    "audit_power_rel",
)
MEASUREMENT = {
    "settled": "converged",
    "warmup_settled": "warmup_converged",
    "phases": "stages",
    "looks": "gpu_states",
}
CAPABILITIES = {"pictures": "reads_images"}
RUN = {"prepare_processes": "preprocessing_workers", "rivals": "early_stop_against"}


def upgraded(values: Values) -> dict[str, Any]:
    """The record's values in today's schema; those of today as they are.

    Raises:
        KeyError, TypeError, AttributeError: the values are no record of their schema
    """
    record = dict(values)
    while (step := UPGRADES.get(record["schema"])) is not None:
        record = step(record)
    return {**record, "model": _with_capabilities(record["model"], record.get("config") or {})}


def _schema_2(record: Values) -> dict[str, Any]:
    """From 1: an idle baseline of one reading a meter is one of one part."""
    return {**record, "protocol": {**PROTOCOL_BEFORE, **_renamed(record["protocol"], PROTOCOL)}, "schema": 2}


def _schema_3(record: Values) -> dict[str, Any]:
    """From 2: the field's names, and `run` split by what its keys are about."""
    run = _renamed(record["run"], RUN)
    settings = [setting.name for setting in fields(Settings)]
    return {
        **{key: value for key, value in record.items() if key != "run"},
        "model": _gathered(_model(record["model"]), ModelFacts, "facts"),
        "task": _task(record["task"], run),
        "protocol": _protocol(record["protocol"]),
        "site": _renamed(record["site"], SITE),
        "settings": {name: run[name] for name in settings if name in run},
        "origin": _origin(run),
        "environment": {**record["environment"], "meters_absent": record["environment"].get("meters_absent") or {}},
        "measurement": _measurement(record["measurement"]),
        "flags": sorted(FLAGS.get(flag, flag) for flag in record.get("flags") or ()),
        "schema": 3,
    }


def _schema_4(record: Values) -> dict[str, Any]:
    """From 3: the rows of the requests stay in the record, where they were."""
    return {**record, "schema": 4}


def _schema_5(record: Values) -> dict[str, Any]:
    """From 4: fixed batches through transformers, as every run was."""
    return {**record, "schema": 5}


ROLES = {"general": "general_purpose"}

UPGRADES: Mapping[int, Callable[[Values], dict[str, Any]]] = {1: _schema_2, 2: _schema_3, 3: _schema_4, 4: _schema_5}


def _model(model: Values) -> dict[str, Any]:
    return {**model, "role": ROLES.get(str(model.get("role")), model.get("role"))}


def _with_capabilities(model: Values, config: Values) -> dict[str, Any]:
    """With the capabilities, which earlier programs kept in the configuration alone, until schema 2 among other keys.

    What was never recorded is not assumed: such a model counts as one that neither compiles nor has graphs.
    """
    if model.get("capabilities") is not None:
        return dict(model)
    node = config.get("model") or {}
    stored = node.get("capabilities") or _renamed(node, CAPABILITIES)
    known = {fact.name: stored[fact.name] for fact in fields(Capabilities) if stored.get(fact.name) is not None}
    return {**model, "capabilities": {"compiles": False, "graphs": False, **known} if known else None}


def _task(task: Values, run: Values) -> dict[str, Any]:
    return {**_gathered(task, TaskFacts, "options"), "samples": run["samples"], "seed": run.get("seed")}


def _protocol(protocol: Values) -> dict[str, Any]:
    """With the renamed keys; `quotable` said the opposite of `preliminary`, and records before both were quotable."""
    renamed = _renamed(protocol, PROTOCOL)
    preliminary = renamed.get("preliminary", not renamed.pop("quotable", True))
    return {**dict.fromkeys(GUARDS), **renamed, "preliminary": preliminary}


def _origin(run: Values) -> dict[str, Any]:
    known = {fact.name: run[fact.name] for fact in fields(Origin) if fact.name in run}
    results = [_renamed(result, METRICS) for result in run.get("early_stop_against") or ()]
    return {**known, "early_stop_against": results}


def _measurement(measurement: Values) -> dict[str, Any]:
    renamed = _renamed(measurement, MEASUREMENT)
    for stretch in ("load", "idle", "warmup"):
        renamed[stretch] = [_reading(reading) for reading in renamed.get(stretch) or ()]
    renamed["windows"] = [_window(window) for window in renamed.get("windows") or ()]
    renamed["stages"] = [{**stage, "window": _window(stage["window"])} for stage in renamed.get("stages") or ()]
    return renamed


def _window(window: Values) -> dict[str, Any]:
    return {**window, "readings": [_reading(reading) for reading in window["readings"]]}


def _reading(reading: Values) -> dict[str, Any]:
    method = {component: METHODS.get(how, how) for component, how in (reading.get("method") or {}).items()}
    return {**reading, "method": method}


def _gathered(values: Values, facts: type[ModelFacts] | type[TaskFacts], rest: str) -> dict[str, Any]:
    """The values that are attributes of a class, and all others in its mapping `rest`."""
    names = {fact.name for fact in fields(facts)}
    own = {key: value for key, value in values.items() if key in names}
    return {**own, rest: {key: value for key, value in values.items() if key not in names}}


def _renamed(values: Values, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in values.items()}
