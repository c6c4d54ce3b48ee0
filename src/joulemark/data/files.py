"""Rows of a file: JSON Lines, a JSON array, a table with separators, or parquet; packed or not.

A row comes with its place (`row 3`), as a dict from the file's own columns to their values. UserError, one line, names
the file and the row of whatever cannot be read.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.data import unpacking
from joulemark.data.fields import SURROGATE, some
from joulemark.data.unpacking import Unpacked

Rows = Iterator[tuple[str, Mapping[str, Any]]]

PACKED: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
UNPACKING = (EOFError, zlib.error, lzma.LZMAError)  # of a packed file that is cut or broken; gzip has OSError too
ARCHIVES = {b"PK\x03\x04": "a zip archive, as a workbook of Excel is, too: unpack it, or export it as csv",
            b"PAR1": "parquet: rename it to end in .parquet",
            b"\x1f\x8b\x08": "packed by gzip: rename it to end in .gz"}  # fmt: skip
LINES = "; write one object a line with no comma after it, or all of them in one array"
SEPARATORS = (",", ";", "\t", "|")
PARQUET_ROWS = 64  # read at once: a value that repeats is as large again in each
LONGEST_FIELD = 2**31 - 1  # characters of a csv's field; the csv module stops at 131,072 by itself
QUOTING = 'put a field that holds separators, quotes or line breaks in double quotes, a quote within it as ""'


def of_file(path: Path, columns: Sequence[str] | None = None, option: str = "task.path") -> Rows:
    """The rows of a file with their place; with `columns` of a parquet file those alone. `option` named it."""
    kind = path.with_suffix("") if path.suffix.lower() in PACKED else path
    if path.is_dir():
        inside = sorted(file.name for file in path.iterdir() if Path(file.name).suffix.lower() in READERS)
        raise UserError(f"{option}={path} is a folder; name a file in it: {some(inside) or 'it has none of rows'}")
    if not path.is_file():
        raise UserError(f"{option}={path} is not a file")
    if kind.suffix.lower() not in READERS:
        raise UserError(f"{option}={path}: unknown kind of file; use {', '.join(READERS)}, or one of these packed "
                        f"({', '.join(PACKED)})")  # fmt: skip
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty")
    if kind.suffix.lower() == ".parquet":
        return _parquet(path, columns)
    return READERS[kind.suffix.lower()](path)


@contextmanager
def _text(path: Path, newline: str | None = None) -> Iterator[Any]:
    """The file as text, unpacked, in the encoding that its first bytes show: UTF-8 or -16 or -32, marked or not.

    A byte that is not UTF-8 comes as a surrogate (`_check_bytes`), so that the row in which it is can be named.
    """
    try:
        with _unpacked(path) as file:
            head = file.peek(4)[:4]
            for magic, meaning in ARCHIVES.items():
                if head.startswith(magic):
                    raise UserError(f"{path} is {meaning}")
            encoding = json.detect_encoding(head)
            errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
            with io.TextIOWrapper(file, encoding, errors, newline) as text:
                yield text
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in {error.encoding}: {error.reason}; save it as UTF-8") from None
    except (OSError, *UNPACKING) as error:
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _unpacked(path: Path) -> Any:
    """The file's bytes, of a packed one as long as they are not absurdly more than it has."""
    opener = PACKED.get(path.suffix.lower())
    if opener is None:
        return path.open("rb")
    return io.BufferedReader(Unpacked(opener(path), path, path.stat().st_size))


def _check_bytes(path: Path, number: int, text: str) -> None:
    match = None if text.isascii() else SURROGATE.search(text)
    if match:
        byte = f"byte 0x{ord(match.group()) - 0xDC00:02x}"
        place = f"row {number}" if number else "the header"
        raise UserError(f"{path}, {place} is not UTF-8 ({byte}); save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8)")


