"""python -m src.run -m a=1,2 b=3,4: every combination a run in a process of its own, one after the other.

All overrides are checked before the first run begins, and one invalid run refuses them all. A run that fails is a row
of the table and the next one begins. cli/multirun.py prints what comes of them.
"""

import json
import shlex
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from joulemark.config.compose import composed
from joulemark.config.run import Run
from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.progress import time_left, to_make
from joulemark.core.serving import BATCH
from joulemark.hardware import host
from joulemark.reporting import table, table_answer
from joulemark.reporting.table import Row
from joulemark.sweep import trial
from joulemark.sweep.repeats import numbered, repeated
from joulemark.sweep.trial import Outcome

Varied = Mapping[str, str]  # the options of one run that not all runs share
Report = Callable[[str], None]


class Place(Protocol):
    """Where runs are made: on this machine one after the other, or on a cluster (sweep/cluster)."""

    def run(self, overrides: Sequence[str]) -> Run:
        """The run with these overrides there; UserError where it is refused."""

    def ready(self, runs: Sequence[Run]) -> None:
        """UserError, one line and before anything runs, for runs that cannot be made there."""

    def ahead(self, runs: Sequence[Run]) -> str:
        """What is known, before the first one, of how long they take."""

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str], report: Report
    ) -> Iterator[tuple[int, Outcome]]:
        """Each begun job's place in the order and its outcome as it ends, until `stops` names a signal.

        `names` are the overrides by which the jobs differ; `report` gets sentences for the user.
        """

    def device(self, run: Run) -> str:
        """The name of what the run is measured on."""


class ThisMachine:
    """One run after the other, each a process of its own."""

    def run(self, overrides: Sequence[str]) -> Run:
        """The run with these overrides; UserError where it is refused."""
        return composed(overrides)

    def ready(self, runs: Sequence[Run]) -> None:
        """Nothing: building a run has checked this machine."""

    def ahead(self, runs: Sequence[Run]) -> str:
        """How many there are, and the least and most that their protocols measure; of traffic only the engine knows."""
        batches = all(run.names["scenario"] == BATCH for run in runs)
        return to_make(len(runs), [run.procedure.measuring_s for run in runs] if batches else ())

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str], report: Report
    ) -> Iterator[tuple[int, Outcome]]:
        """A run that is being measured when a signal comes is waited for."""
        durations_s: list[float] = []
        for place, overrides in enumerate(jobs):
            if stops:
                return
            about = time_left(durations_s, len(jobs) - place)
            report(f"{place + 1} of {len(jobs)}{about}  {names[place]}")
            outcome = trial.run(overrides, forward_signals=True)
            durations_s.append(outcome.seconds)
            stops += [name for name in [outcome.stopped_by] if name]
            yield place, outcome

    def device(self, run: Run) -> str:
        """The name of the card or the processor."""
        return run.hardware.device_name(host.cpu_name())


@dataclass(frozen=True)
class Multirun:
    """What became of many runs.

    Attributes:
        sweep_id: that all of them carry
        status: `finished`, `failed` (one of them is not finished) or `interrupted`
        runs: all that were requested, the first one first
        outcomes: of those that were begun, in order
        rows: of the table, one for each outcome
        began_s: since the epoch
        stopped_by: the name of the signal that stopped them
    """

    sweep_id: str
    status: str
    runs: Sequence[Run]
    outcomes: Sequence[Outcome]
    rows: Sequence[Row]
    began_s: float
    stopped_by: str | None

    def last_line(self, run_id: str | None) -> dict[str, Any]:
        """What programs read; `run_id` is the run in MLflow that holds the table."""
        return {
            "status": self.status,
            "sweep_id": self.sweep_id,
            "run_id": run_id,
            "left": len(self.runs) - len(self.outcomes),
            "runs": [asdict(outcome) for outcome in self.outcomes],
        }


