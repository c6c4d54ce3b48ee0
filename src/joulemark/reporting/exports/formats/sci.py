"""Software Carbon Intensity (ISO/IEC 21031, and its SCI for AI): SCI = (E x I + M) / R, as JSON.

E is the energy of the reserved hardware, the declared idle time and spare machines among it, with the building's
overhead; I the location-based factor; M the declared embodied emissions; R the task's token or image, else the
inference. Without M there is no score, since the specification asks for one: what is operational then stands alone.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.units import PER
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".json", True, False

UNITS = ("token", "image")  # of a task, that are functional units of SCI for AI by themselves
INFERENCE = "inference"  # of any other task
NOT_DECLARED = "not declared"
AUDIO = "speech_recognition"


def write(runs: Sequence[Run], options: Options) -> Document:
    """A score for each run; UserError without an emission factor, of which there is no intensity."""
    left_out: list[str] = []
    for run in runs:
        if run.record.site.g_per_kwh is None:
            raise UserError(f"run {run.name} has no emission factor, so no SCI; type site.zone=FRA or site.g_per_kwh=…")
        left_out += [f"run {run.name}: {line}" for line in _notes(run)]
    text = json.dumps({"formula": "SCI = (E * I + M) / R", "scores": [score(run) for run in runs]},
                      indent=2, allow_nan=False, ensure_ascii=False)  # fmt: skip
    return Document(f"{text}\n", tuple(left_out))


def score(run: Run) -> Mapping[str, Any]:
    """The score of one run with all that it is made of; None for what is not known."""
    boundary, site = run.boundary, run.record.site
    unit, per_request = functional_unit(run)
    units = None if per_request is None else per_request * PER  # of 1,000 requests, as the boundary
    energy_kwh = _over(boundary.building_wh, units, 1e-3)
    operational, embodied = _over(boundary.emissions_g, units), _over(boundary.embodied_g, units)
    return {
        "run": run.id,
        "model": run.checkpoint,
        "revision": run.record.model.revision,
        "task": run.record.task.name,
        "device": run.record.device_name,
        "settings": run.settings_text,
        "verdict": run.verdict,
        "flags": list(run.record.flags),
        "sci_g_per_unit": None if operational is None or embodied is None else operational + embodied,
        "R": None if units is None else unit,
        "operational_g_per_unit": operational,
        "E_kwh_per_unit": energy_kwh,
        "E_of_it_measured_kwh_per_unit": _over(run.metrics["energy/total_wh_per_1k"], units, 1e-3),
        "E_interval_relative": run.metrics["energy/ci95_rel"],
        "E_estimated_share": run.metrics["energy/estimated_share"],
        "I_g_per_kwh": site.g_per_kwh,
        "I_basis": {"zone": site.zone, "year": site.factor_year, "basis": site.factor_basis,
                    "source": site.factor_source, "method": "location-based"},
        "M_g_per_unit": NOT_DECLARED if boundary.embodied_g is None else embodied,
        "pue": site.pue,
        "boundary_per_1000_requests": [
            {"line": line.name, "value": line.value, "unit": line.unit, "measured": line.measured,
             "known_by": line.known_by}
            for line in boundary.lines
        ],
        "notes": _notes(run),
    }  # fmt: skip


def functional_unit(run: Run) -> tuple[str, float | None]:
    """The unit of R, and how many of it a request is of; None where none was counted."""
    task = run.record.task
    if task.unit not in UNITS:
        return INFERENCE, 1.0
    return task.unit, run.units / run.requests if run.units and run.requests else None


def _over(value: float | None, units: float | None, scale: float = 1.0) -> float | None:
    return value * scale / units if value is not None and units else None


def _notes(run: Run) -> list[str]:
    site, boundary = run.record.site, run.boundary
    notes = []
    if boundary.embodied_g is None:
        notes.append("M is not declared, so there is no score: type embodied=ecologits, or your own embodied.…=")
    if site.utilization is None:
        notes.append("E has no idle time of reserved hardware beyond the run's own: type site.utilization=…")
    if site.spare is None:
        notes.append("E has no machines that stand by: type site.spare=…")
    if site.pue == 1.0:
        notes.append("E has no overhead of a building (PUE 1): type site.pue=…")
    if functional_unit(run)[1] is None:
        notes.append(f"R is null: no {run.record.task.unit} was counted")
    if run.record.task.name == AUDIO:
        notes.append("R is the inference (one clip): the seconds of audio are not in a record")
    notes.append("networks, storage and other servers of a service are not within what was measured")
    return notes
