"""Whether a setting is established to miss a sweep's limit of quality: against the reference as pairs, as in a report.

A limit excludes only what is established to be below it; analysis/quality.py says so, which compare and report ask too.
"""

from collections.abc import Callable

from joulemark.analysis import quality
from joulemark.core.errors import UserError
from joulemark.core.record import Record
from joulemark.store import listing
from joulemark.store.listing import Choice
from joulemark.sweep.objectives import HIGHEST, SHORT, Constraint
from joulemark.sweep.trial_state import TrialResult

Read = Callable[[str], Record | None]


class QualityLimit:
    """The limits of quality of one sweep, by its reference; `read` gives the record of a run id, None without one."""

    def __init__(self, reference: TrialResult, read: Read) -> None:
        self._reference, self._read = reference, read
        self._known: dict[str | None, Record | None] = {None: None}

    def excludes(self, result: TrialResult, constraint: Constraint) -> bool:
        """Whether a result that violates a constraint by its value is established to.

        A share of the reference's quality is a question of pairs; what has none, and a least value, goes by the
        interval of its own quality, by the value where that is unknown too.
        """
        if constraint.metric != SHORT["quality"] or constraint.bound == "max":
            return True
        if constraint.bound == "loss_rel":
            own, best = self._record(result), self._record(self._reference)
            loses = None if own is None or best is None else quality.surely_loses(own, best, constraint.value)
            if loses is not None:
                return loses
        highest, bound = result.metrics.get(HIGHEST), constraint.bound_for(self._reference.metrics)
        return highest is None or bound is None or highest < bound

    def doubt(self, result: TrialResult) -> str:
        """Why a result that violates a limit by its value is not excluded, as half a sentence."""
        own, best = self._record(result), self._record(self._reference)
        pair = None if own is None or best is None else quality.difference(best, own)
        if pair is None or pair.outcome == quality.UNKNOWN:
            return "its 95 % interval reaches there"
        return f"as pairs with the reference's answers: {pair.note}"

    def _record(self, result: TrialResult) -> Record | None:
        run_id = result.outcome.run_id
        if run_id not in self._known:
            self._known[run_id] = self._read(run_id or "")
        return self._known[run_id]


def reader(uri: str | None) -> Read:
    """Reads records from a store; None for what it does not hold."""

    def read(run_id: str) -> Record | None:
        if uri is None:
            return None
        try:
            run = next(iter(listing.runs(uri, Choice(ids=(run_id,)), ())), None)
        except UserError:
            return None
        return None if run is None else listing.record(uri, run)

    return read
