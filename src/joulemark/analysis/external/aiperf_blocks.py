"""Metrics as AIPerf writes them: blocks with a `unit` and an `avg`, and those of each GPU below `telemetry_data`."""

from collections.abc import Iterator, Mapping
from typing import Any

from joulemark.analysis.external import cells
from joulemark.core.units import J_PER_KWH, J_PER_WH

Values = Mapping[str, Any]

JOULES = {"mJ": 1e-3, "J": 1.0, "kJ": 1e3, "MJ": 1e6, "Wh": J_PER_WH, "kWh": J_PER_KWH}
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0}
TOTALS = ("nvidia_total_gpu_energy", "amd_total_gpu_energy")
OLDER_TOTAL = "total_gpu_energy"
COUNTERS = ("nvidia_energy_consumption", "amd_energy_consumption", "energy_consumption")


def within(values: Any, *keys: str) -> Values:
    """The object below the keys; an empty one where there is none."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def stated(values: Values, name: str, units: Mapping[str, float], statistic: str = "avg") -> float | None:
    """A statistic of a block in its unit; None where it is missing, not above zero, or in no unit that is known."""
    block = within(values, name)
    unit = block.get("unit")
    scale = units.get(unit) if isinstance(unit, str) else None
    return None if scale is None else cells.read(block.get(statistic), scale)


def counted(values: Values, name: str) -> int | None:
    """The count in a block; None where there is none of at least one."""
    return cells.count(within(values, name).get("avg"))


def gpus(values: Values) -> Iterator[tuple[str, Values]]:
    """The identity of each GPU that is listed, and what was read of it."""
    for endpoint, listed in within(values, "telemetry_data", "endpoints").items():
        for key, gpu in within(listed, "gpus").items():
            if isinstance(gpu, Mapping):
                yield cells.text(gpu.get("gpu_uuid")) or f"{endpoint} {key}", gpu


def listed_twice(values: Values) -> bool:
    """Whether two exporters list the same GPU, so that a total over their lists holds it twice."""
    names = [name for name, _ in gpus(values)]
    return len(set(names)) < len(names)


def silent(values: Values) -> int:
    """Of how many GPUs no energy was read."""
    return sum(_energy_j(gpu) is None for gpu in dict(gpus(values)).values())


def gpu_j(values: Values) -> float | None:
    """The energy of all GPUs: the total that is stated, else the sum of their counters; None where neither is known."""
    totals = [joules for name in TOTALS if (joules := stated(values, name, JOULES)) is not None]
    total = sum(totals) if totals else stated(values, OLDER_TOTAL, JOULES)
    return counters_j(values) if total is None or listed_twice(values) else total


def counters_j(values: Values) -> float | None:
    """The sum of the GPUs' counters, each GPU once; None where one of them has no energy."""
    energies = [_energy_j(gpu) for gpu in dict(gpus(values)).values()]
    known = [joules for joules in energies if joules is not None]
    return sum(known) if known and len(known) == len(energies) else None


def _energy_j(gpu: Values) -> float | None:
    """By how much a GPU's counter grew; None where none was read, or where its readings and not their growth stand."""
    metrics = within(gpu, "metrics")
    growths = [name for name in COUNTERS if name in metrics and "p50" not in within(metrics, name)]
    return next((joules for name in growths if (joules := stated(metrics, name, JOULES)) is not None), None)
