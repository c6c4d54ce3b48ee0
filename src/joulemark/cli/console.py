"""What a person sees while a run goes on and when it ends; standard output's last line belongs to programs."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from joulemark.analysis import caveats, description, result_table
from joulemark.core.console import show
from joulemark.core.record import Record

# A bar that moves more often shows nothing more and costs the run.
REFRESH_S = 0.5


class Status:
    """Shows the phase and how far it is, drawn by the calling thread itself and seldom: no thread of its own.

    On a terminal a bar on standard error; elsewhere one plain line for each phase.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._phase = ""
        self._drawn = 0.0
        self._bar = Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, start=False)

    def __enter__(self) -> "Status":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, phase: str, share: float) -> None:
        now = time.perf_counter()
        if phase == self._phase and now - self._drawn < REFRESH_S:
            return
        self._drawn = now
        if self._console.is_terminal:
            if phase != self._phase:
                self._bar.reset(self._task, description=phase)
            self._bar.update(self._task, completed=share, refresh=True)
        elif phase != self._phase:
            print(phase, file=sys.stderr, flush=True)
        self._phase = phase


def report(record: Record, metrics: Mapping[str, float | None]) -> None:
    """Prints the record as a short table with units, intervals and evidence."""
    table = Table(title=description.title(record), title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    if record.measurement.windows:
        for row in result_table.rows(record, metrics):
            table.add_row(*row)
    show(*(f"! {warning}" for warning in caveats.foremost(record)), table)
    show(*(f"! {warning}" for warning in caveats.warnings(record)))
    if record.error:
        show(f"{record.status}: {record.error}")
