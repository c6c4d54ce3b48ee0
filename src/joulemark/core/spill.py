"""A list whose first items lie in memory and whose others lie in a file without a name: a million cost a few megabytes.

The file is on a disk, not in memory: `TMPDIR`, else /var/tmp, since /tmp is often a part of the memory. The system
removes it with the process.
"""

import os
import pickle
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from joulemark.core.indexed import Indexed

T = TypeVar("T")

IN_MEMORY = 10_000  # items: a run of as many calls, or fewer, touches no file
BUFFER = 1 << 18  # bytes that are written at once
BLOCK = 64  # items: four bytes an item say where it lies, and eight bytes a block


class Spilled(Indexed[T]):
    """A growing sequence; `pack` makes an item plain values that pickle small, `unpack` the item of these again."""

    def __init__(
        self, pack: Callable[[T], Any] = lambda item: item, unpack: Callable[[Any], T] = lambda values: values
    ) -> None:
        self._pack, self._unpack = pack, unpack
        self._file: BinaryIO | None = None
        self.clear()

    def clear(self) -> None:
        """Empties it."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._first: list[T] = []
        self._lengths = array("I")  # of each item in the file
        self._begins = array("Q")  # of every `BLOCK`th one
        self._end = 0
        self._buffer = bytearray()

    def append(self, item: T) -> None:
        """Adds an item."""
        if len(self._first) < IN_MEMORY:
            self._first.append(item)
            return
        packed = pickle.dumps(self._pack(item), pickle.HIGHEST_PROTOCOL)
        self._buffer += packed
        if len(self._lengths) % BLOCK == 0:
            self._begins.append(self._end)
        self._lengths.append(len(packed))
        self._end += len(packed)
        if len(self._buffer) >= BUFFER:
            self._flush()

    def extend(self, items: Iterable[T]) -> None:
        """Adds items."""
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return len(self._first) + len(self._lengths)

    def item(self, place: int) -> T:
        """The item at a place."""
        return self._first[place] if place < len(self._first) else self._stretch(place, place + 1)[0]

    def items(self, places: range) -> list[T]:
        """Those at some places, in one read of the file where they follow each other."""
        return self._stretch(places.start, places.stop) if places.step == 1 else super().items(places)

    def __iter__(self) -> Iterator[T]:
        for start in range(0, len(self), 1000):
            yield from self._stretch(start, min(start + 1000, len(self)))

    def _stretch(self, start: int, stop: int) -> list[T]:
        """The items from one place to another, in one read of the file."""
        kept = len(self._first)
        begin, end = max(start - kept, 0), max(stop - kept, 0)
        if begin >= end:
            return self._first[start:stop]
        self._flush()
        assert self._file is not None
        known = begin - begin % BLOCK
        first = self._begins[begin // BLOCK] + sum(self._lengths[known:begin])
        bounds = list(accumulate(self._lengths[begin:end], initial=0))
        data = memoryview(os.pread(self._file.fileno(), bounds[-1], first))
        packed = (pickle.loads(data[a:b]) for a, b in pairwise(bounds))
        return [*self._first[start:stop], *map(self._unpack, packed)]

    def _flush(self) -> None:
        if not self._buffer:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0, dir=_folder())  # noqa: SIM115 - lives as long as this
        data = memoryview(self._buffer)
        while data:
            data = data[self._file.write(data) :]
        self._buffer = bytearray()


def _folder() -> str | None:
    """Where the file lies; None: where Python puts temporary files."""
    chosen = os.environ.get("TMPDIR") or "/var/tmp"
    return chosen if Path(chosen).is_dir() and os.access(chosen, os.W_OK) else None
