"""A sweep with several workers: starts them, waits, and recommends from the results in their study.

    this process                         worker 1, 2, …                    python -m src.run …
    ────────────                         ──────────────                    ───────────────────
    opens the study, starts ──────────▶  claims a point in the study
    asleep                               starts ─────── overrides ───────▶ measures
    SIGINT, SIGTERM ── once ──────────▶  ── once ────────────────────────▶ leaves its record
                                         tells the study ◀─── last line ── exits
    the recommendation ◀──────────────── nothing is left

With `sweep.workers=1`, as by default, one process is the only worker (sweep/process.py).
"""

from collections.abc import Sequence
from typing import Any

from joulemark.core import signals
from joulemark.core.errors import UserError
from joulemark.sweep import process, workers
from joulemark.sweep.busy import Report
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.result import SessionEnd, SoFar, SweepResult, result_of, so_far
from joulemark.sweep.search import Search
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import FULL
from joulemark.sweep.workers import PROGRAM, WorkerEnd


def run(request: SweepRequest, report: Report, program: Sequence[str] = PROGRAM) -> SweepResult | SessionEnd:
    """The sweep measured by workers, which `program` starts; SIGINT and SIGTERM of this process go on to them.

    Call it from the main thread of a command.
    """
    study = process.begin(request, report)  # created before the workers start: not every storage bears two creators
    with signals.Forwarding() as forwarding:
        started = []
        for number, environment in enumerate(request.workers, start=1):
            overrides = workers.overrides_of(request.overrides, number, shared=True)
            started.append(workers.start(overrides, environment, program))
            forwarding.add(started[-1])
        ends = [workers.ended(number, worker) for number, worker in enumerate(started, start=1)]
    for end in ends:
        if end.killed:
            report(f"worker {end.number} was killed by {end.killed}")
    if stops := forwarding.stops:
        report(f"stopped by {stops[0]}; the same line goes on from here")
        last_line = {"status": "interrupted", "sweep_id": request.name, "trials": len(study.results())}
        return SessionEnd(signals.exit_code(stops[0]), last_line, _so_far(request, study))
    return _result(request, study, ends, report)


def _result(request: SweepRequest, study: Study, ends: Sequence[WorkerEnd], report: Report) -> SweepResult:
    """The recommendation from the results in the study; UserError where the workers did not measure the reference."""
    errors = list(dict.fromkeys(end.error for end in ends if end.error))
    if len(errors) == 1 and all(end.error for end in ends):  # the storage is gone, say, and need not be queried again
        raise UserError(errors[0])
    if request.plan.reference not in study.state().known(FULL):
        raise UserError(errors[0] if errors else "every worker died before the reference was measured; try again")
    search = Search(request.plan, study, _never_measures, report)
    reference = process.measured_reference(search, request, study)
    search.exclude({name: reason for end in ends for name, reason in end.excluded.items()})
    search.ended = next((end.ended for end in ends if end.ended), None)
    if all(end.code for end in ends):
        search.ended = errors[0] if errors else "every worker died"
    return result_of(search, request, study, reference)


def _so_far(request: SweepRequest, study: Study) -> SoFar | None:
    """What the workers measured; None where the reference is not, or does not serve."""
    if request.plan.reference not in study.known(FULL):
        return None
    try:
        reference = process.measured_reference(Search(request.plan, study, _never_measures, _unsaid), request, study)
    except UserError:
        return None
    return so_far(request, study, reference)


def _unsaid(sentence: str) -> None:
    """Nothing is said to a user who left."""


def _never_measures(overrides: Sequence[str], limit_s: float | None) -> Any:
    raise AssertionError("the workers measure")
