"""Which batch sizes fit in a card's memory: found once by doubling and bisection, and remembered in a file.

    1  2  4  8  16  32 ✗        doubling until one does not fit
                 24  28 ✗  26   bisection between the last that did and the first that did not

What fits is remembered for each card and everything that decides it: model, task, precision and the other options.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from joulemark.core.private_files import private_files

OUT_OF_MEMORY = re.compile(r"out of memory at batch_size=(\d+)")  # as measure/runner.py reports it
LOCK_S = 60


@dataclass(frozen=True)
class Known:
    """What is known of a case.

    Attributes:
        fits: the largest batch size that fitted; None where none did
        fails: the smallest that did not; None where all did
    """

    fits: int | None = None
    fails: int | None = None

    def with_trial(self, size: int, fitted: bool) -> "Known":
        """This and one more trial. A size that fitted voids smaller failures: memory was short for a while."""
        if fitted:
            return Known(
                max(size, self.fits or 0), None if self.fails is not None and self.fails <= size else self.fails
            )
        return Known(None if self.fits is not None and self.fits >= size else self.fits, min(size, self.fails or size))


def next_size(sizes: Sequence[int], known: Known) -> int | None:
    """The size to try next so that the boundary is found: of these sizes, the double or the middle; None once found."""
    ascending = sorted(sizes)
    above = [size for size in ascending if size > (known.fits or 0) and (known.fails is None or size < known.fails)]
    if not above:
        return None
    if known.fails is not None:
        return above[(len(above) - 1) // 2]
    if known.fits is None:
        return above[0]
    return next((size for size in above if size >= 2 * known.fits), above[-1])


def ran_out(error: str | None) -> int | None:
    """The batch size at which a run's error reports that memory ran out; None for any other error."""
    match = OUT_OF_MEMORY.search(error or "")
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Memory:
    """The file of all cases.

    Attributes:
        path: the file, JSON
        device: the card, which is part of each case beside the overrides
    """

    path: Path
    device: str

    def known(self, overrides: Sequence[str]) -> Known:
        """What is known of a run with these overrides on this card."""
        return _read(self.path).get(self._case(overrides), Known())

    def add(self, overrides: Sequence[str], size: int, fitted: bool) -> None:
        """Adds one trial; safe beside other processes that do the same.

        A disk that does not take it, or a lock that nobody gives back, costs a later search some trials, not this one.
        """
        with suppress(OSError), private_files():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._add(overrides, size, fitted)

    def _add(self, overrides: Sequence[str], size: int, fitted: bool) -> None:
        from filelock import FileLock

        with FileLock(f"{self.path}.lock", timeout=LOCK_S):
            cases = _read(self.path)
            case = self._case(overrides)
            now = cases.get(case, Known()).with_trial(size, fitted)
            if now == cases.get(case):
                return
            text = json.dumps({key: asdict(known) for key, known in {**cases, case: now}.items()}, indent=1)
            new_file = self.path.with_suffix(".new")
            new_file.write_text(text, encoding="utf-8")
            new_file.replace(self.path)

    def _case(self, overrides: Sequence[str]) -> str:
        return f"{self.device}: {' '.join(sorted(overrides))}"


def _read(path: Path) -> Mapping[str, Known]:
    """Every case that can be read: a file that broke costs the search a few trials, and the next one writes it anew."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    cases = stored.items() if isinstance(stored, dict) else ()
    return {key: Known(**known) for key, known in cases if _is_known(known)}


def _is_known(value: Any) -> bool:
    names = {each.name for each in fields(Known)}
    return (
        isinstance(value, dict)
        and value.keys() <= names
        and all(size is None or (type(size) is int and size > 0) for size in value.values())
    )
