"""Which runs a report is about: those requested, and the reason for each that is left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from joulemark.analysis import comparability
from joulemark.core.errors import UserError
from joulemark.core.record import SCHEMA, Record
from joulemark.reporting import private_data, rescored
from joulemark.reporting.entry import Entry
from joulemark.reporting.rescored import Laid
from joulemark.reporting.stored_entry import ENERGY, PARAMS, entry
from joulemark.store import listing
from joulemark.store.listing import Choice, StoredRun

GPU = "energy/gpu_wh_per_1k"


@dataclass(frozen=True)
class LeftOut:
    """A run that is not in the report, and why.

    Attributes:
        run_id: its id in MLflow
        name: the run's name, or its model and settings
        task: its task
        reason: why, as half a sentence
    """

    run_id: str
    name: str
    task: str
    reason: str


@dataclass(frozen=True)
class Selection:
    """The runs of a report.

    Attributes:
        entries: the runs that it covers
        left_out: those that it does not, each with the reason
        held: the stored run of each entry, by run id, for its record
        laid: the site that `rescore` laid over a run whose own is not known, by run id
    """

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]
    held: dict[str, StoredRun]
    laid: dict[str, Laid] = field(default_factory=dict)


def select(
    uri: str,
    choice: Choice,
    records: int,
    private: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> Selection:
    """The chosen runs of the store; at most `records` of them may be such that their record must be read.

    With `private` nothing tells of the content of a user's own data (private_data.py).

    UserError where the beginning of an id fits no run, and for a store that cannot be read.
    """
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    light: dict[str, StoredRun] = {}
    laid: dict[str, Laid] = {}
    seen: list[str] = []
    for listed in listing.runs(uri, choice, PARAMS, say):
        run = _counted(listed)
        seen.append(run.run_id)
        reason, tags = _reason(run), dict(run.tags)
        if reason is None and "compare.key" not in tags and "boundary" not in tags:
            known, records = _from_record(uri, run, records)
            tags.update(known)
            reason = (
                None
                if known
                else "it was written before runs stated what they compare with, and its record is not available"
            )
        dataset = tags.get("dataset", "") if private else ""
        if reason is not None:
            reason = private_data.reason(reason, dataset)
            left_out.append(LeftOut(run.run_id, run.name, run.tags.get("task", ""), reason))
            continue
        counted = entry(run, {**tags, "command": private_data.command(tags.get("command", ""), dataset)})
        if (over := rescored.laid_over(run)) is not None:
            laid[run.run_id] = over
            (counted,) = rescored.at_site([counted], over.site)
        entries.append(counted)
        light[run.run_id] = StoredRun(run.run_id, run.experiment_id, "", 0, "", {}, {}, {}, run.artifacts)
    all_found(choice.ids, seen)
    return Selection(tuple(entries), tuple(left_out), light, laid)


def _counted(run: StoredRun) -> StoredRun:
    """The run; of another's result that counts the GPU alone, as its boundary says, that is the total."""
    if run.tags.get("external") != "true" or ENERGY in run.metrics or GPU not in run.metrics:
        return run
    return replace(run, metrics={**run.metrics, ENERGY: run.metrics[GPU]})


def _reason(run: StoredRun) -> str | None:
    """Why a run cannot be in a report; None where it can."""
    status = run.tags.get("status", run.status.lower())
    if status != "finished":
        return f"{status}: {run.tags.get('error', 'no reason was recorded')}"
    if newer(run):
        schema = run.tags["record.schema"]
        return f"written by a newer Joulemark (schema {schema}, this one reads up to {SCHEMA})"
    if ENERGY in run.broken:
        return "its energy is not a finite number"
    if ENERGY not in run.metrics:
        return "its energy is not available"
    if run.metrics[ENERGY] <= 0:
        return f"its energy is not above zero ({run.metrics[ENERGY]:g} Wh per 1,000)"
    return None


def newer(run: StoredRun) -> bool:
    """Whether a newer Joulemark wrote it, whose figures may mean something else."""
    schema = run.tags.get("record.schema", "")
    return schema.isdigit() and int(schema) > SCHEMA


def _from_record(uri: str, run: StoredRun, records: int) -> tuple[dict[str, str], int]:
    """What the tags of an older run lack, and how many more records may be read."""
    if records <= 0:
        return {}, 0
    record = listing.record(uri, run)
    if record is None:
        return {}, records - 1
    return {**completed(record)}, records - 1


def completed(record: Record) -> dict[str, str]:
    """The tags by which a record is grouped, as its run would have them today."""
    parameters = record.model.parameters
    tags = {**comparability.tags(record), "parameters": None if parameters is None else str(parameters)}
    return {key: value for key, value in tags.items() if value is not None}


def all_found(ids: Iterable[str], seen: Sequence[str]) -> None:
    """Refuses the beginning of an id that fits none of the runs seen."""
    for beginning in ids:
        if not any(run_id.startswith(beginning) for run_id in seen):
            raise UserError(
                f"run {beginning} is not in the store; type the beginning of a run's id, as its page shows it"
            )
