"""One process of a sweep: it measures what the study needs, each trial in a process of its own.

Screening trials that need one loaded model may share one (sweep/shared.py).

A worker that is one of several gives no recommendation: whoever started it does (sweep/coordinator.py).
"""

from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from joulemark.core import signals
from joulemark.core.answer import warned
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted
from joulemark.sweep import busy, doubtful, needed, siblings, stored
from joulemark.sweep.busy import Measure, Report
from joulemark.sweep.objectives import QUALITY
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.progress import ahead
from joulemark.sweep.result import SessionEnd, SweepResult, result_of, so_far
from joulemark.sweep.search import POLL_S, Search
from joulemark.sweep.shared import SharedTrials
from joulemark.sweep.storage import open_study
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import TrialResult


def run(
    request: SweepRequest,
    measure: Measure,
    report: Report,
    poll_s: float = POLL_S,
    shared: SharedTrials | None = None,
) -> SweepResult | SessionEnd:
    """Searches and returns what came of it. Interrupted, it loses no result that the study has.

    With `shared` trials of the screening that need one loaded model share a process.

    Raises:
        UserError: where the sweep cannot begin or go on, unless this is one worker of several: its session ends then.
    """
    search: Search | None = None
    study: Study | None = None
    reference: TrialResult | None = None
    try:
        with busy.sweeping(request.hardware, request.busy, report):
            study = begin(request, report)
            ready = partial(busy.ready, request.hardware, request.busy, report)
            doubted = partial(doubtful.tag_anew, request.tracking_uri, report)
            search = Search(request.plan, study, measure, report, poll_s, ready, shared, doubted)
            reference = measured_reference(search, request, study)
            with closing(search):
                search.points()
            search.results()
    except Interrupted as stop:
        report(f"stopped by {stop}; the same line goes on from here")
        trials = {} if study is None else {"trials": len(study.results())}
        end = _without_result(request, search, signals.exit_code(str(stop)), status="interrupted", **trials)
        if study is None or reference is None or request.worker is not None:
            return end
        return replace(end, so_far=so_far(request, study, reference))
    except UserError as error:
        if request.worker is None:
            raise
        report(str(error))
        return _without_result(request, search, 2, status="failed", error=str(error))
    if request.worker is not None:
        return _without_result(request, search, 0, status="finished", ended=search.ended)
    return result_of(search, request, study, reference)


def begin(request: SweepRequest, report: Report) -> Study:
    """Opens the study; reports what it excludes and whether it goes on, unless this is one of several workers."""
    plan = request.plan
    study = open_study(
        request.storage,
        request.folder,
        request.name,
        plan.space.dimensions,
        plan.goals,
        plan.seed,
        request.card,
        report,
        request.software or None,
    )
    if request.worker is None:
        for sentence in (*map(str, plan.space.excluded), *request.notes, *needed.sentences(request)):
            report(sentence)
        report(f"study {request.name}: {_before(study)}")
        results = study.results()
        resumed = siblings.warnings(study, request.software)
        lost = stored.warnings(request.tracking_uri, stored.gone(request.tracking_uri, results), results)
        for warning in (*lost, *resumed):
            report(warned(warning))
        of_line = (study, request.storage, request.folder, request.line, request.software)
        for sentence in () if resumed else siblings.sentences(*of_line):
            report(sentence)
        if not results:
            others = sum(point != plan.reference for point in plan.space.points)
            report(ahead(others, plan.screening is not None, plan.finalists, plan.budget))
    return study


def _without_result(request: SweepRequest, search: Search | None, code: int, **session: Any) -> SessionEnd:
    excluded = {" ".join(point): why for point, why in search.excluded.items()} if search else {}
    worker = {} if request.worker is None else {"worker": request.worker, "excluded": excluded}
    return SessionEnd(code, {"sweep_id": request.name, **worker, **session})


def _before(study: Study) -> str:
    lost = study.close_lost()
    trials = len(study.results())
    begins = f"goes on after {trials} trials" if trials else "begins"
    return f"{begins}; {lost} were lost with the process that measured them" if lost else begins


def measured_reference(search: Search, request: SweepRequest, study: Study) -> TrialResult:
    """The measured reference; UserError where it did not finish, or lacks what the goals need."""
    reference = search.reference()
    if not reference.finished:
        raise UserError(
            f"the reference {reference.name} {reference.outcome.status}: {reference.outcome.error}; type "
            "sweep.reference.…=… for another"
        )
    for goal in request.plan.goals.objectives:
        if reference.metrics.get(goal.metric) is None:
            raise UserError(f"sweep.objectives: the reference's run has no {goal.metric}; leave {goal.name} out")
    study.goals = search.available_goals(request.quality_typed)
    if request.task_options and not any(metric.startswith(QUALITY) for metric in study.goals.metrics):
        raise UserError(
            f"{request.task_options[0]} changes the task's outputs, and the reference's have no quality (no judge?): "
            "give it one value"
        )
    return reference
