"""What a person sees while a run goes on and when it ends; standard output's last line belongs to programs."""

import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from joulemark.analysis import caveats, description, result_table, run_answer
from joulemark.cli import output
from joulemark.core.console import show
from joulemark.core.record import Record
from joulemark.measure.traffic import Now

# A bar that moves more often shows nothing more and costs the run.
REFRESH_S = 0.5
POWER_S = 2.0  # between two looks at the power: each costs some milliseconds


class Status:
    """Shows the phase and how far it is, drawn by the calling thread itself and seldom: no thread of its own.

    On a terminal a bar on standard error; elsewhere one plain line for each phase.
    """

    def __init__(self, power_w: Callable[[], float | None] = lambda: None) -> None:
        """`power_w` reads the GPU's watts, at most every two seconds, for the line of served traffic on a terminal."""
        self._power_w, self._traffic = power_w, ""
        self._looked = 0.0
        self._watts: float | None = None
        self._console = Console(stderr=True)
        self._phase = ""
        self._drawn = 0.0
        self._bar = Progress(
            TextColumn("{task.description:>10}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[traffic]}"),
            console=self._console,
            auto_refresh=False,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, start=False, traffic="")

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
                self._traffic = ""
                self._bar.reset(self._task, description=phase)
            self._bar.update(self._task, completed=share, traffic=self._traffic, refresh=True)
        elif phase != self._phase:
            print(phase, file=sys.stderr, flush=True)
        self._phase = phase

    def traffic(self, now: Now) -> None:
        """What the next drawing says of the traffic; nothing is read where nobody looks."""
        if not self._console.is_terminal:
            return
        if (moment := time.perf_counter()) - self._looked >= POWER_S:
            self._looked, self._watts = moment, self._power_w()
        self._traffic = traffic_line(now, self._watts)


def traffic_line(now: Now, watts: float | None) -> str:
    """Rate of answers, requests in flight, time to first token and power, as far as they are known."""
    parts = [f"{now.ended} of {now.requests}", f"{now.in_flight} in flight"]
    if now.elapsed_s > 0:
        parts.insert(0, f"{now.ended / now.elapsed_s:.3g}/s")
    if now.ttft_s is not None:
        parts.append(f"TTFT {now.ttft_s:.2g} s")
    if watts is not None:
        parts.append(f"{watts:.0f} W")
    return ", ".join(parts)


def report(record: Record, metrics: Mapping[str, float | None]) -> None:
    """Shows the answer of a run, and where everything is read its table with units, intervals and evidence."""
    output.show(run_answer.of(record, metrics), lambda: _everything(record, metrics))


def _everything(record: Record, metrics: Mapping[str, float | None]) -> None:
    table = Table(title=description.title(record), title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    if record.measurement.windows:
        for row in result_table.rows(record, metrics):
            table.add_row(*row)
    show(table, *(f"! {warning}" for warning in (*caveats.foremost(record), *caveats.warnings(record))))
    if record.error:
        show(f"{record.status}: {record.error}")
