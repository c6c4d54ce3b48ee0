"""CodeCarbon's `emissions.csv` of versions 2 and 3, and the file that it writes for the tasks of a run.

A row says what the machine took between start and stop; it knows neither model nor how many inferences there were.
The columns are those of `EmissionsData` and `TaskEmissionsData` in codecarbon 3.3.2; version 2 lacks the ones on water
and utilization. Energies are kWh, emissions kg, `pue` multiplies both.
"""

from dataclasses import replace
from pathlib import Path

from joulemark.analysis.external import cells
from joulemark.analysis.external.cells import Row
from joulemark.analysis.external.result import Contents, ExternalResult, digest
from joulemark.core.errors import UserError
from joulemark.core.formatting import many
from joulemark.core.units import J_PER_KWH

NAME = "codecarbon"
SUFFIX = ".csv"
ENERGIES = ("cpu_energy", "gpu_energy", "ram_energy")

# A task's file leaves out every column that is empty, so no more can be required
NEEDED = ("timestamp", "project_name", "run_id", "duration", "emissions", *ENERGIES, "energy_consumed")
KNOWN = ("2", "3")  # major versions

FACTS = ("project_name", "task_name", "run_id", "codecarbon_version", "tracking_mode", "country_iso_code", "region",
         "cloud_provider", "cpu_model", "gpu_model", "gpu_count", "os", "python_version", "pue")  # fmt: skip
SLACK = 0.01  # by which components may miss the total


def recognises(path: Path) -> bool:
    """Whether the file has CodeCarbon's columns."""
    return path.is_file() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The columns that the file would need."""
    return cells.lacking(path, NEEDED)


def read(path: Path) -> Contents:
    """A result for each row that holds energy; the others are reported and left out."""
    results, left_out = [], []
    for count, row in enumerate(cells.rows(path), start=2):  # as an editor counts, the heads are line 1
        wrong = fault(row)
        if wrong:
            left_out.append(f"{path.name}, row {count}: {wrong}")
            continue
        if doubt := doubtful(row):
            left_out.append(f"{path.name}, row {count}: {doubt}")
        results.append(result(path, row))
    return Contents(tuple(results), tuple(left_out))


def fault(row: Row) -> str | None:
    """Why a row cannot be taken; None where it can."""
    if not any(row.values()):
        return "empty; left out"
    version = row.get("codecarbon_version", "")
    if version and version.split(".")[0] not in KNOWN:
        return f"written by codecarbon {version}, and only versions 2 and 3 are known; left out"
    for column in ("energy_consumed", "duration"):
        value = cells.number(row[column])
        if value is None:
            return f"{column} is {row[column] or 'empty'}; left out"
        if value <= 0:
            return f"{column} is {row[column]}, so nothing was measured; left out"
    return None


def doubtful(row: Row) -> str | None:
    """What is odd about a row that is taken; None where nothing is."""
    total, parts = cells.number(row["energy_consumed"]), sum(cells.number(row[name]) or 0 for name in ENERGIES)
    if total and abs(parts - total) > SLACK * total:
        return f"its components sum to {parts:.4g} kWh and not to the {total:.4g} kWh that it states"
    return None


def result(path: Path, row: Row) -> ExternalResult:
    """A row that has energy; a component of zero is not available."""
    total, emissions = cells.read(row["energy_consumed"]), cells.read(row["emissions"], 1000)
    began, took = cells.seconds(row["timestamp"]), cells.read(row["duration"])
    cards = row.get("gpu_model", "")
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, row),
        title=" ".join(part for part in (row["project_name"], row.get("task_name", "")) if part) or NAME,
        boundary=boundary(row),
        hardware=cards or row.get("cpu_model") or None,
        gpu_j=cells.read(row["gpu_energy"], J_PER_KWH),
        cpu_j=cells.read(row["cpu_energy"], J_PER_KWH),
        ram_j=cells.read(row["ram_energy"], J_PER_KWH),
        total_j=cells.read(row["energy_consumed"], J_PER_KWH),
        methods=methods(cards),
        emissions_g=emissions,
        factor_g_per_kwh=emissions / total if emissions and total else None,
        duration_s=took,
        began_s=began - took if began is not None and took else None,
        facts={name: row[name] for name in FACTS if row.get(name)},
    )


def methods(cards: str) -> dict[str, str]:
    """CodeCarbon reads NVIDIA's counter; it does not state whether the CPU was measured, and has no sensor of RAM."""
    return {"gpu": "counter" if "nvidia" in cards.lower() else "unknown", "cpu": "unknown", "ram": "estimated"}


def boundary(row: Row) -> str:
    """What CodeCarbon counted, in one sentence."""
    count = cells.whole(row.get("gpu_count"))
    cards = "no GPU" if not count else f"{many(count, 'GPU')} that it saw, idle or not"
    mode = row.get("tracking_mode") or "unknown"
    pue = cells.number(row.get("pue"))
    times = f", all multiplied by a PUE of {pue:g}" if pue not in (None, 1.0) else ""
    return (
        f"CodeCarbon {row.get('codecarbon_version') or 'of unknown version'}, mode {mode}: {cards}, CPU by a way it "
        f"does not state, RAM estimated, all between its start and stop{times}"
    )


def completed(contents: Contents, model: str | None, task: str | None, inferences: int | None) -> Contents:
    """The same with what no CodeCarbon file says; `model` may be the name of a column.

    UserError where `inferences` is no count.
    """
    if inferences is not None and inferences < 1:
        raise UserError(f"inferences={inferences} is not a count; type how many inferences each row measured")
    return replace(
        contents,
        results=tuple(
            result if result.format != NAME else
            replace(result, model=result.facts.get(model, model) if model else None, task=task, inferences=inferences)
            for result in contents.results
        ),
    )  # fmt: skip
