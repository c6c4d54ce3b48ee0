"""The AI Energy Score's CSV: the GPU's Wh per 1,000 inferences. `python -m src.ingest` reads it back.

An entry of that list is a model on one NVIDIA H100, batch 1, fp32 (text generation fp16, 10 new tokens), 1,000 inputs:
a row says none of it, so a run that was made otherwise has no row. Stars rank a whole list, which this is not.
"""

from collections.abc import Iterator, Sequence

from joulemark.analysis.external.ai_energy_score import INFERENCES, NEEDED, TASKS
from joulemark.core.errors import UserError
from joulemark.core.measurement import COUNTERS
from joulemark.core.serving import BATCH
from joulemark.reporting.csv_text import csv_text
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".csv", True, False
GPU = "energy/gpu_wh_per_1k"
NAMES = {ours: theirs for theirs, ours in TASKS.items()}
GENERATION = "text_generation"
NEW_TOKENS = 10


def write(runs: Sequence[Run], options: Options) -> Document:
    """A row for each run that was made as the list's entries are; UserError where none was."""
    checked = [(run, list(_differs(run))) for run in runs]
    kept = [run for run, reasons in checked if not reasons]
    left_out = [
        f"run {run.name} left out: an entry of this list is one NVIDIA H100 at batch 1, and here {'; '.join(reasons)}"
        for run, reasons in checked
        if reasons
    ]
    if not kept:
        raise UserError(left_out[0].replace("left out", "cannot be exported as energy_score", 1))
    rows = [(NAMES.get(run.record.task.name, run.record.task.name), run.checkpoint, run.metrics[GPU]) for run in kept]
    return Document(csv_text(NEEDED, rows), (*left_out, "stars: left out, since they rank a whole list"))


def _differs(run: Run) -> Iterator[str]:
    """What of a run is not as in the list."""
    record = run.record
    if "H100" not in (record.hardware.gpu_name or "") or len(record.hardware.uuids) > 1:
        yield f"the device is {record.device_name}"
    if run.metrics[GPU] is None or run.evidence["gpu"] not in COUNTERS:
        yield f"the GPU's energy is {run.evidence['gpu'] or 'not available'}, not read from its counter"
    if record.scenario.name != BATCH or record.settings.batch_size != 1:
        yield f"it is {run.settings_text}"
    precision = "fp16" if record.task.name == GENERATION else "fp32"
    if record.settings.precision != precision:
        yield f"the precision is {record.settings.precision}, not {precision}"
    if record.task.name == GENERATION and record.task.max_new_tokens != NEW_TOKENS:
        yield f"answers have {record.task.max_new_tokens} tokens, not {NEW_TOKENS}"
    if record.task.samples != INFERENCES:
        yield f"{record.task.samples} inputs, not {INFERENCES}"
    if record.model.weights == "random":
        yield "the weights are random"
