"""Standard output and error that lose no run: a reader that went away, or cannot show a character, stops nothing."""

import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from joulemark.core.formatting import visible


class Sturdy(io.TextIOWrapper):
    """A text stream that goes to the null device once nothing takes it: a reader or a terminal went, a disk is full."""

    def write(self, text: str) -> int:
        """Writes the text; nothing where nothing takes it any more."""
        try:
            return super().write(text)
        except OSError:
            self._detach_reader()
            return len(text)

    def flush(self) -> None:
        """Flushes; nothing where nothing takes it any more."""
        try:
            super().flush()
        except OSError:
            self._detach_reader()

    def _detach_reader(self) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)


class Visible(Sturdy):
    """One in which no text acts on the terminal: names in stores, files and checkpoints are others'."""

    def write(self, text: str) -> int:
        """Writes the text with control characters shown (core/formatting.visible)."""
        return super().write(visible(text))


def make_sturdy() -> None:
    """Makes standard output and error of this command sturdy; characters that they cannot show become `\\xb7`.

    A stream that was closed (`>&-`) is the null device: else the next file that is opened would take its place. Bars of
    other packages are drawn on standard error, so that only what we print there is made visible (cli/progress.py).
    """
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free number
    sys.stdout, sys.stderr = _sturdy(sys.stdout or _null(1), Visible), _sturdy(sys.stderr or _null(2), Sturdy)


def _null(number: int) -> TextIO:
    return open(number, "w", encoding="utf-8", closefd=False)


def _sturdy(stream: TextIO, kind: type[Sturdy]) -> Any:
    if type(stream) is not io.TextIOWrapper:  # a notebook's, a test's, or sturdy already
        return stream
    line_buffering, encoding = stream.line_buffering or stream.isatty(), stream.encoding
    return kind(stream.detach(), encoding, errors="backslashreplace", line_buffering=line_buffering)
