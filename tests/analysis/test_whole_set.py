"""Two models by a metric of the whole set: pairs of the requests that both hold, or a reason, and never two values."""

from dataclasses import replace

import numpy
import pytest

from joulemark.analysis import quality
from joulemark.core.record import Request
from joulemark.core.task import MetricInterval, Statistics
from joulemark.tasks.metrics import resampling
from joulemark.tasks.metrics.whole_set import KINDS, values
from tests.records import a_record

DRAW = numpy.random.default_rng(0)


def a_run(rows, kind="words", metric="word_accuracy", ids=None):
    """A run of a task whose metric is of the whole set, with the statistics of each request."""
    rows = numpy.asarray(rows, float)
    each = zip(ids or range(len(rows)), rows.tolist(), strict=True)
    plain = a_record()
    value = values(KINDS[kind](rows), len(rows))[metric]
    return replace(
        plain, task=replace(plain.task, metric=metric), scores={"primary": value, metric: value}, statistics=kind,
        requests=tuple(Request(str(key), "", "", None, 1, 0.1, statistics=tuple(row)) for key, row in each),
        intervals=resampling.intervals(Statistics(kind, rows, [True] * len(rows))),
    )  # fmt: skip


def clips(count, *rates):
    """Errors and words of as many clips by each of several models: what is hard for one is hard for all."""
    words, hard = DRAW.integers(3, 25, count), DRAW.gamma(1.0, 1.0, count)
    return [numpy.stack([DRAW.poisson(words * hard * rate), words], axis=1) for rate in rates]


def test_a_run_against_itself_differs_by_nothing_to_nothing():
    run = a_run(clips(60, 0.1)[0])
    result = quality.difference(run, run)
    assert (result.outcome, result.difference, result.low, result.high, result.p) == ("tie", 0.0, 0.0, 0.0, 1.0)
    assert quality.surely_loses(run, run, 0.0) is False


def test_what_is_hard_for_both_is_no_difference_so_that_pairs_tell_what_two_intervals_do_not():
    a, b = map(a_run, clips(300, 0.10, 0.13))
    alone = [quality.interval(run) for run in (a, b)]
    assert alone[0].low < alone[1].high  # by their own intervals nothing could be said
    result = quality.difference(a, b)
    assert (result.outcome, quality.difference(b, a).outcome) == ("A", "B")
    unpaired = sum((known.high - known.low) ** 2 for known in alone) ** 0.5
    assert result.high - result.low < 0.8 * unpaired
    assert result.low <= result.difference <= result.high
    assert result.p < 0.05


def test_the_loss_beyond_a_share_is_computed_on_the_same_resamples():
    a, b = map(a_run, clips(300, 0.10, 0.16))
    loss = 1 - b.scores["primary"] / a.scores["primary"]
    assert quality.surely_loses(b, a, loss / 3) is True
    assert quality.surely_loses(b, a, loss) is False
    assert quality.surely_loses(a, b, 0.0) is False


def test_only_requests_that_both_hold_are_compared_and_the_last_of_one_that_came_twice():
    of_a, of_b = clips(60, 0.1, 0.1)
    a = a_run([*of_a, [0, 5]], ids=[*range(60), 7])
    b = a_run(of_b[::-1], ids=[*range(69, 9, -1)])
    result = quality.difference(a, b)
    assert result.n == 50
    of_a[7] = [0, 5]  # no word wrong, the second time
    shared = a_run(of_a[10:]), a_run(of_b[:50])
    assert result.difference == pytest.approx(shared[0].scores["primary"] - shared[1].scores["primary"])


def test_two_models_are_never_compared_by_their_values_the_reason_stands_instead():
    a, b = map(a_run, clips(60, 0.05, 0.5))
    older = replace(b, statistics=None, requests=())
    others = a_run(clips(60, 0.1)[0], ids=range(100, 160))
    another = a_run(DRAW.integers(0, 3, (60, 2)), "labels", "f1_macro")
    unread = replace(b, requests=(), request_summary=quality.requests.summary(b))
    for other, why in (
        (older, "word_accuracy is of the whole set, and the run kept nothing"),
        (others, "share no scored input"),
        (another, "are not one metric"),
        (unread, "requests.parquet of B is not beside its record"),
        (replace(b, requests=b.requests[:1]), "share 1 scored input"),
    ):
        result = quality.difference(a, other)
        assert (result.outcome, result.p) == ("unknown", None)
        assert why in result.note
        assert quality.surely_loses(other, a, 0.0) is None


def test_a_metric_that_takes_too_long_has_no_verdict_and_says_so(monkeypatch):
    monkeypatch.setattr(resampling, "PAIR_S", 0.0)
    a, b = map(a_run, clips(60, 0.05, 0.5))
    result = quality.difference(a, b)
    assert (result.outcome, result.low) == ("unknown", None)
    assert "would take more than" in result.note


def test_a_perfect_value_of_the_whole_set_is_no_mean_of_scores_that_are_all_perfect():
    """Every tag right: F1 is 1 and so is the mean of the scores, whose interval is another quantity's."""
    run = a_run(numpy.tile([2, 2, 2, 9, 9], (40, 1)), "entities", "f1")
    run = replace(run, requests=tuple(replace(row, score=1.0) for row in run.requests))
    assert quality.interval(run) is None
    older = replace(run, statistics=None, intervals={"f1": MetricInterval(None, None, 40, "all alike")})
    assert quality.interval(older) is None
    assert quality.difference(run, older).outcome == "unknown"


@pytest.mark.parametrize(("kind", "metric"), [("labels", "f1_macro"), ("words", "wer")])
def test_the_interval_of_a_difference_holds_the_truth_nineteen_times_of_twenty_and_equals_are_told_apart_once(
    kind, metric, monkeypatch
):
    def models(count, worse):
        if kind == "words":
            return clips(count, 0.1, 0.1 * (1 + worse))
        truth, hard = DRAW.choice(3, count, p=(0.5, 0.35, 0.15)), DRAW.random(count)
        right = [DRAW.random(count) < 0.9 - 0.6 * (hard < 0.3) - loss for loss in (0.0, worse / 3)]
        return [numpy.stack([truth, numpy.where(each, truth, DRAW.choice(3, count))], axis=1) for each in right]

    monkeypatch.setattr(resampling, "PERCENTILE", (200,))
    monkeypatch.setattr(resampling, "_seconds", lambda count, statistic: 0.0)
    of_all = [values(KINDS[kind](rows), 100_000)[metric] for rows in models(100_000, 0.3)]
    draws, held, told = 100, 0, 0
    for _ in range(draws):
        known = resampling.difference(kind, metric, *models(80, 0.3))
        held += known.low <= of_all[0] - of_all[1] <= known.high
        told += resampling.difference(kind, metric, *models(80, 0.0)).p < 0.05
    deviation = (0.05 * 0.95 / draws) ** 0.5
    assert held / draws > 0.95 - 3 * deviation
    assert told / draws < 0.05 + 3 * deviation
