"""A user's own traffic again: its times and lengths from a file."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.quantities import Positive
from joulemark.core.serving import Lengths, Limits, Schedule
from joulemark.data.files import of_file

# What published traces call their columns: Azure's LLM inference trace, BurstGPT, Mooncake, ShareGPT-like logs
TIMES = ("at_s", "timestamp", "time", "arrival_time", "arrived_at")
INPUTS = ("input_tokens", "contexttokens", "request tokens", "input_length", "prompt_tokens", "num_prefill_tokens")
OUTPUTS = ("output_tokens", "generatedtokens", "response tokens", "output_length", "completion_tokens",
           "num_decode_tokens")  # fmt: skip
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Replay:
    """Requests that come when those of a file came, as long as they were where the file says so.

    Attributes:
        trace: the file: CSV, JSONL or Parquet with a column of times and, as it has them, of input and output tokens
        time_unit: of times that are numbers: s, ms, us, ns; dates and times are read as ISO 8601
        speed: how many times faster than the file
        limits: what an answer must keep to count as good
        timeout_s: s after which a request counts as timed out
        max_duration_s: s of traffic at most
    """

    trace: str
    time_unit: str = "s"
    speed: Positive = 1.0
    limits: Limits = field(default_factory=Limits)
    timeout_s: Positive = 600.0
    max_duration_s: Positive = 3600.0

    def schedule(self, samples: int, seed: int) -> Schedule:
        """The first `samples` requests of the file, or all that it has; the first one comes at once.

        Raises:
            UserError: the file cannot be read, has no times, or its times go backwards
        """
        if self.time_unit not in UNITS:
            raise UserError(f"scenario.time_unit={self.time_unit}: choose from: {', '.join(UNITS)}")
        at_s: list[float] = []
        lengths: list[Lengths] = []
        for place, moment_s, length in self._rows():
            if len(at_s) == samples:
                break
            if at_s and moment_s < at_s[-1]:
                raise UserError(
                    f"{self.trace}, {place}: its time is {at_s[-1] - moment_s:g} s before that of the row above; "
                    "sort the file by time"
                )
            at_s.append(moment_s)
            lengths.append(length)
        if not at_s:
            raise UserError(f"scenario.trace={self.trace} holds no requests")
        first_s = at_s[0]
        moments = [(moment_s - first_s) / self.speed for moment_s in at_s]
        told = any(length != Lengths() for length in lengths)
        return Schedule(requests=len(moments), at_s=moments, lengths=lengths if told else ())

    @property
    def digest(self) -> str:
        """SHA-256 of the file, 16 hexadecimal digits: what makes two replays the same traffic."""
        try:
            return hashlib.sha256(Path(self.trace).read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise UserError(f"scenario.trace={self.trace} cannot be read: {error.strerror}") from None

    def _rows(self) -> Iterator[tuple[str, float, Lengths]]:
        for place, row in of_file(Path(self.trace), option="scenario.trace"):
            columns = {str(name).strip().lower(): value for name, value in row.items()}
            name = next((name for name in TIMES if name in columns), None)
            if name is None:
                raise UserError(
                    f"scenario.trace={self.trace} has no column of times ({', '.join(TIMES)}); it has: {', '.join(row)}"
                )
            moment_s = self._seconds(columns[name], place)
            yield place, moment_s, Lengths(*(self._tokens(columns, names, place) for names in (INPUTS, OUTPUTS)))

    def _seconds(self, value: Any, place: str) -> float:
        try:
            seconds = float(value) * UNITS[self.time_unit]
        except (TypeError, ValueError):
            seconds = _of_date(value)
        if not isfinite(seconds):
            raise UserError(f"{self.trace}, {place}: {value!r} is no time: a number ({self.time_unit}) or ISO 8601")
        return seconds

    def _tokens(self, columns: Mapping[str, Any], names: tuple[str, ...], place: str) -> int | None:
        value = next((columns[name] for name in names if columns.get(name) not in (None, "")), None)
        if value is None:
            return None
        try:
            tokens = float(value)
        except (TypeError, ValueError):
            tokens = -1
        if not (tokens >= 1 and tokens == int(tokens)):
            raise UserError(f"{self.trace}, {place}: {value!r} tokens: must be a whole number of 1 or more")
        return int(tokens)


def _of_date(value: Any) -> float:
    """Seconds of a date and time; NaN for anything else. Fractions beyond microseconds, as in Azure's, are cut."""
    text = str(value).strip()
    head, point, fraction = text.partition(".")
    digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
    try:
        return datetime.fromisoformat(f"{head}{point}{digits[:6]}{fraction[len(digits) :]}").timestamp()
    except ValueError:
        return float("nan")
