"""The Python interface: measured runs, any code under the meters, comparisons and reports, for notebooks and programs.

A run is the same fresh process as that of the command line: what this process has on a GPU, its threads and its event
loop are not in the way. Nothing here prints or installs a signal handler.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from joulemark.analysis import audit, comparison, energy_metrics, named_metrics
from joulemark.analysis.comparison import Comparison
from joulemark.config.compose import without_hydra
from joulemark.config.options import composed, conf_found, overrides_of, run_of
from joulemark.core.errors import UserError
from joulemark.core.measurement import Measurement
from joulemark.core.record import Record as StoredRecord
from joulemark.core.record import Request
from joulemark.data import request_table
from joulemark.measure.metering import CodeMeter, MeteredWindow
from joulemark.reporting.build import Report, make
from joulemark.reporting.request import request_of
from joulemark.store import loading
from joulemark.sweep import trial

__all__ = [
    "CodeMeter",
    "Comparison",
    "MeteredWindow",
    "Record",
    "Report",
    "RunError",
    "UserError",
    "compare",
    "load",
    "meter",
    "report",
    "run",
]


@dataclass(frozen=True)
class Record:
    """One run with all that is computed from it.

    Attributes:
        stored: the record as it is stored: what was requested, where, how, and every reading
        run_id: its run in MLflow; None for a record that was read from a file
    """

    stored: StoredRecord
    run_id: str | None = None

    @property
    def status(self) -> str:
        """`finished`, `failed` or `interrupted`."""
        return self.stored.status

    @property
    def error(self) -> str | None:
        """Why it is not finished, in one line."""
        return self.stored.error

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader must see beside the numbers, such as `estimated`, `not_converged` or `contaminated`."""
        return self.stored.flags

    @cached_property
    def metrics(self) -> Mapping[str, float | None]:
        """Every named metric (docs/what-a-run-leaves.md), its unit in its name; None is not available."""
        return named_metrics.metrics(self.stored)

    @cached_property
    def evidence(self) -> Mapping[str, str | None]:
        """How the energy of `gpu`, `cpu` and `ram` is known (`counter`, `rapl`, `sampled`, `estimated`, `constant`)."""
        return energy_metrics.methods(self.stored.measurement)

    @cached_property
    def verdict(self) -> str:
        """`sound`, `doubtful` or `failed`."""
        return audit.verdict(self.stored)[0]

    @property
    def measurement(self) -> Measurement:
        """Every reading, in order; joules and seconds."""
        return self.stored.measurement

    @property
    def requests(self) -> Sequence[Request]:
        """The scored requests (input id, output, reference, score, units, latency), read when asked for.

        Raises:
            UserError: they are in a file that is not there any more
        """
        if self.stored.requests or self.stored.request_summary is None:
            return self.stored.requests
        if self.stored.requests_file is None:
            raise UserError(f"{request_table.NAME} of this run is not beside its record")
        return request_table.RequestTable(self.stored.requests_file)

    def __repr__(self) -> str:
        wh = self.metrics["energy/total_wh_per_1k"]
        energy = "energy n/a" if wh is None else f"{wh:.4g} Wh per 1,000"
        return f"<Record {self.stored.model.name} on {self.stored.task.name}: {self.status}, {energy}, {self.verdict}>"


class RunError(Exception):
    """A run that began and did not finish.

    Attributes:
        record: what was measured until then; None where it could not be read
        status: `failed`, `interrupted`, `killed` or `timed_out`
    """

    def __init__(self, message: str, status: str, record: Record | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.record = record


def run(*overrides: str, timeout_s: float | None = None, **options: Any) -> Record:
    """Measures one run as `joulemark run` does, in a process of its own, and returns its record.

    `run(model="bloomz", task="summarization", samples=100)`; an option within a group is an override,
    `run("model.size=7b1", "site.zone=FRA", model="bloomz")`.

    Raises:
        UserError: options that cannot be, before anything begins
        RunError: a run that failed, was interrupted, or took longer than `timeout_s`
    """
    given = overrides_of(overrides, options)
    planned = run_of(given)
    outcome = trial.run(given, limit_s=timeout_s)
    if outcome.status == "refused":
        raise UserError(outcome.error or "the run was refused")
    record = None
    if outcome.run_id is not None:
        run_id, stored = loading.of_store(planned.tracking_uri, outcome.run_id)
        record = Record(stored, run_id)
    elif outcome.unsaved is not None:
        record = Record(loading.load(outcome.unsaved)[1])
    if outcome.status != "finished" or record is None:
        raise RunError(outcome.error or f"the run is {outcome.status}", outcome.status, record)
    return record


def load(run: str | os.PathLike[str], tracking_uri: str | None = None) -> Record:
    """The record of a run in the store by its id or the beginning of it, or of a record.json file.

    `tracking_uri` is the store; None is that of the options: `MLFLOW_TRACKING_URI`, else `mlruns`.

    Raises:
        UserError: where there is none, or several runs begin so
    """
    run_id, stored = loading.load(run, tracking_uri)
    return Record(stored, run_id)


def compare(
    a: Record | str | Sequence[Record | str],
    b: Record | str | Sequence[Record | str],
    tracking_uri: str | None = None,
    *,
    quantity: str | None = None,
    across_engines: bool = False,
) -> Comparison:
    """Which of two settings costs less: `verdict` is `A`, `B`, `tie`, `not established` or `unknown`, `note` says why.

    Each side is a run or several runs of one setting; an id stands for all processes of its cell in the store,
    unless both are of one cell. Runs of two engines compare only `across_engines`. `quantity` is `gross` or
    `dynamic`; None takes dynamic energy where the host was shared and the GPU waited. `tracking_uri` as of `load`.

    Raises:
        UserError: for an id that is no run, and a quantity that is neither `gross` nor `dynamic`
    """
    if isinstance(a, str) and isinstance(b, str):
        return comparison.compare(*loading.sides(a, b, tracking_uri), quantity, across_engines)
    first, second = (_side(side, tracking_uri) for side in (a, b))
    return comparison.compare(first, second, quantity, across_engines)


def _side(runs: Record | str | Sequence[Record | str], tracking_uri: str | None) -> list[StoredRecord]:
    if isinstance(runs, str):
        return loading.cell(runs, tracking_uri)
    several = [runs] if isinstance(runs, Record) else runs
    return [run.stored if isinstance(run, Record) else load(run, tracking_uri).stored for run in several]


def meter(*overrides: str, **options: Any) -> CodeMeter:
    """A meter for any code: `with jm.meter() as window: …`, then `window.joules`; enter it again for an interval.

    `meter(meter="nvml", hardware="cuda")`, `meter("hardware.index=1")`: the groups of a run. A stretch of less than
    ten seconds is short for a GPU's counter, which moves ten times a second.

    Raises:
        UserError: options that cannot be, before a sensor is opened
    """
    return CodeMeter(run_of(overrides_of(overrides, options)))


def report(*overrides: str, **options: Any) -> Report:
    """Writes the report of the store's runs as `joulemark report` does; what it says and where it lies.

    `report(tasks=["summarization"])`, `report("constraints.quality=0.8")`.

    Raises:
        UserError: options that cannot be, and a store that holds no runs
    """
    with conf_found():
        config = composed("report", overrides_of(overrides, options))
        choices = dict(config.hydra.runtime.choices)
        return make(request_of(without_hydra(config), choices))
