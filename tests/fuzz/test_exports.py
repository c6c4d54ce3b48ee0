"""Broken records in every format of exports, and broken runs of a store on the explorer's page.

Each is refused in one line or written; no number of a document is not finite, and none is made up for what is unknown.
"""

import csv
import io
import json
import re
from dataclasses import replace
from math import isfinite

from hypothesis import given, strategies

from joulemark.core.record_json import from_json
from joulemark.reporting.explorer.build import data
from joulemark.reporting.exports import build
from joulemark.reporting.exports import format as formats
from joulemark.reporting.exports.run import Run, at
from tests.fuzz.cases import examined
from tests.fuzz.mutations import mutated, texts, values
from tests.fuzz.test_records import OLDER, TODAY
from tests.reporting.explorer.rows import a_foreign_run
from tests.reporting.exports.runs import FRANCE, OPTIONS
from tests.reporting.runs import a_run

RECORDS = strategies.tuples(strategies.sampled_from(formats.names()), mutated(OLDER + TODAY), strategies.booleans())
NUMBER = re.compile(r"-?(nan|inf|infinity)", re.IGNORECASE)
KNOWN = [a_run(), a_foreign_run()]


def examine(case):
    """Exports a record as the command does, over a site or as it stands."""
    name, held, placed = case
    record = from_json(held)
    run = Run(at(record, FRANCE) if placed else record)
    for made in build.documents(name, [run], OPTIONS):
        text = made.document.text
        text.encode()
        assert not [line for line in made.document.left_out if "\n" in line]
        if made.file.endswith(".json"):
            json.loads(text, parse_constant=lambda constant: pytest_fail(constant))
        elif made.file.endswith(".csv"):
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert not [cell for cell in cells if NUMBER.fullmatch(cell)]
            assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]


def pytest_fail(constant):
    raise AssertionError(f"{constant} in a document")


@given(RECORDS)
def test_a_broken_record_is_exported_with_finite_numbers_or_refused_in_one_line(case):
    examined(examine, case)


@strategies.composite
def runs(draw):
    """A run of a store whose tags, params and metrics anybody may have written."""
    run = draw(strategies.sampled_from(KNOWN))
    tags = {
        key: str(draw(values())) if draw(strategies.integers(0, 9)) == 0 else text for key, text in run.tags.items()
    }
    params = {**run.params, **draw(strategies.dictionaries(strategies.sampled_from(("precision", "batch_size",
              "model.parameters")), texts()))}  # fmt: skip
    metrics = {name: draw(strategies.floats()) if draw(strategies.booleans()) else value
               for name, value in run.metrics.items()}  # fmt: skip
    return replace(run, tags={**tags, draw(texts()): draw(texts())}, params=params, metrics=metrics)


@given(strategies.lists(runs(), max_size=4))
def test_any_runs_of_a_store_are_on_a_page_whose_numbers_are_finite(some):
    held = data(some, "")
    assert held["rows"] == len(some)
    json.dumps(held, allow_nan=False)
    for column in held["numbers"]:
        assert all(value is None or isfinite(value) for value in column.get("values", ()))
