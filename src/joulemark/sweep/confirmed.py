"""The fresh processes by which a study's result was confirmed: kept in the study, so that none is measured twice."""

from dataclasses import asdict

from joulemark.sweep.space import Point
from joulemark.sweep.study import Study
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import outcome_of

KEY = "confirmed"


def kept(study: Study, point: Point) -> list[Outcome]:
    """The outcomes of a setting's processes that count, in the order in which they were made."""
    stored = study.patience(lambda: study.study.user_attrs)
    found: list[Outcome] = []
    while (name := _name(point, len(found))) in stored:
        found.append(outcome_of(stored[name]))
    return found


def keep(study: Study, point: Point, outcome: Outcome) -> None:
    """Stores the outcome of one more process of a setting."""
    values = {**asdict(outcome), "metrics": dict(outcome.metrics)}
    name = _name(point, len(kept(study, point)))
    study.patience(lambda: study.study.set_user_attr(name, values))


def _name(point: Point, number: int) -> str:
    return f"{KEY} {number} {' '.join(point)}"
