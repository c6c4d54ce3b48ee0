"""The study: every trial of a sweep in Optuna's storage, the only place where they are; the one door to optuna.

A trial holds its point, the pass it was measured in and its outcome. What is known is always read from the storage, so
that the same line goes on where it stopped and several workers may share one study.
"""

import logging
import os
import signal
import socket
import uuid
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from src import tracking
from src.core import UserError
from src.sweep.goal import Goals
from src.sweep.space import BATCH, Dimension, Point
from src.trial import Outcome

SCREENING, FULL = "screening", "full"

STARTUP = 6  # random proposals before the sampler learns: spaces are small

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
        return trial, tuple(_suggest(trial, dimension) for dimension in self.dimensions)

    def begin(self, point: Point, stage: str) -> Any:
        """A trial of this very point, claimed as it is made; of a point outside the space one without parameters."""
        from optuna.trial import Trial, TrialState, create_trial

        inside = [word.partition("=")[0] for word in point] == [dimension.key for dimension in self.dimensions]
        pairs = list(zip(self.dimensions, point, strict=True)) if inside else []
        inside = inside and all(word in dimension.words for dimension, word in pairs)
        token = uuid.uuid4().hex
        self.study.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params={_name(dimension): _coded(dimension, word) for dimension, word in pairs} if inside else {},
                distributions={_name(dimension): _distribution(dimension) for dimension, _ in pairs} if inside else {},
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
            if not (_dead(worker) if worker else asked_s > CLAIM_S):
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


def open_study(
    storage: str | None, folder: Path, name: str, dimensions: Sequence[Dimension], goals: Goals, seed: int
) -> Study:
    """Opens or begins the study; UserError, one line, where the storage cannot be reached."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True)
    study = optuna.create_study(
        storage=_storage(storage, folder / f"{name}.journal"),
        sampler=sampler,
        study_name=name,
        directions=["minimize" if goal.direction == "min" else "maximize" for goal in goals.objectives],
        load_if_exists=True,
    )
    study.set_metric_names([goal.metric for goal in goals.objectives])
    return Study(study, tuple(dimensions), goals)


def _storage(uri: str | None, journal: Path) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if uri is None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(journal)))
    shown = tracking.public(uri)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
    try:
        return RDBStorage(uri)
    except Exception as error:  # whatever a database raises, the storage cannot be used
        reason = str(error).strip().splitlines()[0].replace(uri, shown) if str(error).strip() else ""
        raise UserError(f"storage={shown} cannot be used ({type(error).__name__}: {reason[:200]})") from None


def _name(dimension: Dimension) -> str:
    return f"{BATCH} place" if dimension.key == BATCH else dimension.key


def _coded(dimension: Dimension, word: str) -> Any:
    """What Optuna is told of a word: a batch size by its place among the others, since places have an order."""
    value = word.partition("=")[2]
    return sorted(dimension.values, key=int).index(value) if dimension.key == BATCH else value


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if dimension.key == BATCH:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution(list(dimension.values))


def _suggest(trial: Any, dimension: Dimension) -> str:
    """The word of a dimension that the sampler proposes."""
    if dimension.key == BATCH:
        ascending = sorted(dimension.values, key=int)
        return f"{BATCH}={ascending[trial.suggest_int(_name(dimension), 0, len(ascending) - 1)]}"
    return f"{dimension.key}={trial.suggest_categorical(_name(dimension), list(dimension.values))}"


def _claim(point: Point, stage: str) -> dict[str, Any]:
    import psutil

    own = {"host": socket.gethostname(), "pid": os.getpid(), "began": psutil.Process().create_time()}
    return {"point": list(point), "stage": stage, "worker": own}


def _dead(worker: Mapping[str, Any]) -> bool:
    """Whether a process of this host is gone; of another host's nobody here knows."""
    import psutil

    if worker["host"] != socket.gethostname():
        return False
    try:
        return bool(abs(psutil.Process(worker["pid"]).create_time() - worker["began"]) > 1.0)
    except psutil.NoSuchProcess:
        return True
