"""The machine of a run in the fields of BoAmps: its components, its idle baseline, where it stands."""

from collections.abc import Mapping
from typing import Any

from joulemark.analysis import readings
from joulemark.analysis.zone_names import WORLD
from joulemark.core.measurement import COMPONENTS, Measurement
from joulemark.core.units import J_PER_KWH
from joulemark.reporting.exports.run import Run

INFRA_TYPES = ("publicCloud", "privateCloud", "onPremise", "other")


def components(run: Run) -> list[Mapping[str, Any]]:
    """The GPUs, the processor with the share of its cores that could be used, and the memory; at least one."""
    hardware, host = run.record.hardware, run.record.environment
    found: list[Mapping[str, Any]] = []
    if hardware.gpu_name is not None:
        found.append(
            {
                "componentName": hardware.gpu_name,
                "componentType": "gpu",
                "nbComponent": max(1, len(hardware.uuids)),
            }
        )
    share = host.usable_cores / host.cpu_cores if host.usable_cores and host.cpu_cores else None
    found.append(
        {
            **({"componentName": host.cpu} if host.cpu else {}),
            "componentType": "cpu",
            "nbComponent": 1,
            **({"share": share} if share is not None and share <= 1 else {}),
        }
    )
    if host.memory_bytes is not None:
        found.append({"componentType": "ram", "nbComponent": 1, "memorySize": host.memory_bytes / 1e9})
    return found


def calibration(measurement: Measurement) -> tuple[float | None, float | None]:
    """kWh and seconds of the idle baseline, all components that it read; None without one."""
    joules = [value for each in COMPONENTS if (value := readings.idle_j(measurement, each)) is not None]
    seconds: dict[str, float] = {}
    for reading in measurement.idle:
        seconds[reading.meter] = seconds.get(reading.meter, 0.0) + reading.duration_s
    return (sum(joules) / J_PER_KWH if joules else None), max(seconds.values(), default=None)


def environment(run: Run) -> Mapping[str, Any] | None:
    """The country and the factor of its electricity; None where no country is known."""
    site = run.record.site
    if site.zone is None or site.zone == WORLD:
        return None
    factor = {} if site.g_per_kwh is None else {"powerSourceCarbonIntensity": site.g_per_kwh}
    return {"country": site.zone, **factor}
