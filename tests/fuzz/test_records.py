"""Records that were changed by hand, cut, or written by who wishes harm: refused in one line, or read as they are.

No traceback, and no figure that is not finite, or below zero where nothing can be.
"""

import json
from math import isfinite
from pathlib import Path

import yaml
from hypothesis import given

from joulemark.analysis import audit, caveats, comparability, description, named_metrics
from joulemark.analysis.comparison import compare
from joulemark.analysis.regression import in_words, regression
from joulemark.core.record_json import from_json, to_json
from joulemark.store import run_page
from tests.fuzz.cases import examined
from tests.fuzz.mutations import mutated
from tests.records import a_record

OLDER = [json.loads(path.read_text()) for path in sorted((Path(__file__).parents[1] / "core/stored").glob("schema_*"))]
TODAY = [json.loads(json.dumps(to_json(record))) for record in (a_record(), *map(from_json, OLDER))]
CASES = mutated(OLDER + TODAY)
REFERENCE = a_record()

# What one more inference adds may be less than nothing by scatter; a correlation and a credit lie below zero, too
SIGNED = ("energy/dynamic", "energy/gpu_dynamic", "quality/")


def examine(values):
    """Reads a record as every command does, and computes all that they show of it."""
    record = from_json(values)
    metrics = named_metrics.metrics(record)
    for name, value in metrics.items():
        assert value is None or isfinite(value), f"{name} is {value}"
        assert value is None or value >= 0 or name.startswith(SIGNED), f"{name} is {value}"
    assert audit.verdict(record)
    list(caveats.foremost(record)), list(caveats.warnings(record))
    description.title(record), description.markdown(record, metrics)
    comparability.tags(record)
    for sides in ((record, REFERENCE), (REFERENCE, record), (record, record)):
        comparison = compare(*sides)
        in_words(comparison), regression(comparison, 0.03, 0.01)
    run_page.tags(record, metrics)
    json.dumps(to_json(record), allow_nan=False), yaml.safe_dump(dict(record.config))


@given(CASES)
def test_a_changed_record_is_refused_in_one_line_or_gives_finite_figures(values):
    examined(examine, values)
