"""The requests of a run as its file `requests.parquet`, a row each: written and read some thousands at a time."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.indexed import Indexed
from joulemark.core.record import Request

NAME = "requests.parquet"
AT_ONCE = 10_000  # rows of a group of the file
AS_OBJECTS = 1000  # rows that are held as objects, which take ten times the memory of columns
TOKENS = ("input_tokens", "output_tokens")
NUMBERS = ("score", "latency_s", "due_s", "sent_s", "first_token_s", "finished_s", "energy_j", "prefill_j")
COUNTS = ("units", "input_tokens", "output_tokens", "reasoning_tokens")
TYPES = {**dict.fromkeys(NUMBERS, "double"), **dict.fromkeys(COUNTS, "int64"), "truncated": "bool"}
STATISTICS = "statistics"  # a list of numbers
# The columns of every file; those of fields with a default of None came later, and files of before them lack them
COLUMNS = tuple(field.name for field in fields(Request) if field.default is not None or field.name in TOKENS)
LATER = tuple(field.name for field in fields(Request) if field.name not in COLUMNS)


class RequestWriter:
    """Writes rows one by one; the file is there, whole, once the block ends without an error."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the file goes; it is written beside the folder."""
        self.path = folder / NAME
        self._part = folder.parent / f"{NAME}.part"
        self._rows: list[Request] = []
        self._columns: list[Any] = []

    def __enter__(self) -> "RequestWriter":
        import pyarrow
        from pyarrow import parquet

        kinds = {name: pyarrow.type_for_alias(kind) for name, kind in TYPES.items()}
        kinds[STATISTICS] = pyarrow.list_(pyarrow.float64())
        names = [field.name for field in fields(Request)]
        self._schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in names])
        try:
            self._file = parquet.ParquetWriter(self._part, self._schema, compression="zstd")
        except BaseException:
            self._remove()  # a full disk leaves the beginning of a file
            raise
        return self

    def add(self, request: Request) -> None:
        """Adds a row."""
        self._rows.append(request)
        if len(self._rows) >= AS_OBJECTS:
            self._pack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import pyarrow

        try:
            if kind is None:
                self._pack()
                self._flush()
            self._file.close()
            if kind is None:
                os.replace(self._part, self.path)
            pyarrow.default_memory_pool().release_unused()  # some megabytes
        finally:
            self._remove()

    def _remove(self) -> None:
        with suppress(OSError):
            self._part.unlink()

    def _pack(self) -> None:
        import pyarrow

        columns = {name: [_cell(getattr(row, name)) for row in self._rows] for name in self._schema.names}
        self._columns.append(pyarrow.record_batch(columns, schema=self._schema))
        self._rows = []
        if len(self._columns) * AS_OBJECTS >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        self._file.write_table(pyarrow.Table.from_batches(self._columns, self._schema))
        self._columns = []


class RequestTable(Indexed[Request]):
    """The rows of a file, read when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._group: tuple[int, list[Request]] | None = None

    def __len__(self) -> int:
        return self._bounds[-1]

    def __iter__(self) -> Iterator[Request]:
        return rows(self.path)

    def item(self, place: int) -> Request:
        """One row; the group that holds it is kept for the next."""
        number = next(number for number, bound in enumerate(self._bounds[1:]) if place < bound)
        if self._group is None or self._group[0] != number:
            with _opened(self.path) as file:
                self._group = number, _requests(file.read_row_group(number, columns=_columns(file)))
        return self._group[1][place - self._bounds[number]]

    @cached_property
    def _bounds(self) -> list[int]:
        """Where each group of rows begins, and after the last."""
        bounds = [0]
        with _opened(self.path) as file:
            for number in range(file.num_row_groups):
                bounds.append(bounds[-1] + file.metadata.row_group(number).num_rows)
        return bounds


def rows(path: Path) -> Iterator[Request]:
    """Every row in order.

    Raises:
        UserError: the file cannot be read as a table of requests
    """
    with _opened(path) as file:
        for batch in file.iter_batches(AT_ONCE, columns=_columns(file)):
            yield from _requests(batch)


def scores(path: Path) -> Iterator[tuple[str, float]]:
    """Id and score of each request that was scored; UserError as in `rows`."""
    with _opened(path) as file:
        for batch in file.iter_batches(AT_ONCE, columns=["id", "score"]):
            for key, score in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                if score is not None:
                    yield key, score


def statistics(path: Path) -> Iterator[tuple[str, Any]]:
    """Id and statistics of each request that has them, as arrays of numpy; UserError as in `rows`."""
    with _opened(path) as file:
        if STATISTICS not in file.schema_arrow.names:
            return
        for batch in file.iter_batches(AT_ONCE, columns=["id", STATISTICS]):
            each = batch.column(1)
            bounds, values = each.offsets.to_numpy(), each.values.to_numpy()
            for place, key in enumerate(batch.column(0).to_pylist()):
                if each[place].is_valid:
                    yield key, values[bounds[place] : bounds[place + 1]]


def _opened(path: Path) -> Any:
    from pyarrow import ArrowException, parquet

    try:
        file = parquet.ParquetFile(path)
    except (OSError, ArrowException) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise UserError(f"{path} cannot be read as the requests of a run: {reason}") from None
    lacking = [name for name in COLUMNS if name not in file.schema_arrow.names]
    if lacking:
        file.close()
        raise UserError(f"{path} holds no requests of a run: it has no column {lacking[0]}")
    return file


def _columns(file: Any) -> list[str]:
    return [name for name in (*COLUMNS, *LATER) if name in file.schema_arrow.names]


def _requests(table: Any) -> list[Request]:
    rows = table.to_pylist()
    for row in rows:
        if row.get(STATISTICS) is not None:
            row[STATISTICS] = tuple(row[STATISTICS])
    return [Request(**row) for row in rows]


def _cell(value: Any) -> Any:
    """Text that no encoding takes (a lone half of a character) keeps its place with a mark."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
