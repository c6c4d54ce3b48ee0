"""A CSV of the AI Energy Score: the GPU's Wh per 1,000 inferences of a model on a task.

Columns `task`, `model`, `gpu_wh_per_1000` and, if it likes, `stars`. The list says nothing of CPU, RAM or quality.
"""

from pathlib import Path

from joulemark.analysis.external import cells
from joulemark.analysis.external.cells import Row
from joulemark.analysis.external.result import Contents, ExternalResult, digest
from joulemark.core.units import J_PER_WH

NAME = "ai_energy_score"
SUFFIX = ".csv"
NEEDED = ("task", "model", "gpu_wh_per_1000")
TASKS = {"asr": "speech_recognition"}  # the others are called as here
INFERENCES = 1000
HARDWARE = "one NVIDIA H100"


def recognises(path: Path) -> bool:
    """Whether the file has the list's columns."""
    return path.is_file() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The columns that the file would need."""
    return cells.lacking(path, NEEDED)


def read(path: Path) -> Contents:
    """A result for each entry with energy; the others are reported and left out."""
    results, left_out = [], []
    for count, row in enumerate(cells.rows(path), start=2):
        joules = cells.read(row["gpu_wh_per_1000"], J_PER_WH)
        if joules is None or not row["model"] or not row["task"]:
            wrong = "empty" if not any(row.values()) else f"gpu_wh_per_1000 is {row['gpu_wh_per_1000'] or 'empty'}"
            wrong = wrong if joules is None else "task or model is empty"
            left_out.append(f"{path.name}, row {count}: {wrong}; left out")
            continue
        results.append(result(path, row, joules))
    return Contents(tuple(results), tuple(left_out))


def result(path: Path, row: Row, joules: float) -> ExternalResult:
    """An entry of the list; its total is unknown, since only the GPU was counted."""
    task = TASKS.get(row["task"], row["task"])
    precision = "fp16, 10 new tokens" if task == "text_generation" else "fp32"
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, row),
        title=row["model"],
        boundary=f"the GPU alone, {HARDWARE}, batch 1, {precision}, {INFERENCES:,} inputs; CPU and RAM not counted",
        model=row["model"],
        task=task,
        hardware=HARDWARE,
        inferences=INFERENCES,
        gpu_j=joules,
        methods={"gpu": "counter"},
        facts={"stars": row["stars"]} if row.get("stars") else {},
    )
