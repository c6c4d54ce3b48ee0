"""Whether the first rows are like the rest of the data, by their labels: those of a sorted file are not."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from joulemark.core import stats
from joulemark.core.errors import BadRowError, UserError
from joulemark.core.formatting import percent
from joulemark.data import files

CHANCE = 1e-3  # of a file in random order, that it is taken for a sorted one
LOOKED_AT_BYTES = 64 * 2**20  # of a file: read in about a second
AMPLE = 50  # rows for each declared label: one of a tenth of the others' share is among them, 993 times of 1,000


def values_of(path: Path, column: str) -> Iterator[Any]:
    """What the column holds in every row of a file; nothing of one that takes long to read, or cannot be read.

    A packed file may unpack to any size.
    """
    try:
        if path.suffix.lower() in files.PACKED or path.stat().st_size > LOOKED_AT_BYTES:
            return
        for _, row in files.of_file(path, (column,)):
            if column in row:
                yield row[column]
    except (UserError, OSError):  # of a row that is not used
        return


def sampling_bias(taken: Iterable[Any], values: Iterable[Any], name: Callable[[Any], str | None]) -> str | None:
    """In which label the rows that were taken differ most from all of them by more than chance; None in none.

    `values` are those of the labels' column in every row, `name` gives their labels.
    """
    held, whole = Counter(label for label in taken if isinstance(label, str)), Counter[str]()
    for value in values if held else ():
        with suppress(BadRowError):  # of a row that is not used
            whole.update(filter(None, [name(value)]))
    drawn, total = held.total(), whole.total()
    if drawn >= total or len(whole) < 2:
        return None
    found = {label: stats.drawn_p(min(held[label], of), drawn, of, total) for label, of in whole.items()}
    label = min(found, key=lambda each: found[each])
    if found[label] * len(whole) >= CHANCE:
        return None
    shares = percent(held[label] / drawn), percent(whole[label] / total)
    return f"{shares[0]} of the first {drawn:,} rows are {label}, of all {total:,} it is {shares[1]}"


def few(held: int, declared: int, rows: int) -> str | None:
    """That the rows hold far fewer labels than the data declares; None where that may be chance.

    Either a label is absent though there are `AMPLE` rows for each, or fewer than half as many labels are there as rows
    in random order would hold if each were as frequent.
    """
    if held >= declared or declared < 2:
        return None
    expected = declared * (1 - (1 - 1 / declared) ** rows)
    if rows >= AMPLE * declared or held < expected / 2:
        return f"the first {rows:,} rows hold {held} of the {declared:,} labels that the data declares"
    return None
