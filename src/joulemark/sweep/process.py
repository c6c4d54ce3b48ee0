"""One process of a sweep: it measures what the study needs, every trial a process of its own, and gives the answer.

A worker that is one of several gives none: whoever started it does (sweep/coordinator.py).
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from joulemark.core import signals, tracking
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted
from joulemark.report import table
from joulemark.sweep import busy, mlflow_sweep, recommendation, saved
from joulemark.sweep import cost as bill
from joulemark.sweep.busy import Measure, Say
from joulemark.sweep.objectives import QUALITY
from joulemark.sweep.plan import Asked
from joulemark.sweep.search import POLL_S, Search
from joulemark.sweep.space import LeftOut
from joulemark.sweep.storage import open_study
from joulemark.sweep.study import Study
from joulemark.sweep.trial_state import Told

GAIN = "each card's sensor has a gain of its own (up to 5 %), so nearer results of two cards are not told apart"
SHARED = "processor and memory were counted with other workers' work on this machine; a GPU's figure is its own"


def run(asked: Asked, measure: Measure, poll_s: float = POLL_S) -> int:
    """The sweep that was asked for; returns the exit code. Stopped, it loses nothing that was told."""
    began_s, say = time.time(), saying(asked.worker)
    search: Search | None = None
    signals.interrupt_on_stop()
    try:
        with busy.sweeping(asked.hardware, asked.busy, say):
            study = begun(asked, say)
            ready = partial(busy.ready, asked.hardware, asked.busy, say)
            search = Search(asked.plan, study, measure, say, poll_s, ready)
            reference = measured_reference(search, asked, study)
            search.points()
            search.results()
    except Interrupted as stop:
        say(f"stopped by {stop}; the same line goes on from here")
        trials = {} if search is None else {"trials": len(study.told())}
        return _last(asked, search, signals.exit_code(str(stop)), status="interrupted", **trials)
    except UserError as error:
        if asked.worker is None:
            raise
        say(str(error))
        return _last(asked, search, 2, status="failed", error=str(error))
    if asked.worker is not None:
        return _last(asked, search, 0, status="finished", ended=search.ended)
    return end(search, asked, study, reference, began_s)


def saying(worker: int | None) -> Say:
    """Says a sentence on standard error; a worker of several with its number before it."""
    begun = "" if worker is None else f"worker {worker}: "

    def say(sentence: str) -> None:
        print(f"{begun}{sentence}", file=sys.stderr, flush=True)

    return say


def begun(asked: Asked, say: Say) -> Study:
    """The study, opened; says what it leaves out and whether it goes on, but for one of several workers."""
    plan = asked.plan
    study = open_study(
        asked.storage, asked.folder, asked.name, plan.space.dimensions, plan.goals, plan.seed, asked.card, say
    )
    if asked.worker is None:
        for sentence in (*map(str, plan.space.left_out), *asked.notes):
            say(sentence)
        say(f"study {asked.name}: {_before(study)}")
    return study


def _last(asked: Asked, search: Search | None, code: int, **more: Any) -> int:
    """Prints the last line of a session that gives no answer; returns its exit code."""
    left_out = {" ".join(point): why for point, why in search.left_out.items()} if search else {}
    own = {} if asked.worker is None else {"worker": asked.worker, "left_out": left_out}
    try:
        print(json.dumps({"sweep_id": asked.name, **own, **more}), flush=True)
    except BrokenPipeError:  # whoever started this worker was killed; closing would try to write once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _before(study: Study) -> str:
    lost = study.mend()
    told = len(study.told())
    begun = f"goes on after {told} trials" if told else "begins"
    return f"{begun}; {lost} were lost with the process that measured them" if lost else begun


def measured_reference(search: Search, asked: Asked, study: Study) -> Told:
    """The measured reference; UserError where it did not finish, or lacks what the goals need."""
    found = search.reference()
    if not found.finished:
        raise UserError(
            f"the reference {' '.join(found.point)} {found.outcome.status}: {found.outcome.error}; type "
            "sweep.reference.…=… for another"
        )
    for goal in asked.plan.goals.objectives:
        if found.metrics.get(goal.metric) is None:
            raise UserError(f"sweep.objectives: the reference's run has no {goal.metric}; leave {goal.name} out")
    study.goals = search.judged(asked.typed)
    if asked.answers and not any(metric.startswith(QUALITY) for metric in study.goals.metrics):
        raise UserError(
            f"{asked.answers[0]} changes the answers, and the reference's have no quality (nobody who judges them?): "
            "give it one value"
        )
    return found


def end(search: Search, asked: Asked, study: Study, reference: Told, began_s: float) -> int:
    """Prints the answer and the last line; returns the exit code."""
    results = search.full()
    found = recommendation.answer(results, reference, study.goals, asked.plan.space)
    cost = bill.bill(study.told(), reference.metrics, found.recommended.metrics if found.recommended else None)
    left_out = (*asked.plan.space.left_out, *(LeftOut(point, 1, why) for point, why in search.left_out.items()))
    lines = [
        *([] if results else ["no point got the full protocol: type a larger sweep.budget"]),
        *recommendation.sentences(found, study.goals, asked.plan.full),
        *saved.sentences(asked, found.recommended),
        str(cost),
        *estimated(reference, found.recommended),
        *several(results.values()),
        *_early(search.ended),
        *_failures(study, search),
        *map(str, left_out),
    ]
    heads, rows = recommendation.columns(study.goals), recommendation.rows(found, reference, study.goals)
    table.printed(heads, rows, lines, (recommendation.SETTING,))
    status = "finished" if found.recommended else "failed"
    said = recommendation.last_line(
        found,
        reference,
        study.goals,
        cost,
        left_out,
        asked.plan.full,
        status=status,
        sweep_id=asked.name,
        trials=len(study.told()),
        ended=search.ended,
    )
    shown = mlflow_sweep.shown(asked, study.told(), study.goals, reference, found.recommended)
    link = mlflow_sweep.saved(
        asked, status, began_s, mlflow_sweep.text(found, reference, study.goals, lines), said, shown, cost
    )
    if link["url"]:
        print(f"\nOpen this sweep{opened(asked.tracking_uri)}: {link['url']}")
    print(json.dumps({**said, **link}, allow_nan=False), flush=True)
    return 0 if found.recommended else 1


def _early(ended: str | None) -> list[str]:
    """One line where something was left to measure."""
    if ended is None:
        return []
    more = "a larger one" if ended.endswith("is used") else "the same line"
    return [f"ended early: {ended}; {more} goes on from here"]


def opened(uri: str | None) -> str:
    """What must run before a link opens; nothing for a server."""
    if uri is None or uri.startswith("http"):
        return ""
    return f" (after {tracking.ui_command(uri)})"


def _failures(study: Study, search: Search) -> list[str]:
    """One line for each point without a result, the last thing that became of it."""
    told = study.told()
    explained = {one.point for one in told if one.finished} | set(search.left_out)
    failed = {one.point: one for one in told if one.point not in explained}
    return [f"no result: {' '.join(p)}: {one.outcome.status}: {one.outcome.error}" for p, one in failed.items()]


def estimated(*told: Told | None) -> list[str]:
    """One line where no sensor read a part of these results' energy: a ratio of estimates is an estimate."""
    shares = [share for one in told if one and (share := one.metrics.get("energy/estimated_share"))]
    if not shares:
        return []
    return [f"! estimated: up to {max(shares):.0%} of the energies compared here was read by no sensor"]


def several(results: Iterable[Told]) -> list[str]:
    """What several cards and workers make of the results: one line for each."""
    results = list(results)
    cards = sorted({one.card for one in results if one.card})
    shared = sum("shared" in one.outcome.flags for one in results)
    return [
        *([f"! {len(cards)} cards ({', '.join(cards)}): {GAIN}"] if len(cards) > 1 else []),
        *([f"! shared: in {shared} of {len(results)} results {SHARED}"] if shared else []),
    ]
