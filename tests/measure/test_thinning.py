"""Of very many latencies a record keeps some: every percentile stays, the mean is exact, no draft sends one twice."""

from dataclasses import replace

import pytest

from joulemark.analysis.latency_metrics import latency_metrics
from joulemark.core.measurement import Measurement, Window
from joulemark.measure import thinning
from joulemark.measure.thinning import Thinner


def measurement(batches, passes=1):
    latencies = [(number * 7919 % batches) / batches + 0.001 for number in range(batches)] * passes
    window = Window(1.0, (), passes, 2 * batches * passes, 1, latencies)
    return Measurement(windows=(window, window), warmup_batch_s=latencies, batch_sizes=(2,) * batches)


def test_few_latencies_are_kept_as_they_are():
    few = measurement(50)
    assert Thinner().thinned(few) is few


@pytest.mark.parametrize("passes", [1, 3])
def test_the_metrics_of_some_latencies_are_those_of_all(monkeypatch, passes):
    monkeypatch.setattr(thinning, "MOST", 1000)
    whole = measurement(9000, passes)
    some = Thinner().thinned(whole)
    assert {len(window.batch_s) for window in some.windows} == {1000}
    assert (len(some.warmup_batch_s), some.batch_sizes) == (1000, ())
    of_whole, of_some = latency_metrics(whole), latency_metrics(some)
    assert of_some["latency/mean_s"] == pytest.approx(of_whole["latency/mean_s"], rel=1e-12)
    for name in ("p50", "p90", "p95", "p99"):
        assert of_some[f"latency/{name}_s"] == pytest.approx(of_whole[f"latency/{name}_s"], abs=1.5e-3)


def test_a_window_that_was_sent_is_the_same_object_in_the_next_draft(monkeypatch):
    monkeypatch.setattr(thinning, "MOST", 10)
    thinner, whole = Thinner(), measurement(50)
    first = thinner.thinned(replace(whole, windows=whole.windows[:1]))
    assert thinner.thinned(whole).windows[0] is first.windows[0]


def test_the_mean_is_exact_where_only_some_windows_were_thinned(monkeypatch):
    monkeypatch.setattr(thinning, "MOST", 100)
    short, long = measurement(40), measurement(40, passes=3)
    both = replace(short, windows=(short.windows[0], long.windows[0]), warmup_batch_s=())
    some = Thinner().thinned(both)
    assert [len(window.batch_s) for window in some.windows] == [40, 100]
    assert latency_metrics(some)["latency/mean_s"] == pytest.approx(latency_metrics(both)["latency/mean_s"])
