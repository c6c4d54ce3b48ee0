"""Rows where they lie: in a jsonl, csv or parquet file, or in a dataset of the Hub.

A row comes with its place (`row 3`), as a dict from the source's own columns to their values.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.data import hub


def of_file(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a jsonl, csv or parquet file with their place (`row 3`); UserError names the file and the row."""
    readers = {".jsonl": _jsonl, ".json": _jsonl, ".csv": _csv, ".parquet": _parquet}
    if not path.is_file():
        raise UserError(f"task.path={path} is not a file")
    if path.suffix.lower() not in readers:
        raise UserError(f"task.path={path}: unknown kind of file; use {', '.join(readers)}")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty")
    return readers[path.suffix.lower()](path)


def _jsonl(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8"))
            except ValueError as error:
                raise UserError(f"{path}, row {number} is not JSON in UTF-8: {error}") from None
            if not isinstance(row, dict):
                raise UserError(f"{path}, row {number} is not a JSON object")
            if row and all(str(key).startswith("_") for key in row):
                continue  # a line of metadata, as published prompt sets carry their provenance
            yield f"row {number}", row


def _csv(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        number = 0
        try:
            for number, row in enumerate(reader, start=1):
                if None in row or None in row.values():
                    line = reader.line_num  # what an editor shows: the header is a line, and a field may hold several
                    raise UserError(f"{path}, row {number} (line {line}) has not as many fields as the header")
                yield f"row {number}", row
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path}, after row {number}: {error}") from None


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from pyarrow import ArrowException, parquet

    try:
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                number += 1
                yield f"row {number}", row
    except (ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read as parquet: {str(error).splitlines()[0]}") from None


def of_hub(
    name: str, id: str, config: str | None, split: str | None, revision: str | None, data_dir: str | None
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Streams a dataset of the Hub; network trouble and unknown ids become one line with what to do.

    `name` is its name on the command line. Images and sounds come as the bytes of their files.
    """
    if hub.described("dataset", id, revision, f"task.dataset={name}, id") is None:
        raise _unread(name, id, "the Hub cannot be reached")
    import datasets
    from pyarrow import ArrowException

    datasets.disable_progress_bars()
    # The library's own refusals (no such config or split, a script in place of data) come as plain built-in errors
    refusals = (OSError, ValueError, RuntimeError, ArrowException, *hub.network_errors())
    try:
        stream = datasets.load_dataset(id, config, split=split, revision=revision, data_dir=data_dir, streaming=True)
        for number, row in enumerate(_undecoded(stream)):
            yield f"row {number}", row
    except refusals as error:
        refused = hub.refusal(error, "dataset", id, revision, f"task.dataset={name}, id")
        if isinstance(error, datasets.exceptions.DatasetNotFoundError) and "gated" in str(error):
            # the package drops the Hub's own message
            refused = hub.gated("dataset", id, f"task.dataset={name}, id")
        if refused is not None:
            raise refused from None
        raise _unread(name, id, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}") from error


def _undecoded(stream: Any) -> Any:
    """The stream with images and sounds as the bytes of their files: decoding is part of an inference."""
    import datasets

    for name, feature in (stream.features or {}).items():
        if isinstance(feature, (datasets.Image, datasets.Audio)):
            stream = stream.cast_column(name, type(feature)(decode=False))
    return stream


def _unread(name: str, id: str, why: str) -> UserError:
    return UserError(
        f"task.dataset={name}: {id} cannot be read ({why}); "
        "type task.dataset=embedded, or task.dataset=file task.path=FILE"
    )
