"""The study: every trial of a sweep in Optuna's storage, the only place where they are; the one door to optuna.

A trial holds its point, the pass it was measured in and its outcome. What is known is always read from the storage, so
that the same line goes on where it stopped and several workers may share one study.
"""

import signal
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from src.sweep import liveness
from src.sweep.encoding import encoded, suggested
from src.sweep.goal import Goals
from src.sweep.space import Dimension, Point
from src.trial import Outcome

SCREENING, FULL = "screening", "full"

CLAIM_S = 60.0  # a trial that nobody claims for so long was asked for by a process that died

# A point that was not measured to its end says nothing of the point: it is asked again
UNDONE = ("interrupted", "timed_out", "refused")


@dataclass(frozen=True)
class Told:
    """One measured point: in which pass, and what became of it."""

    point: Point
    stage: str
    outcome: Outcome

    @property
    def metrics(self) -> Mapping[str, float | None]:
        return self.outcome.metrics

    @property
    def finished(self) -> bool:
        return self.outcome.status == "finished"


@dataclass
class Study:
    """An open study. `seed` is the sampler's; `startup` the trials before it learns."""

    study: Any
    dimensions: tuple[Dimension, ...]
    goals: Goals
    reference: Mapping[str, float | None] = field(default_factory=dict)  # set once the reference is measured

    def told(self) -> list[Told]:
        """Every trial whose outcome is known, in the order in which they began; repeated ones once."""
        found = []
        for trial in self.study.get_trials(deepcopy=False):
            if "outcome" in trial.user_attrs:
                given = trial.user_attrs["outcome"]
                outcome = Outcome(**{**given, "words": tuple(given["words"]), "flags": tuple(given["flags"])})
                found.append(Told(tuple(trial.user_attrs["point"]), trial.user_attrs["stage"], outcome))
        return found

    def known(self, stage: str) -> dict[Point, Told]:
        """The last done measurement of each point in this pass; of those that have none in the full one."""
        done = [one for one in self.told() if one.outcome.status not in UNDONE]
        return {one.point: one for wanted in (FULL, stage) for one in done if one.stage == wanted}

    def ask(self) -> tuple[Any, Point]:
        """The point that the sampler proposes, as a trial that has begun."""
        trial = self.study.ask()
        return trial, tuple(suggested(trial, dimension) for dimension in self.dimensions)

    def begin(self, point: Point, stage: str) -> Any:
        """A trial of this very point, claimed as it is made; of a point outside the space one without parameters."""
        from optuna.trial import Trial, TrialState, create_trial

        token = uuid.uuid4().hex
        self.study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                **encoded(self.dimensions, point),
                user_attrs={**_claim(point, stage), "token": token},
            )
        )
        running = self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        return Trial(self.study, next(one._trial_id for one in running if one.user_attrs.get("token") == token))

    def claim(self, trial: Any, point: Point, stage: str) -> None:
        """Writes down that this process now measures a point that it asked for."""
        for key, value in _claim(point, stage).items():
            trial.set_user_attr(key, value)

    def tell(self, trial: Any, outcome: Outcome) -> None:
        """Writes down what became of it; from here on nothing of it is lost."""
        trial.set_user_attr("outcome", {**asdict(outcome), "metrics": dict(outcome.metrics)})
        self._close(trial, outcome)

    def again(self, trial: Any, known: Told | None) -> None:
        """Answers the sampler with what is known of the point; None for a point that cannot be measured."""
        if known is None:
            self._fail(trial)
        else:
            self._close(trial, known.outcome)

    def _close(self, trial: Any, outcome: Outcome) -> None:
        values = [outcome.metrics.get(goal.metric) for goal in self.goals.objectives]
        if outcome.status != "finished" or any(value is None for value in values):
            return self._fail(trial)
        for limit, over in self.goals.excesses(outcome.metrics, self.reference or outcome.metrics).items():
            trial.set_constraint(str(limit), min(over, 1e9))
        self.study.tell(trial, values)
        return None

    def _fail(self, trial: Any) -> None:
        from optuna.trial import TrialState

        self.study.tell(trial, state=TrialState.FAIL)

    def mend(self) -> int:
        """Closes trials that a worker of this host left behind when it died; returns how many had no outcome.

        Those were interrupted: what they took is unknown, and their points are asked again.
        """
        from optuna.trial import Trial, TrialState

        lost = 0
        for frozen in self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            worker = frozen.user_attrs.get("worker")
            asked_s = (datetime.now() - frozen.datetime_start).total_seconds()
            if not (liveness.dead(worker) if worker else asked_s > CLAIM_S):
                continue
            trial = Trial(self.study, frozen._trial_id)
            given = frozen.user_attrs.get("outcome")
            if worker and given is None:
                lost += 1
                why = "lost with the process that measured it"
                self.tell(trial, Outcome((), -signal.SIGKILL, "interrupted", why))
            elif given is None:
                self._fail(trial)
            else:
                self._close(trial, Outcome(**{**given, "words": tuple(given["words"])}))
        return lost


def _claim(point: Point, stage: str) -> dict[str, Any]:
    return {"point": list(point), "stage": stage, "worker": liveness.own()}
