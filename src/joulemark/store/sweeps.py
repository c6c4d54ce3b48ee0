"""The run that represents a sweep: its own runs stay flat, and share its `sweep_id`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from joulemark.store.mlflow_internals import pages
from joulemark.store.opening import Store, alone, open_store
from joulemark.store.writing import attach, ending, write

NOTE_MAX = 7900  # characters; MLflow cuts a tag at 8,000 without a message


@dataclass(frozen=True)
class SweepRun:
    """The content of the run that represents a sweep.

    Attributes:
        tags: among them its `sweep_id`
        table: in Markdown; its description, and as a file whole
        metrics: its numbers; None for an unknown one
        files: texts by file name
        tables: the files that MLflow shows as tables: {"columns", "data"}
        again: whether to write over the run that an earlier session of the same `sweep_id` left
    """

    tags: Mapping[str, str]
    table: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    again: bool = False


def save_sweep(uri: str, task: str, status: str, began_s: float, sweep: SweepRun) -> str:
    """Writes the run that represents a sweep and returns its id; its own runs stay flat, and share its `sweep_id`.

    `began_s` is since the epoch; the table is the run's description, and as a file whole.
    """
    opened = open_store(uri, task)
    with alone(uri):
        run_id = _sweep_run(opened, sweep) if sweep.again else None
        if run_id is None:
            run = opened.client.create_run(
                opened.experiment_id, start_time=int(began_s * 1000), run_name=f"sweep {sweep.tags['sweep_id']}"
            )
            run_id = str(run.info.run_id)
        with ending(opened.client, run_id, status):
            write(opened.client, run_id, sweep.metrics, tags={**sweep.tags, **_own_tags(sweep)})
            attach(opened.client, run_id, {**sweep.files, "sweep.md": sweep.table})
    return run_id


def _sweep_run(opened: Store, sweep: SweepRun) -> str | None:
    """The run of an earlier session of the same sweep."""
    query = f"tags.kind = 'sweep' and tags.sweep_id = '{sweep.tags['sweep_id']}'"
    runs = opened.client.search_runs([opened.experiment_id], query, max_results=1, order_by=["start_time ASC"])
    return str(runs[0].info.run_id) if runs else None


def _own_tags(sweep: SweepRun) -> dict[str, str]:
    note = sweep.table
    if len(note) > NOTE_MAX:
        note = f"{note[:NOTE_MAX].rpartition(chr(10))[0]}\n\n… all of it: sweep.md"
    own = {"kind": "sweep", "mlflow.note.content": note, "mlflow.source.name": "joulemark run"}
    return {**own, **pages.tables(sweep.tables)}
