"""A task's inputs: the rows of a source as samples, and what the fields of a row may hold.

A row is a dict from the task's field names to values; the columns of the source are named in the YAML.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulemark.core.errors import BadRowError, UserError
from joulemark.core.task import Inputs, Sample
from joulemark.data import embedded, sources

# The share of rows that may be unusable before the run stops: more would make it another dataset.
MAX_SKIPPED = 0.01
SHOWN = 10  # of a map's labels or a row's fields, in a message
UNNAMED = "the dataset's names, of which its YAML gives none"


class MissingFieldError(BadRowError):
    """A row without a field that the task needs; `field` is the task's name for it."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


@dataclass(frozen=True)
class Row:
    """One row: where it stands in its source (for messages and the table of requests) and its fields."""

    id: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Dataset:
    """One source of inputs: a dataset of the Hub, a file, rows written in the task's YAML, or what ships.

    Attributes:
        name: its name on the command line (task.dataset=…)
        task: the task it belongs to, by which embedded data are found
        fields: the task's field -> the source's column; the first field is the input
        id: of a dataset on the Hub
        config: the Hub dataset's configuration
        split: the Hub dataset's split
        revision: a branch, tag or commit of the Hub
        path: of a jsonl, csv or parquet file
        rows: the data themselves, where they are few
        labels: names of integer labels by position
        optional: fields that may be absent
        skip_blank: drops rows whose input is blank, for sources that use blank lines as layout; else they are unusable
        repeat: starts again from the first row when there are too few
        data_dir: a folder of the Hub's repository
        licence: as the dataset's page states it
        gated: whether its terms must be accepted first
        box: `sides` (left, top, width, height) or `corners` (left, top, right, bottom)
    """

    name: str
    task: str
    fields: Mapping[str, str]
    id: str | None = None
    config: str | None = None
    split: str | None = None
    revision: str | None = None
    path: str | None = None
    rows: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    skip_blank: bool = False
    repeat: bool = False
    data_dir: str | None = None
    licence: str | None = None
    gated: bool = False
    box: str = "sides"

    @property
    def source(self) -> str:
        """Where the rows come from, for people: a Hub id, a file, or the dataset's name."""
        return self.id or (str(self.path) if self.path else self.name)

    def inputs(self, count: int, make: Callable[[Row], Sample]) -> Inputs:
        """The samples that `make` gives for the first usable rows, in order.

        A row for which it raises BadRowError is skipped and noted, as is one without a needed field. UserError where
        more than one in a hundred is, and where there are too few rows and repeating is not allowed.
        """
        samples: list[Sample] = []
        skipped: list[str] = []
        hint = ""  # the map of fields is what is wrong, where no row before had them
        for place, raw in self._raw():
            try:
                row = self._row(place, raw)
                if row is not None:
                    samples.append(make(row))
            except BadRowError as error:
                skipped.append(f"{place}: {error}")
                if isinstance(error, MissingFieldError) and not samples and not hint:
                    hint = f"; name the right one with task.fields.{error.field}=…"
                if len(skipped) > MAX_SKIPPED * count:
                    raise self._unusable(skipped, hint) from None
            if len(samples) == count:
                return Inputs(tuple(samples), tuple(skipped))
        if skipped and not samples:
            raise self._unusable(skipped, hint)
        return Inputs(tuple(self._repeated(samples, count)), tuple(skipped))

    def _unusable(self, skipped: list[str], hint: str) -> UserError:
        place, _, why = skipped[0].partition(": ")
        more = f" ({len(skipped)} such rows; at most 1 in 100 may be skipped)" if len(skipped) > 1 else ""
        return UserError(f"{self.source}, {place}: {why}{hint}{more}")

    def _repeated(self, samples: list[Sample], count: int) -> list[Sample]:
        if not samples:
            raise UserError(f"{self.source} holds no rows")
        if not self.repeat:
            raise UserError(
                f"{self.source} has {len(samples)} rows, {count} are requested: "
                f"type samples={len(samples)}, or task.repeat=true to start again from the first"
            )
        return [samples[i % len(samples)] for i in range(count)]

    def _raw(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if self.id is not None:
            return sources.of_hub(self.name, self.id, self.config, self.split, self.revision, self.data_dir)
        if self.path is not None:
            return sources.of_file(Path(self.path))
        if self.rows:
            return ((f"row {number}", row) for number, row in enumerate(self.rows, start=1))
        return embedded.rows(self.task)

    def _row(self, place: str, raw: Mapping[str, Any]) -> Row | None:
        values = {}
        for name, column in self.fields.items():
            if column in raw:
                values[name] = raw[column]
            elif name not in self.optional:
                raise MissingFieldError(name, f"has no field '{column}' (it has: {_some(list(map(str, raw)))})")
        first = next(iter(self.fields))
        if _blank(values[first]):
            if self.skip_blank:
                return None
            raise BadRowError(f"field '{self.fields[first]}' is empty")
        return Row(str(raw.get("id", place)), values)

    def label(self, row: Row) -> str | None:
        """The row's label by name; None where the source hides it (-1) or has none."""
        value = row.values.get("label")
        if _blank(value) or whole(value) == -1:
            return None
        return self.named(value) if self.labels else self.named(value).lower()

    def named(self, value: Any) -> str:
        """The label in a field, given by name or by its place in `labels`; BadRowError where it is none of them."""
        if isinstance(value, str) and value.strip():
            known = {label.lower(): label for label in self.labels} or {value.strip().lower(): value.strip()}
            if value.strip().lower() in known:
                return known[value.strip().lower()]
        number = whole(value)
        if number is not None and 0 <= number < len(self.labels):
            return self.labels[number]
        raise BadRowError(f"label {value!r} is not one of {_some(self.labels) or UNNAMED}")


def whole(value: Any) -> int | None:
    """The whole number that a field holds, also as text (a csv has nothing else) or as a float; None for all others."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,9}\s*", value):
        return int(value)
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


def _some(names: Sequence[str]) -> str:
    """The names there are, the first few where they are many: a message is one line."""
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def reference_of(row: Row, field: str) -> str | None:
    """The row's reference text; None where the source has none, BadRowError where it holds something else."""
    value = row.values.get(field)
    if _blank(value):
        return None
    if not isinstance(value, str):
        raise BadRowError(f"field '{field}' is not text, but {type(value).__name__}")
    return value


def bytes_of(value: Any, what: str) -> bytes:
    """The file in a row's field: bytes, `{bytes, path}` as datasets gives it undecoded, or the path of a file.

    BadRowError where there is none; `what` names what it should be.
    """
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    try:
        if isinstance(value, str) and Path(value).is_file():
            return Path(value).read_bytes()
    except OSError as error:  # no permission, or a text too long for a path
        raise BadRowError(f"the {what} cannot be read ({error.strerror})") from None
    raise BadRowError(f"holds no {what}, but {type(value).__name__} {str(value)[:60]!r}")


def text_of(row: Row, field: str) -> str:
    """The row's field as text; BadRowError where it holds something else or nothing."""
    value = row.values[field]
    if not isinstance(value, str) or not value.strip():
        raise BadRowError(f"field '{field}' is empty or not text")
    return value


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
