"""A meter at the machine's socket, through the file that it writes: rows of wall-clock time and watts, or kWh.

    row ─────●─────────●─────────●─────────●──▶ time of day
                 start └──── integrated ────┘ stop waits until a row comes after it
                  the edges between two rows are interpolated

It reads the whole machine (fans, power supply, display and all), so it never enters the total of the components.
"""

import csv
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading
from joulemark.core.units import J_PER_KWH

POLL_S = 0.5  # between two looks at the file, after a window
AHEAD_S = 60.0  # a row this far in the future was written by another clock, or in another zone
STEPS = 100  # of a kWh counter that a window must hold: then its last digit is worth 1 %


@dataclass
class Wall:
    """Reads the joules at the socket (wall_j, method `wall`) from the CSV at `path` that an external meter writes.

    `time_column` holds ISO 8601 with a zone, or Unix seconds; the watts are power, or else the kWh a counter. `stop`
    waits up to `patience_s` for a row after the window's end; two rows further apart than `max_gap_s` hide what
    happened between them and are refused. Both clocks must be set by the network: a second off is a second's watts.
    `machine` is the host at that socket, where that is not this one.
    """

    path: str | None = None
    time_column: str = "time"
    watts_column: str = "watts"
    kwh_column: str | None = None
    patience_s: float = 60.0
    max_gap_s: float = 15.0
    machine: str | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    name: str = field(default="wall", init=False)
    capability: ClassVar[Capability] = Capability({"wall": ("wall",)}, trust=20)
    _began_s: float | None = field(default=None, init=False, repr=False)

    @property
    def column(self) -> str:
        """The column that is read."""
        return self.kwh_column or self.watts_column

    def open(self, hardware: Hardware) -> None:
        """Reads the file once; UserError without it, its columns or readable rows, or where its clock runs ahead."""
        if self.path is None:
            raise UserError("meter=wall reads an external meter's file; type meter.path=FILE.csv")
        if not Path(self.path).is_file():
            raise UserError(f"meter.path={self.path}: there is no such file; the meter must be writing it already")
        try:
            rows = self._rows()
        except ValueError as error:
            raise UserError(f"meter.path={self.path}: {error}") from None
        if rows and rows[-1][0] > self.clock() + AHEAD_S:
            ahead_s = rows[-1][0] - self.clock()
            raise UserError(
                f"meter.path={self.path}: its last row is {ahead_s:.0f} s in the future: set the meter's clock, or "
                f"write its zone into the column '{self.time_column}' (2026-01-31T12:00:00+01:00)"
            )

    def start(self) -> None:
        """Notes the time of day."""
        self._began_s = self.clock()

    def stop(self) -> Reading:
        """The joules since `start`; RuntimeError where the file does not cover the window without a gap."""
        if self._began_s is None:
            raise RuntimeError("meter wall: stop without start")
        began_s, ended_s, self._began_s = self._began_s, self.clock(), None
        try:
            rows = self._rows_until(ended_s)
            joules = self._joules(rows, began_s, ended_s)
        except (ValueError, OSError) as error:
            raise RuntimeError(f"meter wall: {self.path}: {error}") from None
        return Reading(self.name, ended_s - began_s, method={"wall": "wall"}, wall_j=joules)

    def close(self) -> None:
        """Nothing to let go of."""
        self._began_s = None

    def _rows_until(self, ended_s: float) -> list[tuple[float, float, str]]:
        """The rows, once there is one at `ended_s` or later."""
        waits_until_s = self.clock() + self.patience_s
        while True:
            rows = self._rows()
            if rows and rows[-1][0] >= ended_s:
                return rows
            if self.clock() >= waits_until_s:
                last = f"its last row is {ended_s - rows[-1][0]:.1f} s older" if rows else "it has no row"
                raise ValueError(
                    f"no row after the window's end within {self.patience_s:g} s ({last}); is the meter still writing? "
                    "meter.patience_s=… waits longer"
                )
            self.sleep(POLL_S)

    def _rows(self) -> list[tuple[float, float, str]]:
        """(Unix seconds, value, value as written), in order of time; ValueError says what is wrong with the file."""
        with open(str(self.path), newline="", encoding="utf-8-sig") as file:
            text = file.read()
        # a line without an end is being written
        reader = csv.DictReader(text[: text.rfind("\n") + 1].splitlines())
        missing = [name for name in (self.time_column, self.column) if name not in (reader.fieldnames or [])]
        if missing:
            has = ", ".join(reader.fieldnames or ["none"])
            raise ValueError(f"no column {' and '.join(missing)} (it has: {has}); type meter.time=… or meter.watts=…")
        rows = []
        for row in reader:
            value = row[self.column] or ""
            try:
                rows.append((_unix_s(row[self.time_column] or ""), float(value), value))
            except ValueError as error:
                raise ValueError(f"line {reader.line_num}: {error}") from None
        return sorted(rows)

    def _joules(self, rows: list[tuple[float, float, str]], began_s: float, ended_s: float) -> float:
        """The integral of watts, or the difference of kWh, between two moments; ValueError where rows are missing."""
        import numpy

        seconds = [at for at, _, _ in rows]
        first, last = bisect_right(seconds, began_s) - 1, bisect_left(seconds, ended_s)
        if first < 0:
            raise ValueError(f"its first row is {seconds[0] - began_s:.1f} s after the window's beginning")
        inside = rows[first : last + 1]
        gap_s = float(max(numpy.diff([at for at, _, _ in inside]), default=0.0))
        if gap_s > self.max_gap_s:
            raise ValueError(f"no row for {gap_s:.1f} s within a window, more than meter.max_gap_s={self.max_gap_s:g}")
        values = [value for _, value, _ in inside]
        start, stop = (float(numpy.interp(at, seconds, [row[1] for row in rows])) for at in (began_s, ended_s))
        if self.kwh_column is not None:
            return _counted_j(start, stop, [written for _, _, written in inside])
        middle = [(at, value) for (at, _, _), value in zip(inside, values, strict=True) if began_s < at < ended_s]
        at, watts = zip((began_s, start), *middle, (ended_s, stop), strict=True)
        return float(numpy.trapezoid(watts, at))


def _counted_j(start_kwh: float, stop_kwh: float, written: list[str]) -> float:
    """The joules between two values of a kWh counter; ValueError where it went back, or its digits are too few."""
    step_j = J_PER_KWH * 10.0 ** -max(len(value.partition(".")[2]) for value in written)
    joules = (stop_kwh - start_kwh) * J_PER_KWH
    if joules < 0:
        raise ValueError("the kWh went backwards within a window: the meter was reset")
    if joules < STEPS * step_j:
        raise ValueError(
            f"{joules:.3g} J in a window, and the kWh's last digit is {step_j:.3g} J: too coarse; use a column of "
            "watts, or longer windows (protocol.window_s=…)"
        )
    return joules


def _unix_s(text: str) -> float:
    """Seconds since 1970 of Unix seconds or ISO 8601; ValueError without a zone."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"'{text}' is no time; write ISO 8601 with a zone, or Unix seconds") from None
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no zone; write 2026-01-31T12:00:00+01:00, or Unix seconds")
    return moment.timestamp()
