"""What a study's storage holds: results of trials, and claims of workers on points."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.sweep.space import Point
from joulemark.sweep.trial import Outcome

SCREENING, FEEDING, FULL = "screening", "feeding", "full"
CHECK = "check"  # a process's first setting measured once more at its end: no result for its point

DOUBTED = "doubted"  # of a process whose first and last measurement of one setting disagree (sweep/carry_over.py)

# A trial that was not measured to its end is no result for its point, which is measured again
INCOMPLETE = ("interrupted", "timed_out", "refused", DOUBTED)


@dataclass(frozen=True)
class TrialResult:
    """One measured point.

    Attributes:
        point: the overrides that were searched
        stage: `screening`, `feeding` or `full`
        outcome: what became of its run
        card: the GPU or processor it was measured on; None where that is not known
        software: digest of what it was measured with; None where that is not known
    """

    point: Point
    stage: str
    outcome: Outcome
    card: str | None = None
    software: str | None = None

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """The metrics of its run."""
        return self.outcome.metrics

    @property
    def finished(self) -> bool:
        """Whether its run finished."""
        return self.outcome.status == "finished"

    @property
    def name(self) -> str:
        """Its overrides on one line."""
        return " ".join(self.point)


@dataclass(frozen=True)
class Claim:
    """A trial that a living worker measures now, or is about to.

    Attributes:
        trial: Optuna's id of the trial
        number: its place in the order in which the trials of the study began
        point: the overrides that are searched
        stage: `screening`, `feeding` or `full`
        worker: where its worker runs (sweep/liveness.py)
        token: what distinguishes this claim from others of the same point
    """

    trial: int
    number: int
    point: Point
    stage: str
    worker: Mapping[str, Any]
    token: str


@dataclass(frozen=True)
class StudyState:
    """What the storage holds at one moment: results in the order in which their trials began, and claims."""

    results: tuple[TrialResult, ...]
    claims: tuple[Claim, ...]

    def known(self, stage: str) -> dict[Point, TrialResult]:
        """The last complete result of each point in this stage; in the full stage where it has none in this one."""
        complete = [result for result in self.results if result.outcome.status not in INCOMPLETE]
        return {result.point: result for wanted in (FULL, stage) for result in complete if result.stage == wanted}

    def claimed(self, stage: str) -> set[Point]:
        """The points that workers have claimed in this stage."""
        return {claim.point for claim in self.claims if claim.stage == stage}


def running(trial: Any) -> bool:
    """Whether a worker has claimed the trial of Optuna's and not closed it."""
    return trial.state.name == "RUNNING" and "worker" in trial.user_attrs


def result_of(trial: Any) -> TrialResult:
    """A trial of Optuna's that has an outcome; UserError where another version of this program wrote it."""
    stored = trial.user_attrs
    outcome = stored["outcome"]
    if "overrides" not in outcome:
        raise UserError(
            "the study was written by another version of joulemark; type sweep.seed=1, say, to begin a new one"
        )
    point = set(map(tracking.public_override, stored["point"]))
    if outcome["overrides"] and not point <= set(outcome["overrides"]):
        raise UserError(
            f"the study is damaged: its trial {trial.number} holds the outcome of another point (a line of its journal "
            "is gone); move it away, or type sweep.seed=1, say, to begin a new one"
        )
    return TrialResult(
        tuple(stored["point"]),
        stored["stage"],
        outcome_of(outcome),
        stored["worker"].get("card"),
        stored.get("software"),
    )


def outcome_of(stored: Mapping[str, Any]) -> Outcome:
    """An outcome as the storage holds it."""
    lists = {key: tuple(stored.get(key, ())) for key in ("overrides", "flags", "tries")}
    lists["moves"] = tuple((line, share) for line, share in stored.get("moves", ()))
    return Outcome(**{**stored, **lists})


def claim_of(trial: Any) -> Claim:
    """A trial of Optuna's that is claimed."""
    stored = trial.user_attrs
    return Claim(
        trial._trial_id,
        trial.number,
        tuple(stored["point"]),
        stored["stage"],
        stored["worker"],
        stored.get("token", ""),
    )


def lost_with_worker(claim: Claim, measured_again: bool) -> str:
    """The error of a trial whose worker died."""
    worker = f"process {claim.worker['pid']} on {claim.worker['host']}"
    return f"lost with the worker that measured it ({worker})" + (
        "" if measured_again else ", the second one that died at it"
    )
