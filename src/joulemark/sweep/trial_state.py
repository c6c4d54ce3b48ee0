"""What a study's storage says: outcomes and claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joulemark.sweep.space import Point
from joulemark.sweep.trial import Outcome

SCREENING, FULL = "screening", "full"

# A point that was not measured to its end says nothing of the point: it is asked again
UNDONE = ("interrupted", "timed_out", "refused")


@dataclass(frozen=True)
class Told:
    """One measured point: in which pass, what became of it, and the card it was measured on where that is known."""

    point: Point
    stage: str
    outcome: Outcome
    card: str | None = None

    @property
    def metrics(self) -> Mapping[str, float | None]:
        return self.outcome.metrics

    @property
    def finished(self) -> bool:
        return self.outcome.status == "finished"


@dataclass(frozen=True)
class Claim:
    """A trial that a living worker measures now, or is about to."""

    trial: int
    number: int
    point: Point
    stage: str
    worker: Mapping[str, Any]
    token: str


@dataclass(frozen=True)
class View:
    """What the storage holds at one moment: outcomes in the order in which their trials began, and claims."""

    told: tuple[Told, ...]
    claims: tuple[Claim, ...]

    def known(self, stage: str) -> dict[Point, Told]:
        """The last done measurement of each point in this pass; of those that have none in the full one."""
        done = [one for one in self.told if one.outcome.status not in UNDONE]
        return {one.point: one for wanted in (FULL, stage) for one in done if one.stage == wanted}

    def claimed(self, stage: str) -> set[Point]:
        return {claim.point for claim in self.claims if claim.stage == stage}


def running(trial: Any) -> bool:
    """Whether a worker has claimed the trial and not closed it."""
    return trial.state.name == "RUNNING" and "worker" in trial.user_attrs


def told(trial: Any) -> Told:
    """A trial of Optuna's that has an outcome."""
    own = trial.user_attrs
    given = {**own["outcome"], "words": tuple(own["outcome"]["words"]), "flags": tuple(own["outcome"]["flags"])}
    return Told(tuple(own["point"]), own["stage"], Outcome(**given), own["worker"].get("card"))


def claim(trial: Any) -> Claim:
    """A trial of Optuna's that is claimed."""
    own = trial.user_attrs
    return Claim(trial._trial_id, trial.number, tuple(own["point"]), own["stage"], own["worker"], own.get("token", ""))


def death(claim: Claim, again: bool) -> str:
    """The sentence about a claim whose worker died; `again`: its point is asked once more."""
    who = f"process {claim.worker['pid']} on {claim.worker['host']}"
    return f"lost with the worker that measured it ({who})" + ("" if again else ", the second one that died at it")
