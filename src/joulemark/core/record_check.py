"""What no record of this program holds, found before any figure is made of it: the first fault, as one line."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from joulemark.core.measurement import COMPONENTS, Measurement, Reading, Window

DEEPEST = 64  # levels of a record; a run's own has eight
WALL = "wall"


def unreadable(value: Any, place: str = "", depth: int = 0) -> str | None:
    """What a JSON value holds that no text of ours does: NaN, infinity, half a character, or levels without end."""
    if depth > DEEPEST:
        return f"{place[:80]}…: more than {DEEPEST} levels"
    if isinstance(value, str):
        return None if value.isascii() or _whole(value) else f"{place}: half of a character (a lone surrogate)"
    if isinstance(value, float):
        return None if isfinite(value) else f"{place}: {value} is no number"
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or not _whole(key):
                return f"{place}: {key!r} is no name"
            if fault := unreadable(item, f"{place}.{key}" if place else key, depth + 1):
                return fault
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if fault := unreadable(item, f"{place}.{index}", depth + 1):
                return fault
    return None


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def contradiction(measurement: Measurement) -> str | None:
    """Where windows and batches do not agree with each other, or energy has no evidence; None where all does."""
    for number, window in enumerate(measurement.windows):
        if fault := _batches(window, measurement.batch_sizes):
            return f"measurement.windows.{number}: {fault}"
    for stage in measurement.stages:
        if not stage.window.batch_s:
            return f"measurement.stages.{stage.name}: no latencies"
    windows = (*measurement.windows, *(stage.window for stage in measurement.stages))
    stretches = (measurement.load, measurement.idle, measurement.warmup, *(window.readings for window in windows))
    return next((fault for readings in stretches for reading in readings if (fault := _evidence(reading))), None)


def _batches(window: Window, sizes: Any) -> str | None:
    if window.mean_s is None and len(window.batch_s) != window.passes * len(sizes):  # else it holds some of many
        return f"{len(window.batch_s)} latencies of {window.passes} passes over {len(sizes)} batches"
    if window.requests != window.passes * sum(sizes):
        return f"{window.requests} requests of {window.passes} passes over {sum(sizes)}"
    return None


def _evidence(reading: Reading) -> str | None:
    for component in reading.method:
        if component not in (*COMPONENTS, WALL):
            return f"{component!r} that {reading.meter} read is no component"
    for component in (*COMPONENTS, WALL):
        if getattr(reading, f"{component}_j") is not None and component not in reading.method:
            return f"the energy of {component} that {reading.meter} read has no method"
    return None
