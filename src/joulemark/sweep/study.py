"""The study: every trial of a sweep in Optuna's storage, the only place where they are; the one door to optuna.

A trial holds its point, the pass it is measured in, the worker that claimed it, and its outcome. What is known is
always read from the storage, so that the same line goes on where it stopped and several workers share one study.

    add a running trial ──▶ look: is one of this point and pass before it, or one told? ──▶ step back: it never began
                                                                               └── no ──▶ measure, tell

The storage gives trials their numbers one by one, and whoever has added one sees all of lower numbers: of two workers
that claim a point at the same moment exactly one goes on.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from joulemark.core import signals
from joulemark.sweep import liveness, trial_state
from joulemark.sweep.encoding import encoded, suggested
from joulemark.sweep.objectives import Goals
from joulemark.sweep.space import Dimension, Point
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import Claim, Told, View, death, running


@dataclass
class Study:
    """An open study. `patience` asks the storage, `sampler` proposes; `card` is what this worker measures on."""

    study: Any
    storage: Any
    sampler: Any
    dimensions: tuple[Dimension, ...]
    goals: Goals
    patience: Callable[[Callable[[], Any]], Any]
    card: str | None = None
    reference: Mapping[str, float | None] = field(default_factory=dict)  # set once the reference is measured
    lost: list[str] = field(default_factory=list)  # sentences about trials whose worker died, not said yet
    _watch: liveness.Watch = field(default_factory=liveness.Watch)
    _repeated: list[Any] = field(default_factory=list)

    def told(self) -> list[Told]:
        """Every trial whose outcome is known, in the order in which they began."""
        return [trial_state.told(trial) for trial in self._trials() if "outcome" in trial.user_attrs]

    def known(self, stage: str) -> dict[Point, Told]:
        """As View.known, now."""
        return View(tuple(self.told()), ()).known(stage)

    def look(self) -> View:
        """All that is known and claimed now; what a dead worker left behind is closed first."""
        trials = self._trials()
        if self._mend(trials):
            trials = self._trials()
        told = tuple(trial_state.told(trial) for trial in trials if "outcome" in trial.user_attrs)
        return View(told, tuple(trial_state.claim(trial) for trial in trials if running(trial)))

    def mend(self) -> int:
        """Closes trials that dead workers left behind; returns how many had no outcome."""
        return sum(self._mend(self._trials()))

    def propose(self) -> Point:
        """The point that the sampler proposes, by all that is known and claimed; nothing is written."""
        import optuna

        sketch = optuna.create_study(directions=self.study.directions, sampler=self.sampler)
        sketch.add_trials([*self._trials(), *self._repeated])
        trial = sketch.ask()
        return tuple(suggested(trial, dimension) for dimension in self.dimensions)

    def repeat(self, point: Point) -> None:
        """Answers the sampler with what is known of a point it proposed again, so that it goes on elsewhere."""
        same = (one for one in self._trials() if tuple(one.user_attrs.get("point", ())) == point)
        self._repeated += [one for one in same if one.values is not None][:1]

    def claim(self, point: Point, stage: str) -> tuple[Claim, View] | None:
        """The claim of this very point for this worker, and what came before it; None where another was first."""
        token = uuid.uuid4().hex
        self.patience(lambda: self._add(point, stage, token))
        now = self.look()
        own = next(claim for claim in now.claims if claim.token == token)
        before = View(now.told, tuple(claim for claim in now.claims if claim.number < own.number))
        if point in before.claimed(stage) or point in before.known(stage):
            self.give_back(own)
            return None
        return own, before

    def joined(self, claim: Claim) -> bool:
        """Whether somebody on this machine began a trial while this one, the worker's own, was measured."""
        return any(
            trial.number > claim.number
            and trial.user_attrs.get("worker", {}).get("where") == claim.worker["where"]
            and (running(trial) or "outcome" in trial.user_attrs)
            for trial in self._trials()
        )

    def give_back(self, claim: Claim) -> None:
        """Closes a claim whose trial never began."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        with suppress(UpdateFinishedTrialError):  # by the try before this one
            self.patience(lambda: self._set(claim.trial, TrialState.FAIL, None))

    @contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """Within it this worker says that it lives; a beat that the storage does not take is left out."""
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError

        def write(count: int) -> None:
            with suppress(OptunaError, SQLAlchemyError, OSError):
                self.storage.set_trial_user_attr(claim.trial, "beat", count)

        with liveness.beating(write):
            yield

    def tell(self, claim: Claim, outcome: Outcome) -> None:
        """Writes down what became of it; from here on nothing of it is lost."""
        self.patience(lambda: self._tell(claim, outcome))

    def _tell(self, claim: Claim, outcome: Outcome) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        told = {**asdict(outcome), "metrics": dict(outcome.metrics)}
        try:
            self.storage.set_trial_user_attr(claim.trial, "outcome", told)
            self._close(claim.trial, outcome)
        except UpdateFinishedTrialError:  # told by the try before this one, or closed by who took this worker for dead
            kept = self.storage.get_trial(claim.trial).user_attrs.get("outcome", {})
            if kept.get("seconds") != outcome.seconds:
                self._add(claim.point, claim.stage, claim.token, outcome=told)

    def _trials(self) -> list[Any]:
        return self.patience(lambda: self.study.get_trials(deepcopy=False))  # type: ignore[no-any-return]

    def _add(self, point: Point, stage: str, token: str, **more: Any) -> None:
        """A trial of this point that is claimed as it is made; one that holds the token already is left alone."""
        from optuna.trial import TrialState, create_trial

        trials = self.study.get_trials(deepcopy=False)
        if not more and any(one.user_attrs.get("token") == token for one in trials):
            return
        claimed = {"point": list(point), "stage": stage, "worker": liveness.own(self.card), "token": token}
        state = TrialState.FAIL if more else TrialState.RUNNING
        self.study.add_trial(
            create_trial(state=state, **encoded(self.dimensions, point), user_attrs={**claimed, **more})
        )

    def _close(self, trial: int, outcome: Outcome) -> None:
        from optuna.trial import Trial, TrialState

        values = [outcome.metrics.get(goal.metric) for goal in self.goals.objectives]
        if outcome.status != "finished" or any(value is None for value in values):
            return self._set(trial, TrialState.FAIL, None)
        over = self.goals.excesses(outcome.metrics, self.reference or outcome.metrics)
        open_trial = Trial(self.study, trial)
        for limit, by in over.items():
            open_trial.set_constraint(str(limit), min(by, 1e9))
        return self._set(trial, TrialState.COMPLETE, values)

    def _set(self, trial: int, state: Any, values: Any) -> None:
        self.storage.set_trial_state_values(trial, state=state, values=values)

    def _mend(self, trials: list[Any]) -> list[bool]:
        """Closes the trials of dead workers; of each whether it was lost with its worker.

        A lost one is asked once more; a point at which two workers died is not, and that is its result.
        """
        from optuna.exceptions import UpdateFinishedTrialError

        closed = []
        for trial in filter(running, trials):
            claim = trial_state.claim(trial)
            if self._watch.dead(claim.trial, claim.worker, trial.user_attrs.get("beat", 0)):
                again = not any(one.user_attrs.get("lost") == [list(claim.point), claim.stage] for one in trials)
                closed.append("outcome" not in trial.user_attrs)
                with suppress(UpdateFinishedTrialError):  # another worker mends, too
                    self.patience(partial(self._bury, trial, claim, again))
        return closed

    def _bury(self, trial: Any, claim: Claim, again: bool) -> None:
        if "outcome" in trial.user_attrs:
            return self._close(claim.trial, trial_state.told(trial).outcome)
        outcome = Outcome((), -signals.SIGKILL, "interrupted" if again else "killed", death(claim, again))
        self.storage.set_trial_user_attr(claim.trial, "lost", [list(claim.point), claim.stage])
        self.storage.set_trial_user_attr(claim.trial, "outcome", {**asdict(outcome), "metrics": {}})
        self._close(claim.trial, outcome)
        self.lost.append(f"{' '.join(claim.point)}: {outcome.error}")
        return None
