"""The rows of a run's requests as its files, each row seen once: Parquet, and the first ones as a table for MLflow.

files/requests.parquet   every request
files/requests.json      the first thousand, which MLflow's page of the run shows
"""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from joulemark.analysis import quality
from joulemark.analysis.requests import Summarizer
from joulemark.core.record import Record, Request
from joulemark.data.request_table import COLUMNS, RequestWriter

SHOWN = 1000  # rows of the page's table, which a browser holds as a whole
TABLE = "requests.json"


def written(record: Record, rows: Iterable[Request], files: Path) -> Record:
    """The record with the summary of all rows, which are in the files then.

    A disk that is full takes the files, not the run: its summary is whole, and there is no `requests_file`.
    """
    taken = Summarizer()
    first: list[list[Any]] = []
    rows = iter(rows)
    path: Path | None = files
    with ExitStack() as stack:
        try:
            writer = stack.enter_context(RequestWriter(files))
            for row in rows:
                taken.add(row)
                if len(first) < SHOWN:
                    first.append(list(asdict(row).values()))
                writer.add(row)
            stack.close()
            (files / TABLE).write_text(json.dumps({"columns": COLUMNS, "data": first}, ensure_ascii=False))
            path = writer.path
        except OSError:
            path = None
            for row in rows:
                taken.add(row)
    return replace(record, served=quality.completed(taken.counted(), taken.scores.of_inputs()), requests_file=path)
