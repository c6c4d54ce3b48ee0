"""One run for each `record.id`: what a lost reply, a retry or a kill left is found again, and twins are removed."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mlflow.exceptions import MlflowException

from joulemark.store.completeness import INCOMPLETE, OPEN, complete
from joulemark.store.opening import Store

TAG = "record.id"


def found(opened: Store, record_id: str, given: str | None) -> Any | None:
    """The run that holds this record, whole or begun; else the run `given`, where it is open; None: none yet."""
    runs = _of(opened, record_id)
    if runs:
        return runs[0]
    if given is None:
        return None
    try:
        run = opened.client.get_run(given)
    except MlflowException:  # it is gone: the name is stale
        return None
    if run.info.status in OPEN:
        opened.client.set_tag(given, TAG, record_id)
        return run
    return run if run.data.tags.get(TAG) == record_id else None  # of another experiment


def whole(run: Any) -> bool:
    """Whether the run was written to its end."""
    return complete(run.info.status, run.data.tags) and TAG in run.data.tags


def completed(opened: Store, run: Any) -> None:
    """Takes away what says that the writing broke."""
    if INCOMPLETE in run.data.tags:
        with suppress(MlflowException):  # it is away: the reply was lost
            opened.client.delete_tag(run.info.run_id, INCOMPLETE)


def keep_one(opened: Store, record_id: str) -> Any:
    """Deletes every run of a record but one, and returns that: a request that was sent twice made the others.

    The one is the same to every process, whichever of the runs it wrote: two that deliver at once delete no last one.
    """
    kept, *others = _of(opened, record_id)
    for run in others:
        if run.info.status in OPEN:
            opened.client.set_terminated(run.info.run_id, "KILLED")
        opened.client.delete_run(run.info.run_id)
    return kept


def remove_late_twins(opened: Store) -> int:
    """Deletes each run left RUNNING of a record that has a whole one: a request that came late made it; how many."""
    left = opened.client.search_runs([opened.experiment_id], "attributes.status = 'RUNNING'")
    twins = {run.data.tags[TAG] for run in left if TAG in run.data.tags}
    removed = 0
    for record_id in twins:
        kept, *others = _of(opened, record_id)
        if whole(kept) and others:
            keep_one(opened, record_id)
            removed += len(others)
    return removed


def _of(opened: Store, record_id: str) -> Sequence[Any]:
    """The runs of a record, a whole one first; every process finds them in the same order."""
    runs = opened.client.search_runs([opened.experiment_id], f"tags.`{TAG}` = '{record_id}'")
    return sorted(runs, key=lambda run: (not whole(run), run.info.run_id))
