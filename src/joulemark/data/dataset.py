"""A task's inputs: the rows of a source as samples, and what the fields of a row may hold.

A row is a dict from the task's field names to values; the columns of the source are named in the YAML.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any

from joulemark.core.errors import BadRowError, UserError
from joulemark.core.spill import IN_MEMORY, Spilled
from joulemark.core.suggest import nearest
from joulemark.core.task import Inputs, Sample
from joulemark.data import embedded, files, first_rows, sources
from joulemark.data.fields import Row, blank, check_characters, named, reference_of, some, text_of, whole
from joulemark.data.media import STANDARD, Media

__all__ = ["Dataset", "Row", "blank", "reference_of", "text_of"]  # what a task needs

# The share of rows that may be unusable before the run stops, one in any case: more would make it another dataset.
MAX_SKIPPED = 0.01


class MissingFieldError(BadRowError):
    """A row without a field that the task needs; `field` is the task's name for it."""

    def __init__(self, field: str, says: str) -> None:
        super().__init__(says)
        self.field = field


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
        path: of a file of rows (`files.READERS`)
        rows: the data themselves, where they are few
        labels: names of integer labels by position
        optional: fields that may be absent
        skip_blank: drops rows whose input is blank, for sources that use blank lines as layout; else they are unusable
        repeat: starts again from the first row when there are too few
        shuffle: seed of the order in which the rows are read; None: their own
        typed: fields whose column the user named, which must exist
        data_dir: a folder of the Hub's repository
        licence: as the dataset's page states it
        gated: whether its terms must be accepted first
        box: `sides` (left, top, width, height) or `corners` (left, top, right, bottom)
        media: what the images and sounds of its rows may be
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
    shuffle: int | None = None
    typed: tuple[str, ...] = ()
    data_dir: str | None = None
    licence: str | None = None
    gated: bool = False
    box: str = "sides"
    media: Media = STANDARD

    @property
    def source(self) -> str:
        """Where the rows come from, for people: a Hub id, a file, or the dataset's name."""
        return self.id or (str(self.path) if self.path else self.name)

    def inputs(self, count: int, make: Callable[[Row], Sample]) -> Inputs:
        """The samples that `make` gives for the first usable rows, in order.

        A row for which it raises BadRowError is skipped and noted, as is one without a needed field. UserError where
        more than one is, and more than one in a hundred, where a column that was typed does not exist, and where there
        are too few rows and repeating is not allowed.
        """
        samples: Spilled[Sample] = Spilled(
            attrgetter("id", "input", "target", "output_tokens"), lambda values: Sample(*values)
        )
        skipped: list[str] = []
        columns: dict[str, None] = {}  # of all rows that were read
        hint = ""  # the map of fields is what is wrong, where no row before had them
        for place, raw in self._rows():
            columns.update(dict.fromkeys(map(str, raw)))
            try:
                row = self._row(place, raw)
                if row is not None:
                    samples.append(make(row))
            except BadRowError as error:
                skipped.append(f"{place}: {error}")
                if isinstance(error, MissingFieldError) and not samples and not hint:
                    hint = self._hint(error.field, columns)
                if len(skipped) > max(1, MAX_SKIPPED * count):
                    raise self._unusable(skipped, hint) from None
            if len(samples) == count:
                break
        if skipped and not samples:
            raise self._unusable(skipped, hint)
        self._check_columns(columns)
        return Inputs(self._repeated(samples, skipped, count), tuple(skipped), self._unlike(samples))

    def _unlike(self, samples: Sequence[Sample]) -> str | None:
        """How the labels of the first rows of a file differ from those of all its rows; None where nobody can tell."""
        if self.path is None or self.shuffle is not None or "label" not in self.fields:
            return None
        values = first_rows.values_of(Path(self.path).expanduser(), self.fields["label"])
        return first_rows.sampling_bias(
            (sample.target for sample in samples), values, lambda value: self.label(Row("", {"label": value}))
        )

    def _check_columns(self, columns: Mapping[str, None]) -> None:
        """UserError for a typed column that no row has, and for one that is lacking but for the case of its name."""
        for field, column in self.fields.items():
            similar = nearest(column, columns)
            if not columns or column in columns or not (field in self.typed or _alike(similar, column)):
                continue
            key = f"task.fields.{field}"
            close = f"did you mean {key}={similar}? " if similar else ""
            raise UserError(f"{self.source} has no column '{column}' ({key}); {close}it has: {some(list(columns))}")

    def _hint(self, field: str, columns: Mapping[str, None]) -> str:
        return f"; name the right one with task.fields.{field}={nearest(self.fields[field], columns) or '…'}"

    def _unusable(self, skipped: list[str], hint: str) -> UserError:
        place, _, why = skipped[0].partition(": ")
        more = f" ({len(skipped)} such rows; at most 1 in 100 may be skipped)" if len(skipped) > 1 else ""
        return UserError(f"{self.source}, {place}: {why}{hint}{more}")

    def _repeated(self, samples: Spilled[Sample], skipped: list[str], count: int) -> Sequence[Sample]:
        if len(samples) == count:
            return samples if count > IN_MEMORY else tuple(samples)
        if not samples:
            raise UserError(f"{self.source} holds no rows")
        if not self.repeat:
            unusable = f" that can be used ({skipped[0]})" if skipped else ""
            raise UserError(
                f"{self.source} has {len(samples)} rows{unusable}, {count} are requested: "
                f"type samples={len(samples)}, or task.repeat=true to start again from the first"
            )
        return tuple(samples[i % len(samples)] for i in range(count))

    def _rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The rows in the order in which they are asked for, with their place; shuffled, all but a stream are read."""
        if self.id is not None:
            shuffle = self.shuffle
            return sources.of_hub(self.name, self.id, self.config, self.split, self.revision, self.data_dir, shuffle)
        rows = self._in_order()
        if self.shuffle is None:
            return rows
        drawn: Spilled[tuple[str, Mapping[str, Any]]] = Spilled()
        drawn.extend(rows)
        places = array("q", range(len(drawn)))
        Random(self.shuffle).shuffle(places)  # type: ignore[arg-type]
        return (drawn[place] for place in places)

    def _in_order(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if self.path is not None:
            return files.of_file(Path(self.path).expanduser())
        if self.rows:
            return ((f"row {number}", row) for number, row in enumerate(self.rows, start=1))
        return embedded.rows(self.task)

    def _row(self, place: str, raw: Mapping[str, Any]) -> Row | None:
        values = {}
        for name, column in self.fields.items():
            if column in raw:
                check_characters(raw[column], column)
                values[name] = raw[column]
            elif name not in self.optional:
                raise MissingFieldError(name, f"has no field '{column}' (it has: {some(list(map(str, raw)))})")
        first = next(iter(self.fields))
        if blank(values[first]):
            if self.skip_blank:
                return None
            raise BadRowError(f"field '{self.fields[first]}' is empty")
        name = place if blank(raw.get("id")) else str(raw["id"])
        check_characters(name, "id")
        return Row(name, values, self._folder(), self.media)

    def _folder(self) -> Path | None:
        """From which the paths in the rows start; the working folder for rows of a YAML, None for those of the Hub."""
        if self.path is not None:
            return Path(self.path).expanduser().parent
        return Path() if self.rows else None

    def label(self, row: Row) -> str | None:
        """The row's label by name; None where the source hides it (-1) or has none."""
        value = row.values.get("label")
        if blank(value) or whole(value) == -1:
            return None
        return self.named(value) if self.labels else self.named(value).lower()

    def named(self, value: Any, what: str = "label") -> str:
        """The label in a field, given by name or by its place in `labels`; BadRowError where it is none of them."""
        return named(value, self.labels, what)


def _alike(similar: str | None, column: str) -> bool:
    return similar is not None and similar.strip().casefold() == column.casefold()
