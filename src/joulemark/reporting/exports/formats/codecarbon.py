"""CodeCarbon's `emissions.csv`, the columns of version 3.3: a row for each run. `python -m src.ingest` reads it back.

A row is of the run's measured windows together. As in CodeCarbon's own files the site's PUE multiplies the energies and
stands in its column. What was not read is empty, where CodeCarbon writes 0.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from joulemark.analysis.zone_names import WORLD
from joulemark.core.errors import UserError
from joulemark.core.measurement import COMPONENTS
from joulemark.core.paths import program
from joulemark.core.stats import product_of_all
from joulemark.core.units import GIB, J_PER_KWH
from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".csv", False, False

# In the order of codecarbon 3.3.2's EmissionsData; those that no record knows stay empty
COLUMNS = ("timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
           "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
           "water_consumed", "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os",
           "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude",
           "latitude", "ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
           "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue")  # fmt: skip


def write(runs: Sequence[Run], options: Options) -> Document:
    """A row for each run whose energy is available; UserError where none's is."""
    measured = [run for run in runs if run.kwh("total") is not None]
    left_out = [f"run {run.name} left out: its energy is not available" for run in runs if run not in measured]
    if not measured:
        raise UserError(left_out[0].replace("left out", "cannot be exported as codecarbon", 1))
    if any(run.record.site.g_per_kwh is None for run in measured):
        left_out.append("emissions: empty without a factor; type site.zone=FRA or another zone")
    counts = ", ".join(f"{run.name} {run.requests}" for run in measured)
    left_out += [
        "country_name, region, cloud, longitude, latitude, on_cloud, RAM in use: not in a record, so empty",
        f"requests of a row: no column (to read it back: {program('ingest')} FILE inferences=…): {counts}",
    ]
    rows = [[_row(run).get(column) for column in COLUMNS] for run in measured]
    return Document(csv_text(COLUMNS, rows), tuple(left_out))


def _row(run: Run) -> Mapping[str, object]:
    record, site, seconds = run.record, run.record.site, run.seconds
    total = product_of_all(run.kwh("total"), site.pue)
    parts = {component: product_of_all(run.kwh(component), site.pue) for component in COMPONENTS}
    emissions = product_of_all(total, site.g_per_kwh, 1e-3)
    busy = {part: run.metrics[f"utilization/{part}"] for part in ("cpu", "gpu")}
    gpus = len(record.hardware.uuids) or int(record.hardware.gpu_name is not None)
    memory = record.environment.memory_bytes
    return {
        "timestamp": _ended(record.started_at, seconds),
        "project_name": run.checkpoint,
        "run_id": run.id,
        "duration": seconds,
        "emissions": emissions,
        "emissions_rate": product_of_all(emissions, 1.0 / seconds),
        **{f"{name}_power": product_of_all(run.kwh(name), J_PER_KWH / seconds) for name in COMPONENTS},
        **{f"{name}_energy": value for name, value in parts.items()},
        "energy_consumed": total,
        "country_iso_code": None if site.zone == WORLD else site.zone,
        "os": record.environment.os,
        "python_version": record.environment.python,
        "cpu_count": record.environment.cpu_cores,
        "cpu_model": record.environment.cpu,
        "gpu_count": gpus or None,
        "gpu_model": f"{gpus} x {record.hardware.gpu_name}" if gpus else None,
        "ram_total_size": None if memory is None else memory / GIB,
        "tracking_mode": "machine",
        **{f"{name}_utilization_percent": product_of_all(share, 100.0) for name, share in busy.items()},
        "pue": site.pue,
    }


def _ended(started_at: str, seconds: float) -> str:
    """When the row ends, as CodeCarbon counts: the run's start and the seconds of the row."""
    return (datetime.fromisoformat(started_at) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