def _json(path: Path) -> Rows:
    """The objects of a JSON array, else one of each line."""
    lines = _lines(path)
    begin, first = next(((number, line) for number, line in lines if line.strip()), (0, ""))
    if first.lstrip().startswith("["):
        text = "".join([first, *(line for _, line in lines)])
        array = _parsed(text, f"{path} begins as a JSON array and is none")
        for place, row in enumerate(array, start=1):
            yield from _row(path, place, row)
        return
    for number, line in chain([(begin, first)], lines):
        if line.strip():
            yield from _row(path, number, _parsed(line, f"{path}, row {number} is not JSON", LINES))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with _text(path) as file:
        for number, line in enumerate(file, start=1):
            _check_bytes(path, number, line)
            yield number, line


def _parsed(text: str, wrong: str, remedy: str = "") -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{wrong}: {error}{remedy}") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError(f"it has {_twice([key for key, _ in pairs])!r} twice")
    return made


def _row(path: Path, number: int, row: Any) -> Rows:
    if not isinstance(row, dict):
        raise UserError(f"{path}, row {number} is not a JSON object")
    if row and all(key.startswith("_") for key in row):
        return  # a line of metadata, as published prompt sets carry their provenance
    yield f"row {number}", row


def _table(path: Path) -> Rows:
    """The rows of a table in text, whatever separates its fields; the first row is the header."""
    csv.field_size_limit(LONGEST_FIELD)
    with _text(path, newline="") as file:
        header = next((line for line in file if line.strip()), "")
        while header.count('"') % 2 and (more := next(file, "")):  # a column's name may hold a line break, too
            header += more
    if header.startswith("sep="):
        raise UserError(f"{path} begins with a line that only Excel reads, {header.strip()}: take it away")
    separator = "\t" if ".tsv" in path.name.lower() else _separator(header)
    columns = _fields(header, separator)
    spaced = any(name != name.lstrip() for name in columns[1:])
    columns = [name.strip() for name in columns]
    _check_columns(path, columns)
    with _text(path, newline="") as file:
        reader = csv.reader(file, delimiter=separator, skipinitialspace=spaced, strict=True)
        number = -1  # of the header
        try:
            for values in reader:
                if not values or (number < 0 and not "".join(values).strip()):
                    continue
                number += 1
                for value in values:
                    _check_bytes(path, number, value)
                if len(values) != len(columns):
                    raise UserError(
                        f"{path}, row {number} (line {reader.line_num}) has not as many fields as the header: "
                        f"{len(values)}, not {len(columns)}; {QUOTING}"
                    )
                if number:
                    yield f"row {number}", {key: value for key, value in zip(columns, values, strict=True) if key}
        except csv.Error as error:
            raise UserError(f"{path}, after row {number} (line {reader.line_num}): {error}; {QUOTING}") from None


def _separator(header: str) -> str:
    """What separates most fields in the header."""
    return max(SEPARATORS, key=lambda separator: len(_fields(header, separator)))


def _fields(header: str, separator: str) -> list[str]:
    return next(csv.reader(io.StringIO(header, newline=""), delimiter=separator), [])


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    twice = _twice([name for name in columns if name])
    if twice is not None:
        raise UserError(f"{path} has two columns '{twice}'; rename one")


def _twice(names: Sequence[str]) -> str | None:
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


def _parquet(path: Path, columns: Sequence[str] | None = None) -> Rows:
    from pyarrow import ArrowException, parquet

    try:
        number = 0
        file = parquet.ParquetFile(path)
        _check_columns(path, file.schema_arrow.names)
        unpacking.check_parquet(path, file.metadata)
        for batch in file.iter_batches(batch_size=PARQUET_ROWS, columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
    except (ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as parquet: {str(error).splitlines()[0]}") from None


READERS: Mapping[str, Callable[[Path], Rows]] = {
    ".jsonl": _json, ".ndjson": _json, ".json": _json, ".csv": _table, ".tsv": _table, ".parquet": _parquet,
}  # fmt: skip
