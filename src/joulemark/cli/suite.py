"""joulemark suite: a grid of runs, one after the other, each a fresh process of `python -m src.run`.

A run whose command is in the tracking store as finished on this device is not made again, so the same line goes on
where it stopped; one that failed is made again. A run that fails is a row of the table, and the next one starts. Exit
code 0 when every run is finished, 1 when one is not, 2 for a mistake in the options, 130 and 143 when stopped.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from joulemark.cli import command_line, output
from joulemark.cli.progress import to_stderr
from joulemark.config import hydra_errors
from joulemark.config.factories import procedure_of
from joulemark.core import signals, tracking
from joulemark.core.coerce import flag, several, typed, without
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF, program
from joulemark.core.progress import time_left, to_make
from joulemark.core.signals import Interrupted
from joulemark.core.written import writing
from joulemark.hardware import devices as hardware
from joulemark.hardware import host
from joulemark.reporting import table, table_answer
from joulemark.reporting.table import FAILED, SKIPPED, Row
from joulemark.sweep import repeats, trial
from joulemark.sweep.grid import Job, Suite, jobs


@hydra.main(config_path=str(CONF), config_name="suite", version_base="1.3")
def main_command(config: DictConfig) -> None:
    """The suite that Hydra composed; leaves the process with its exit code."""

    def alone() -> int:
        if HydraConfig.get().mode == RunMode.MULTIRUN:
            raise UserError("-m: a suite is many runs already; leave -m out")
        return run(config)

    command_line.leave(alone)


def run(config: DictConfig) -> int:
    """Makes the runs that are not made yet and prints the table; returns the exit code."""
    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    dry, again = (flag(key, values[key]) for key in ("dry_run", "rerun"))
    suite = typed(Suite, values["suite"], "suite")
    overrides, tasks, models = (several(values[key]) for key in ("overrides", "tasks", "models"))
    todo = jobs(suite, overrides, tasks, models)
    if any(override.startswith(f"{repeats.KEY}=") for job in todo for override in job.overrides):
        raise UserError(f"overrides: {repeats.KEY}= belongs to the suite itself; type {repeats.KEY}=3")
    todo = todo * repeats.checked(values["repeats"])  # in turn
    if dry:
        for job in todo:
            print(job.command)
        return 0
    file = Path(values["table"]) if values["table"] else None
    if file:
        _check_table(file)
    uri = tracking.resolve(values["tracking_uri"])
    signals.interrupt_on_stop()
    rows: list[Row] = []
    stopped = ""
    try:
        _make(todo, {} if again else _measured_before(uri, todo), uri, rows)
    except Interrupted as stop:
        stopped = str(stop)
        to_stderr(f"stopped by {stop}; the same line goes on from here")
    output.show(table_answer.of(rows, len(todo)), lambda: table.show(rows))
    if file:
        with writing("table", file, "FILE"):
            file.write_text(table.markdown(rows), encoding="utf-8")
    failed = sum(row.status == FAILED for row in rows)
    output.link(f"Make a page of these runs: {program('report')}")
    output.last({"runs": len(rows), "failed": failed, "left": len(todo) - len(rows)})
    return signals.exit_code(stopped) if stopped else int(failed > 0)


def _check_table(file: Path) -> None:
    """Refuses, before hours of runs, a file that their table could not be written to."""
    if not file.parent.is_dir():
        raise UserError(f"table={file}: there is no folder {file.parent}; make it, or type another file")
    if file.is_dir():
        raise UserError(f"table={file} is a folder; type table={file / 'table.md'}")
    with writing("table", file, "FILE"), file.open("a", encoding="utf-8"):
        pass


def _measured_before(uri: str, todo: Sequence[Job]) -> Mapping[str, list[Row]]:
    """The rows of the runs that are finished already on the device that they would use, by their command."""
    devices = [
        _device(tuple(sorted(override for override in job.overrides if override.startswith("hardware"))))
        for job in todo
    ]
    from joulemark.store import reading

    finished: dict[str, Mapping[str, list[reading.Kept]]] = {}
    rows = {}
    for job, device in zip(todo, devices, strict=True):
        if device not in finished:
            finished[device] = reading.finished(uri, device)
        rows[job.command] = [
            replace(job.row, status=SKIPPED, metrics=run.metrics, tags=run.tags)
            for run in finished[device].get(job.options, ())
        ]
    return rows


@cache
def _device(overrides: tuple[str, ...]) -> str:
    """The name of the processor that a run with these overrides uses; UserError where this machine does not have it."""
    name = next((override.partition("=")[2] for override in overrides if override.startswith("hardware=")), "auto")
    try:
        values: Any = OmegaConf.to_container(compose("run", overrides=list(overrides)).hardware, resolve=True)
    except hydra_errors.COMPOSITION as error:
        raise UserError(hydra_errors.explain(error, "run", overrides)) from None
    resolved = hardware.resolve(name, typed(hardware.HardwareConf, values, "hardware"))
    return resolved.device_name(host.cpu_name())


def _make(todo: Sequence[Job], known: Mapping[str, list[Row]], uri: str, rows: list[Row]) -> None:
    """Appends the row of each run in order; Interrupted leaves those that were done."""
    durations_s: list[float] = []
    counts = Counter(job.command for job in todo)
    new = sum(max(0, count - len(known.get(command, ()))) for command, count in counts.items())
    _announce(todo, new)
    known, number = {command: list(several) for command, several in known.items()}, 0
    for job in todo:
        if known.get(job.command):
            rows.append(known[job.command].pop())
            continue
        number += 1
        to_stderr(f"[{number}/{new}{time_left(durations_s, new - number + 1)}] {job.command}")
        began_s = time.monotonic()
        row, stopped_by = performed(job, uri)
        if stopped_by is None or row.status != FAILED:
            rows.append(row)
        if stopped_by:
            raise Interrupted(stopped_by)
        if row.status != FAILED:
            durations_s.append(time.monotonic() - began_s)


def _announce(todo: Sequence[Job], new: int) -> None:
    """Says, before anything runs, how many runs there are to make and how long that takes."""
    before = f", {len(todo) - new} of {len(todo)} measured before" if new < len(todo) else ""
    if not new:
        to_stderr(f"nothing to measure: all {len(todo)} runs were measured before")
        return
    spans = [_measuring_s(tuple(o for o in job.overrides if o.startswith("protocol"))) for job in todo]
    to_stderr(to_make(new, spans, before))


@cache
def _measuring_s(overrides: tuple[str, ...]) -> tuple[float, float]:
    """The least and the most seconds that a run of a protocol measures, by its own limits."""
    values: Any = OmegaConf.to_container(compose("run", overrides=list(overrides)).protocol, resolve=True)
    return procedure_of(without(values, "requires"), "protocol").measuring_s


def performed(job: Job, uri: str) -> tuple[Row, str | None]:
    """The row of the job made in a process of its own, and the name of the signal, if one came, that stops the rest."""
    outcome = trial.run(job.overrides, forward_signals=True, environment={"MLFLOW_TRACKING_URI": uri})
    if outcome.status != "finished":
        return replace(job.row, status=FAILED, error=outcome.error or outcome.status), outcome.stopped_by
    from joulemark.store import reading

    stored = reading.kept(uri, str(outcome.run_id))
    return replace(job.row, metrics=stored.metrics, tags=stored.tags), outcome.stopped_by


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    try:
        return command_line.start(main_command, "suite")
    except KeyboardInterrupt:  # before anything began
        return signals.exit_code("SIGINT")


if __name__ == "__main__":
    sys.exit(main())
