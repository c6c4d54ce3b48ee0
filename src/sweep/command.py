"""python -m src.run -m sweep=NAME …: from the words to the answer of a sweep, every trial a process of its own."""

import json
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig

from src import table, tracking, trial
from src.core import Interrupted, UserError
from src.sweep import answer, bill, parent, pinned, plan
from src.sweep.goal import QUALITY
from src.sweep.plan import Asked
from src.sweep.search import Measure, Search
from src.sweep.space import LeftOut
from src.sweep.study import Study, Told, open_study


def main(config: DictConfig, overrides: Sequence[Any]) -> int:
    """Searches and prints the answer. 0: a setting is recommended; 1: none; 2: words that cannot be; 130, 143: stopped.

    The last line of standard output is one JSON object, unless words were refused.
    """
    try:
        asked = plan.read(config, overrides)
        return run(asked, lambda words, limit_s: trial.run(words, limit_s=limit_s))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def run(asked: Asked, measure: Measure) -> int:
    """The sweep that was asked for; returns the exit code. Stopped, it loses nothing that was told."""
    began_s = time.time()
    study = open_study(
        asked.storage, asked.folder, asked.name, asked.plan.space.dimensions, asked.plan.goals, asked.plan.seed
    )
    for sentence in (*map(str, asked.plan.space.left_out), *asked.notes):
        _say(sentence)
    _say(f"study {asked.name}: {_before(study)}")
    search = Search(asked.plan, study, measure, _say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, Interrupted.by)
    try:
        reference = _reference(search, asked, study)
        search.points()
        search.results()
    except Interrupted as stop:
        _say(f"stopped by {stop}; the same line goes on from here")
        print(json.dumps({"status": "interrupted", "sweep_id": asked.name, "trials": len(study.told())}), flush=True)
        return 128 + signal.Signals[str(stop)]
    return _end(search, asked, study, reference, began_s)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _before(study: Study) -> str:
    lost = study.mend()
    told = len(study.told())
    begun = f"goes on after {told} trials" if told else "begins"
    return f"{begun}; {lost} were lost with the process that measured them" if lost else begun


def _reference(search: Search, asked: Asked, study: Study) -> Told:
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


def _end(search: Search, asked: Asked, study: Study, reference: Told, began_s: float) -> int:
    """Prints the answer and the last line; returns the exit code."""
    results = search.full()
    found = answer.answer(results, reference, study.goals, asked.plan.space)
    cost = bill.bill(study.told(), reference.metrics, found.recommended.metrics if found.recommended else None)
    left_out = (*asked.plan.space.left_out, *(LeftOut(point, 1, why) for point, why in search.left_out.items()))
    lines = [
        *([] if results else ["no point got the full protocol: type a larger sweep.budget"]),
        *answer.sentences(found, study.goals, asked.plan.full),
        *pinned.sentences(asked, found.recommended),
        str(cost),
        *estimated(reference, found.recommended),
        *([f"ended early: {search.ended}; a larger one goes on from here"] if search.ended else []),
        *_failures(study, search),
        *map(str, left_out),
    ]
    heads, rows = answer.columns(study.goals), answer.rows(found, reference, study.goals)
    table.printed(heads, rows, lines, (answer.SETTING,))
    status = "finished" if found.recommended else "failed"
    said = answer.last_line(
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
    shown = parent.shown(asked, study.told(), study.goals, reference, found.recommended)
    link = parent.saved(asked, status, began_s, parent.text(found, reference, study.goals, lines), said, shown, cost)
    if link["url"]:
        print(f"\nOpen this sweep{opened(asked.tracking_uri)}: {link['url']}")
    print(json.dumps({**said, **link}, allow_nan=False), flush=True)
    return 0 if found.recommended else 1


def opened(uri: str | None) -> str:
    """What must run before a link opens; nothing for a server."""
    if uri is None or uri.startswith("http"):
        return ""
    shown = tracking.public(uri)
    return f" (after {'make ui' if shown == tracking.DEFAULT else f'mlflow ui --backend-store-uri {shown}'})"


def _failures(study: Study, search: Search) -> list[str]:
    """One line for each point without a result, the last thing that became of it."""
    told = study.told()
    explained = {one.point for one in told if one.finished} | set(search.left_out)
    failed = {one.point: one for one in told if one.point not in explained}
    return [f"no result: {' '.join(p)}: {one.outcome.status}: {one.outcome.error}" for p, one in failed.items()]


def estimated(*told: Told | None) -> list[str]:
    """One line where no sensor read a part of these results' energy: a ratio of estimates is an estimate."""
    shares = [share for one in told if one and (share := one.metrics.get("energy/modelled_share"))]
    if not shares:
        return []
    return [f"! estimated: up to {max(shares):.0%} of the energies compared here was read by no sensor"]
