"""python -m src.run -m sweep=NAME …: from the words to the answer of a sweep, every trial a process of its own."""

import json
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from omegaconf import DictConfig

from src import trial
from src.core import Interrupted, UserError
from src.sweep import answer, bill, plan
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
    study = open_study(
        asked.storage, asked.folder, asked.name, asked.plan.space.dimensions, asked.plan.goals, asked.plan.seed
    )
    for sentence in (*map(str, asked.plan.space.left_out), *asked.notes):
        _say(sentence)
    _say(f"study {asked.name}: {_before(study)}")
    search = Search(asked.plan, study, measure, _say)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        reference = _reference(search, asked, study)
        search.points()
        search.results()
    except Interrupted as stop:
        _say(f"stopped by {stop}; the same line goes on from here")
        print(json.dumps({"status": "interrupted", "sweep_id": asked.name, "trials": len(study.told())}), flush=True)
        return 128 + signal.Signals[str(stop)]
    return _end(search, asked, study, reference)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(signal.Signals(number).name)


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
    return found


def _end(search: Search, asked: Asked, study: Study, reference: Told) -> int:
    results = search.full()
    found = answer.answer(results, reference, study.goals, asked.plan.space)
    cost = bill.bill(study.told(), reference.metrics, found.recommended.metrics if found.recommended else None)
    late = [LeftOut(point, 1, reason) for point, reason in search.left_out.items()]
    failed = [one for one in study.told() if not one.finished and one.point not in search.left_out]
    lines = [
        str(cost),
        *estimated(reference, found.recommended),
        *(f"ended early: {search.ended}; a larger budget goes on from here" for _ in [0] if search.ended),
        *(f"no result: {' '.join(one.point)}: {one.outcome.status}: {one.outcome.error}" for one in failed),
        *map(str, (*asked.plan.space.left_out, *late)),
    ]
    if not results:
        lines.insert(0, "no point got the full protocol: type a larger sweep.budget")
    answer.show(found, reference, study.goals, asked.plan.full, lines)
    said = answer.last_line(
        found,
        reference,
        study.goals,
        cost,
        (*asked.plan.space.left_out, *late),
        asked.plan.full,
        status="finished" if found.recommended else "failed",
        sweep_id=asked.name,
        trials=len(study.told()),
        ended=search.ended,
    )
    print(json.dumps(said, allow_nan=False), flush=True)
    return 0 if found.recommended else 1


def estimated(*told: Told | None) -> list[str]:
    """One line where no sensor read a part of these results' energy: a ratio of estimates is an estimate."""
    shares = [share for one in told if one and (share := one.metrics.get("energy/modelled_share"))]
    if not shares:
        return []
    return [f"! estimated: up to {max(shares):.0%} of the energies compared here was read by no sensor"]