def perform(
    jobs: Sequence[Sequence[str]], sweep_id: str | None, place: Place, stops: list[str], report: Report
) -> Multirun:
    """Makes all runs, until `stops` names a signal.

    Raises:
        UserError: before anything runs, for overrides that are refused, and for two runs that are the same.
    """
    sweep_id = sweep_id or f"s{uuid.uuid4().hex[:11]}"  # begins with a letter: Hydra would read 12e4 as a number
    settings, count = repeated(jobs)
    settings = [
        [*(override for override in job if not override.startswith("sweep_id=")), f"sweep_id={sweep_id}"]
        for job in settings
    ]
    checked_runs = checked(settings, place.run)
    place.ready(checked_runs)
    # In turn: a slow quarter of an hour falls on all settings, not on one
    jobs, runs, varied = settings * count, checked_runs * count, varying(settings) * count
    report(place.ahead(runs))
    began_s = time.time()
    by_place = _outcomes(place, jobs, varied, stops, report)
    outcomes = list(by_place.values())
    failed = any(outcome.status != "finished" for outcome in outcomes)
    return Multirun(
        sweep_id,
        "interrupted" if stops else "failed" if failed else "finished",
        runs,
        outcomes,
        [_row(runs[index], varied[index], outcome, place) for index, outcome in by_place.items()],
        began_s,
        stops[0] if stops else None,
    )


def save(multirun: Multirun, report: Report) -> str | None:
    """The id of the run in MLflow that holds the table, among the runs of the first one's task."""
    from joulemark.store import sweeps  # MLflow is imported when nothing is measured any more

    answer = table_answer.of(multirun.rows, len(multirun.runs))
    text = table.markdown(multirun.rows, table.swept(multirun.rows), answer)
    first = multirun.runs[0]
    try:
        sweep = sweeps.SweepRun({"sweep_id": multirun.sweep_id}, text)
        return sweeps.save_sweep(first.tracking_uri, first.task.name, multirun.status, multirun.began_s, sweep)
    except Exception as error:  # the boundary of a sweep: its runs are recorded, its table is on the screen
        report(f"the table is not recorded: {error}")
        return None


def checked(jobs: Sequence[Sequence[str]], build: Callable[[Sequence[str]], Run] = composed) -> list[Run]:
    """The run of each job's overrides; UserError for the first that is refused, or that equals another one."""
    runs: list[Run] = []
    numbers: dict[str, int] = {}
    for number, overrides in enumerate(jobs, start=1):
        try:
            run = build(overrides)
        except UserError as error:
            raise UserError(f"{error} (run {number} of {len(jobs)}: {_shown(overrides)})") from None
        same = numbers.setdefault(json.dumps([run.chosen, run.config["meter"]], sort_keys=True, default=str), number)
        if same != number:
            raise UserError(f"runs {same} and {number} are the same: {_shown(overrides)}; leave one out")
        runs.append(run)
    return runs


def _shown(overrides: Sequence[str]) -> str:
    public = map(tracking.public_override, overrides)
    return shlex.join(override for override in public if not override.startswith("sweep_id="))


def varying(jobs: Sequence[Sequence[str]]) -> list[Varied]:
    """Of each job the options that not all jobs share, by key."""
    public = [[tracking.public_override(override) for override in job] for job in jobs]
    pairs = [{key: value for key, _, value in (override.partition("=") for override in job)} for job in public]
    keys = [
        key
        for key in dict.fromkeys(key for pair in pairs for key in pair)
        if len({pair.get(key) for pair in pairs}) > 1
    ]
    return [{key: pair[key] for key in keys if key in pair} for pair in pairs]


def _outcomes(
    place: Place, jobs: Sequence[Sequence[str]], varied: Sequence[Varied], stops: list[str], report: Report
) -> dict[int, Outcome]:
    """The outcome of each job that was begun, by its index and in the order of the request."""
    names = [" ".join(f"{key}={value}" for key, value in options.items()) for options in varied]
    names = [name or _shown(overrides) for name, overrides in zip(names, jobs, strict=True)]
    outcomes = dict(place.perform(jobs, numbered(names), stops, report))
    if stops:
        report(f"stopped by {stops[0]}; {len(jobs) - len(outcomes)} of {len(jobs)} not begun")
    return {index: outcomes[index] for index in sorted(outcomes)}


def _row(run: Run, varied: Varied, outcome: Outcome, place: Place) -> Row:
    """The run's row in the table; its model, size and task have columns of their own."""
    tags: dict[str, Any] = {
        "role": run.model.role,
        "metric": run.task.metric,
        "dataset": run.dataset.name,
        "device": place.device(run),
        "flags": ", ".join(outcome.flags),
    }
    return Row(
        task=run.task.name,
        model=run.label,
        inputs=" ".join(sorted(override for override in outcome.overrides if not override.startswith("model"))),
        status=outcome.status,
        metrics=outcome.metrics,
        tags=tags,
        error=outcome.error or "",
        varied={key: value for key, value in varied.items() if key not in ("model", "model.size", "task")},
    )
