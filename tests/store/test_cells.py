"""What a store remembers of scatter: the cells, windows and qualities of runs that count."""

from dataclasses import replace

import pytest

from joulemark.core.cell import Cell
from joulemark.core.task import MetricInterval
from joulemark.store import cells, listing
from tests.records import a_record
from tests.reporting.runs import a_run

KNOWN_QUALITY = {"quality/ci95_low": 0.85}
RUNS = [
    a_run("alpha", 1.0, 0.02, quality=0.91, metrics=KNOWN_QUALITY, compare__cell="a", windows="3"),
    a_run("alpha", 1.1, 0.02, quality=0.90, metrics=KNOWN_QUALITY, compare__cell="a", windows="3"),
    a_run("alpha", 9.0, 0.02, compare__cell="a", flags="contaminated"),
    a_run("alpha", 9.0, 0.02, compare__cell="a", status="failed"),
    a_run("beta", 2.0, 0.5, compare__cell="b", windows="10", flags="estimated, not_converged"),
    a_run("beta", 2.0, None, compare__cell="b"),
    a_run("gamma", 2.0, None),
]


def test_what_counts_is_remembered_and_what_did_not_converge_is_for_its_windows_alone(monkeypatch):
    asked = []
    monkeypatch.setattr(listing, "runs", lambda uri, choice, params: asked.append(choice) or iter(RUNS))
    known = cells.remembered("sqlite:///x.db", "c", "text_classification")
    assert asked == [listing.Choice(tasks=("text_classification",), card="c")]
    assert known.cells == (Cell((1.0, 1.1), None, "c"),)
    assert [(each.count, each.relative) for each in known.windows] == [
        (3, 0.02), (3, pytest.approx(0.02 / 1.1)), (10, 0.25)
    ]  # fmt: skip
    assert known.qualities == {"alpha": 0.91}  # the newest comes first


def test_a_quality_of_the_whole_set_is_no_share_by_which_samples_are_planned(monkeypatch):
    monkeypatch.setattr(listing, "runs", lambda uri, choice, params: iter(RUNS))
    record = a_record()
    whole = replace(record, intervals={record.task.metric: MetricInterval(0.85, 0.95, 40, "BCa bootstrap")})
    for held, qualities in ((whole, {}), (record, {"alpha": 0.91})):
        monkeypatch.setattr(listing, "record", lambda uri, run, held=held: held)
        assert cells.remembered("sqlite:///x.db", "c", "token_classification").qualities == qualities
