"""The rows of a run's requests as its files, each row seen once: Parquet, and the first ones as a table for MLflow.

files/requests.parquet   every request
files/requests.json      the first thousand, which MLflow's page of the run shows
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from joulemark.analysis import quality
from joulemark.analysis.requests import Summarizer
from joulemark.core.private_files import private_files
from joulemark.core.record import Record, Request
from joulemark.data.request_table import COLUMNS, LATER, STATISTICS, RequestWriter

SHOWN = 1000  # rows of the page's table, which a browser holds as a whole
TABLE = "requests.json"


def written(record: Record, rows: Iterable[Request], files: Callable[[], Path]) -> Record:
    """The record with the summary of all rows, which are in the folder's files then.

    A disk that is full takes the files, not the run: its summary is whole, and there is no `requests_file`.
    """
    taken, rows = Summarizer(), iter(rows)
    path: Path | None = None
    try:
        with private_files():  # a store keeps the modes of what it is given
            folder = files()
            with RequestWriter(folder) as writer:
                _write(rows, taken, writer, folder / TABLE, _shown(record))
        path = writer.path
    except OSError:
        for row in rows:
            taken.add(row)
    summary = quality.completed(taken.counted(), taken.scores.of_inputs())
    return replace(record, request_summary=summary, requests_file=path)


def _shown(record: Record) -> Sequence[str]:
    """The columns of the page's table: the moments and the energy of each request where it has some."""
    more = [name for name in LATER if name != STATISTICS] if record.measurement.traffic is not None else ()
    return (*COLUMNS, *more)


def _write(
    rows: Iterable[Request], taken: Summarizer, writer: RequestWriter, table: Path, columns: Sequence[str]
) -> None:
    first: list[list[Any]] = []
    for row in rows:
        taken.add(row)
        if len(first) < SHOWN:
            first.append([getattr(row, name) for name in columns])
        writer.add(row)
    table.write_text(json.dumps({"columns": columns, "data": first}, ensure_ascii=False), encoding="utf-8")
