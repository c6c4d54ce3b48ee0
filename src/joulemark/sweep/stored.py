"""Which runs of a study are no longer in the store: it was deleted, moved or emptied between two sessions."""

from collections.abc import Sequence

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.store import listing
from joulemark.store.listing import Choice
from joulemark.sweep.trial_state import TrialResult


def gone(uri: str | None, results: Sequence[TrialResult]) -> frozenset[str]:
    """The ids of recorded runs that the store does not hold; empty where it cannot be read."""
    ids = {result.outcome.run_id for result in results if result.outcome.run_id}
    if uri is None or not ids:
        return frozenset()
    path = tracking.sqlite_path(uri)
    if path is not None and not path.is_file():
        return frozenset(ids)
    try:
        return frozenset(ids - {run.run_id for run in listing.runs(uri, Choice(ids=sorted(ids)), ())})
    except UserError:
        return frozenset()


def warnings(uri: str | None, lost: frozenset[str], results: Sequence[TrialResult]) -> list[str]:
    """One warning where runs are gone: their figures are the study's, and nothing of them is measured again."""
    if uri is None or not lost:
        return []
    recorded = sum(bool(result.outcome.run_id) for result in results)
    what = f"{len(lost)} of {recorded} results have no run in {tracking.public(uri)} any more"
    return [f"{what}: their figures are kept in the study; sweep.seed=1, say, measures all anew"]
