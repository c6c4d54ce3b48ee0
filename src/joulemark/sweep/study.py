"""The study: every trial of a sweep in Optuna's storage, the only place where they are; the one door to optuna.

A trial holds its point, the stage it is measured in, the worker that claimed it, and its outcome. What is known is
always read from the storage, so that the same line goes on where it stopped and several workers share one study.

    add a running trial ──▶ read: is one of this point and stage before it, or finished? ──▶ release: it never began
                                                                               └── no ──▶ measure, tell

The storage numbers trials one by one, and whoever has added one sees all of lower numbers: of two workers that claim a
point at the same moment exactly one goes on.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from math import inf
from typing import Any

from joulemark.core import signals
from joulemark.sweep import carry_over, liveness
from joulemark.sweep.carry_over import Check
from joulemark.sweep.encoding import encoded, suggested
from joulemark.sweep.objectives import Goals
from joulemark.sweep.space import Dimension, Point
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import (
    CHECK,
    Claim,
    StudyState,
    TrialResult,
    claim_of,
    lost_with_worker,
    result_of,
    running,
)


@dataclass
class Study:
    """An open study.

    Attributes:
        study, storage, sampler: Optuna's
        dimensions: of the space
        goals: objectives and constraints
        patience: calls the storage, and again while it is away
        card: what this worker measures on
        software: digest of what this worker measures with; None where that is not known
        reference: the reference's metrics, once it is measured
        lost: sentences about trials whose worker died, not reported yet
    """

    study: Any
    storage: Any
    sampler: Any
    dimensions: tuple[Dimension, ...]
    goals: Goals
    patience: Callable[[Callable[[], Any]], Any]
    card: str | None = None
    software: str | None = None
    reference: Mapping[str, float | None] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    _watch: liveness.Watch = field(default_factory=liveness.Watch)
    _repeated: list[Any] = field(default_factory=list)

    def results(self) -> list[TrialResult]:
        """Every trial whose outcome is known, in the order in which they began."""
        return self._results(self._trials())

    def known(self, stage: str) -> dict[Point, TrialResult]:
        """As StudyState.known, now."""
        return StudyState(tuple(self.results()), ()).known(stage)

    def state(self) -> StudyState:
        """All that is known and claimed now; trials of dead workers are closed first."""
        trials = self._trials()
        if self._close_lost(trials):
            trials = self._trials()
        return StudyState(tuple(self._results(trials)), tuple(claim_of(trial) for trial in trials if running(trial)))

    def close_lost(self) -> int:
        """Closes trials of dead workers; returns how many had no outcome."""
        return sum(self._close_lost(self._trials()))

    def propose(self) -> Point:
        """The point that the sampler proposes, by all that is known and claimed; nothing is written."""
        import optuna

        sketch = optuna.create_study(directions=self.study.directions, sampler=self.sampler)
        sketch.add_trials([*self._trials(), *self._repeated])
        trial = sketch.ask()
        return tuple(suggested(trial, dimension) for dimension in self.dimensions)

    def repeat(self, point: Point) -> None:
        """Reports to the sampler what is known of a point it proposed again, so that it proposes another."""
        same = (trial for trial in self._trials() if tuple(trial.user_attrs.get("point", ())) == point)
        self._repeated += [trial for trial in same if trial.values is not None][:1]

    def claim(self, point: Point, stage: str) -> tuple[Claim, StudyState] | None:
        """This worker's claim of the point, and what came before it; None where another worker was first."""
        token = uuid.uuid4().hex
        self.patience(lambda: self._add(point, stage, token))
        now = self.state()
        own = next(claim for claim in now.claims if claim.token == token)
        before = StudyState(now.results, tuple(claim for claim in now.claims if claim.number < own.number))
        if point in before.claimed(stage) or point in before.known(stage):
            self.release(own)
            return None
        return own, before

    def joined(self, claim: Claim) -> bool:
        """Whether another worker on this machine began a trial while this one, the worker's own, was measured."""
        return any(
            trial.number > claim.number
            and trial.user_attrs.get("worker", {}).get("where") == claim.worker["where"]
            and (running(trial) or "outcome" in trial.user_attrs)
            for trial in self._trials()
        )

    def release(self, claim: Claim) -> None:
        """Closes a claim whose trial never began."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with suppress(UpdateFinishedTrialError):  # closed by an earlier attempt
            self.patience(lambda: self._set(claim.trial, TrialState.FAIL, None))

    @contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """Within it this worker writes heartbeats; one that the storage does not take is left out."""
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError

        def write(count: int) -> None:
            with suppress(OptunaError, SQLAlchemyError, OSError):
                self.storage.set_trial_user_attr(claim.trial, "beat", count)

        with liveness.beating(write):
            yield

    def keep_check(self, point: Point, check: Check) -> None:
        """Stores that a shared process measured its first setting again, what that took, and how far apart it was."""
        for outcome in filter(None, (check.last, check.alone)):
            values = {**asdict(outcome), "metrics": dict(outcome.metrics)}
            self.patience(partial(self._add, point, CHECK, uuid.uuid4().hex, outcome=values))
        kept = [check.agrees, str(check), check.apart if check.doubts else None]
        self.patience(lambda: self.study.set_user_attr(f"{CHECK} {check.process}", kept))

    def checks(self) -> dict[str, tuple[bool | None, str, float | None]]:
        """Of each shared process that was checked, by its id: `agrees`, its sentence, and `apart` where it `doubts`."""
        stored = self.patience(lambda: self.study.user_attrs)
        return {
            name.removeprefix(f"{CHECK} "): _check(*value)
            for name, value in stored.items()
            if name.startswith(f"{CHECK} ")
        }

    def _results(self, trials: list[Any]) -> list[TrialResult]:
        """The results of trials; of those of a process whose check leaves doubts some count for nothing."""
        apart = {process: by for process, (_, _, by) in self.checks().items() if by is not None}
        results = [result_of(trial) for trial in trials if "outcome" in trial.user_attrs]
        return carry_over.judged(results, apart, self.goals)

    def tell(self, claim: Claim, outcome: Outcome) -> None:
        """Stores the outcome of a claimed trial; from here on nothing of it is lost."""
        self.patience(lambda: self._tell(claim, outcome))

    def _tell(self, claim: Claim, outcome: Outcome) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        values = {**asdict(outcome), "metrics": dict(outcome.metrics)}
        try:
            self.storage.set_trial_user_attr(claim.trial, "outcome", values)
            self._close(claim.trial, outcome)
        except UpdateFinishedTrialError:  # reported by an earlier attempt, or closed by who took this worker for dead
            stored = self.storage.get_trial(claim.trial).user_attrs.get("outcome", {})
            if stored.get("seconds") != outcome.seconds:
                self._add(claim.point, claim.stage, claim.token, outcome=values)

    def _trials(self) -> list[Any]:
        return self.patience(lambda: self.study.get_trials(deepcopy=False))  # type: ignore[no-any-return]

    def _add(self, point: Point, stage: str, token: str, **further: Any) -> None:
        """A trial of this point that is claimed as it is made; one that holds the token already is left alone."""
        from optuna.trial import TrialState, create_trial

        trials = self.study.get_trials(deepcopy=False)
        if not further and any(trial.user_attrs.get("token") == token for trial in trials):
            return
        worker = liveness.this_worker(self.card)
        attributes = {
            "point": list(point),
            "stage": stage,
            "worker": worker,
            "token": token,
            "software": self.software,
            **further,
        }
        state = TrialState.FAIL if further else TrialState.RUNNING
        self.study.add_trial(create_trial(state=state, **encoded(self.dimensions, point), user_attrs=attributes))

    def _close(self, trial: int, outcome: Outcome) -> None:
        from optuna.trial import Trial, TrialState

        values = [outcome.metrics.get(goal.metric) for goal in self.goals.objectives]
        if outcome.status != "finished" or any(value is None for value in values):
            return self._set(trial, TrialState.FAIL, None)
        violations = self.goals.violations(outcome.metrics, self.reference or outcome.metrics)
        open_trial = Trial(self.study, trial)
        for constraint, violation in violations.items():
            open_trial.set_constraint(str(constraint), min(violation, 1e9))
        return self._set(trial, TrialState.COMPLETE, values)

    def _set(self, trial: int, state: Any, values: Any) -> None:
        self.storage.set_trial_state_values(trial, state=state, values=values)

    def _close_lost(self, trials: list[Any]) -> list[bool]:
        """Closes the trials of dead workers; of each whether it was lost with its worker.

        A lost one is measured once more; a point at which two workers died is not, and that is its result.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        closed = []
        for trial in filter(running, trials):
            claim = claim_of(trial)
            if self._watch.dead(claim.trial, claim.worker, trial.user_attrs.get("beat", 0)):
                again = not any(
                    earlier.user_attrs.get("lost") == [list(claim.point), claim.stage] for earlier in trials
                )
                closed.append("outcome" not in trial.user_attrs)
                with suppress(UpdateFinishedTrialError):  # another worker closes it, too
                    self.patience(partial(self._close_as_lost, trial, claim, again))
        return closed

    def _close_as_lost(self, trial: Any, claim: Claim, again: bool) -> None:
        if "outcome" in trial.user_attrs:
            return self._close(claim.trial, result_of(trial).outcome)
        error = lost_with_worker(claim, again)
        outcome = Outcome((), -signals.SIGKILL, "interrupted" if again else "killed", error)
        self.storage.set_trial_user_attr(claim.trial, "lost", [list(claim.point), claim.stage])
        self.storage.set_trial_user_attr(claim.trial, "outcome", {**asdict(outcome), "metrics": {}})
        self._close(claim.trial, outcome)
        self.lost.append(f"{' '.join(claim.point)}: {outcome.error}")
        return None


def _check(agrees: bool | None, said: str, *apart: float | None) -> tuple[bool | None, str, float | None]:
    """A stored check; of a study that an earlier version began (sweep.resume) nothing says how far apart: any far."""
    return agrees, said, apart[0] if apart else inf if agrees is False else None
