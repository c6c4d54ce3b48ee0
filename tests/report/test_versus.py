"""The verdict from means and intervals is the one that analysis/comparison.py gives from the windows themselves."""

import random
from dataclasses import replace

import pytest

from joulemark.analysis import comparison, named_metrics
from joulemark.report.entry import entry
from joulemark.report.selection import completed
from joulemark.report.versus import versus
from tests.records import a_record
from tests.report.runs import a_run, an_entry


def record_of(joules):
    """A record with a window for each of these joules a request."""
    record = a_record()
    first = record.measurement.windows[0]
    windows = []
    for each in joules:
        reading = replace(first.readings[0], cpu_j=each * first.requests, duration_s=first.duration_s)
        windows.append(replace(first, readings=(reading,)))
    return replace(record, measurement=replace(record.measurement, windows=tuple(windows)))


def entry_of(record):
    metrics = {name: value for name, value in named_metrics.metrics(record).items() if value is not None}
    held = a_run(metrics=metrics)
    return entry(held, {**held.tags, **completed(record)})


@pytest.mark.parametrize("seed", range(40))
def test_the_verdict_is_that_of_src_comparison(seed):
    draw = random.Random(seed)
    apart, spread, count = draw.choice((0.0, 0.02, 0.05, 0.3)), draw.choice((0.001, 0.02)), draw.choice((2, 3, 5))
    a, b = (record_of([draw.gauss(mean, spread) for _ in range(count)]) for mean in (10.0, 10.0 + apart))
    expected = comparison.compare(a, b)
    assert expected.reasons == ()
    assert versus(entry_of(a), entry_of(b)).verdict == expected.verdict


def test_exchanging_the_two_exchanges_the_verdict():
    a, b = an_entry("a", 1.0, 0.01), an_entry("b", 2.0, 0.02)
    assert (versus(a, b).verdict, versus(b, a).verdict) == ("A", "B")
    assert versus(a, b).ratio == pytest.approx(1 / versus(b, a).ratio)


def test_the_ratio_lies_within_what_both_intervals_allow():
    found = versus(an_entry("a", 1.0, 0.1), an_entry("b", 2.0, 0.2))
    assert found.least == pytest.approx(1.8 / 1.1)
    assert found.most == pytest.approx(2.2 / 0.9)
    assert versus(an_entry("a", 1.0, 1.5), an_entry("b", 9.0, 0.1)).most is None
