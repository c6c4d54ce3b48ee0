"""python -m src.run -m a=1,2 b=3,4: every combination a run in a process of its own, one after the other.

All words are checked before the first run begins, and one wrong word refuses them all. A run that fails is a row of
the table and the next one begins. Exit code 0 when every run is finished, 1 when one is not, 130 and 143 when stopped.
The last line on standard output is one JSON object: `status`, `sweep_id`, `run_id` (the run in MLflow that holds the
table; null where it could not be written), `left` (runs not begun) and `runs`.
"""

import json
import shlex
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from joulemark.config.compose import composed
from joulemark.config.run import Run
from joulemark.core import signals, tracking
from joulemark.core.errors import UserError
from joulemark.hardware import host
from joulemark.report import table
from joulemark.report.table import Row
from joulemark.sweep import trial
from joulemark.sweep.trial import Outcome

Varied = Mapping[str, str]  # the words of one run that not all runs share


class Place(Protocol):
    """Where runs are made: one after the other in this process's own machine, or on a cluster (src/cluster)."""

    def run(self, words: Sequence[str]) -> Run:
        """The run that these words ask for there; UserError where there is none."""

    def ready(self, runs: Sequence[Run]) -> None:
        """UserError, one line and before anything runs, for runs that cannot be made there."""

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str]
    ) -> Iterator[tuple[int, Outcome]]:
        """Each job's place in the order and its outcome as it ends, until `stops` names a signal; of those begun.

        `names` are the words for people by which the jobs differ.
        """

    def device(self, run: Run) -> str:
        """What the run is measured on, for people."""


class Here:
    """This machine: one run after the other, each a process of its own."""

    def run(self, words: Sequence[str]) -> Run:
        return composed(words)

    def ready(self, runs: Sequence[Run]) -> None:
        """Building a run has asked this machine all there is to ask."""

    def perform(
        self, jobs: Sequence[Sequence[str]], names: Sequence[str], stops: list[str]
    ) -> Iterator[tuple[int, Outcome]]:
        """What is going on when a signal comes is waited for."""
        for place, words in enumerate(jobs):
            if stops:
                return
            print(f"{place + 1} of {len(jobs)}  {names[place]}", file=sys.stderr, flush=True)
            outcome = trial.run(words, forward_signals=True)
            stops += [name for name in [outcome.stopped_by] if name]
            yield place, outcome

    def device(self, run: Run) -> str:
        return run.hardware.device_name(host.cpu_name())


def launch(
    jobs: Sequence[Sequence[str]], sweep_id: str | None = None, where: Place | None = None
) -> tuple[list[Outcome], int]:
    """Makes all runs and prints their table and the last line; returns what became of those begun, and the exit code.

    UserError, before anything runs, for words that no run can have, and for two runs that are the same.
    """
    where = where or Here()
    sweep_id = sweep_id or f"s{uuid.uuid4().hex[:11]}"  # begins with a letter: Hydra would read 12e4 as a number
    words = [[*(word for word in job if not word.startswith("sweep_id=")), f"sweep_id={sweep_id}"] for job in jobs]
    runs = checked(words, where.run)
    where.ready(runs)
    varied = varying(words)
    began_s = time.time()
    with signals.Forwarding() as forwarding:  # no signal between and after the runs cuts off what is being told
        stops = forwarding.stops
        done = _performed(where, words, varied, stops)
        outcomes = list(done.values())
        stopped_by = stops[0] if stops else None
        rows = [_row(runs[place], varied[place], outcome, where) for place, outcome in done.items()]
        table.show_sweep(rows)
        failed = any(outcome.status != "finished" for outcome in outcomes)
        status = "interrupted" if stopped_by else "failed" if failed else "finished"
        last = {
            "status": status,
            "sweep_id": sweep_id,
            "run_id": _saved(runs[0], status, began_s, sweep_id, rows),
            "left": len(jobs) - len(outcomes),
            "runs": [asdict(outcome) for outcome in outcomes],
        }
        print(json.dumps(last, allow_nan=False), flush=True)
    return outcomes, signals.exit_code(stopped_by) if stopped_by else int(failed)


def _saved(first: Run, status: str, began_s: float, sweep_id: str, rows: Sequence[Row]) -> str | None:
    """The id of the run in MLflow that holds the table, among the runs of the first one's task."""
    from joulemark.store import sweeps  # MLflow enters when nothing is measured any more

    text = table.markdown(rows, table.swept(rows))
    try:
        found = sweeps.SweepRun({"sweep_id": sweep_id}, text)
        return sweeps.save_sweep(first.tracking_uri, first.task.name, status, began_s, found)
    except Exception as error:  # the boundary of a sweep: its runs are recorded, its table is on the screen
        print(f"the table is not recorded: {error}", file=sys.stderr)
        return None


def checked(jobs: Sequence[Sequence[str]], build: Callable[[Sequence[str]], Run] = composed) -> list[Run]:
    """The run of each job's words; UserError names the first that cannot be, or that is another one again."""
    runs: list[Run] = []
    known: dict[str, int] = {}
    for number, words in enumerate(jobs, start=1):
        try:
            run = build(words)
        except UserError as error:
            raise UserError(f"{error} (run {number} of {len(jobs)}: {_told(words)})") from None
        same = known.setdefault(json.dumps([run.chosen, run.config["meter"]], sort_keys=True, default=str), number)
        if same != number:
            raise UserError(f"runs {same} and {number} are the same: {_told(words)}; leave one out")
        runs.append(run)
    return runs


def _told(words: Sequence[str]) -> str:
    return shlex.join(tracking.public_override(word) for word in words if not word.startswith("sweep_id="))


def varying(jobs: Sequence[Sequence[str]]) -> list[Varied]:
    """Of each job the words that not all jobs share, by key."""
    public = [[tracking.public_override(word) for word in words] for words in jobs]
    pairs = [{key: value for key, _, value in (word.partition("=") for word in words)} for words in public]
    keys = [key for key in dict.fromkeys(key for pair in pairs for key in pair) if len({p.get(key) for p in pairs}) > 1]
    return [{key: pair[key] for key in keys if key in pair} for pair in pairs]


def _performed(
    where: Place, jobs: Sequence[Sequence[str]], varied: Sequence[Varied], stops: list[str]
) -> dict[int, Outcome]:
    """The outcome of each job that was begun, by its place and in the order in which they were asked for."""
    names = [" ".join(f"{key}={value}" for key, value in apart.items()) for apart in varied]
    names = [name or _told(words) for name, words in zip(names, jobs, strict=True)]
    done = dict(where.perform(jobs, names, stops))
    if stops:
        left = len(jobs) - len(done)
        print(f"stopped by {stops[0]}; {left} of {len(jobs)} not begun", file=sys.stderr, flush=True)
    return {place: done[place] for place in sorted(done)}


def _row(run: Run, varied: Varied, outcome: Outcome, where: Place) -> Row:
    """The run's row in the table; its model, size and task have columns of their own."""
    tags: dict[str, Any] = {
        "role": run.model.role,
        "metric": run.task.metric,
        "dataset": run.dataset.name,
        "device": where.device(run),
        "flags": ", ".join(outcome.flags),
    }
    return Row(
        task=run.task.name,
        model=run.label,
        inputs=" ".join(sorted(word for word in outcome.words if not word.startswith("model"))),
        status=outcome.status,
        metrics=outcome.metrics,
        tags=tags,
        error=outcome.error or "",
        varied={key: value for key, value in varied.items() if key not in ("model", "model.size", "task")},
    )
