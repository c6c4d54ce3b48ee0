"""Quality has an interval, and two models on the same inputs are compared as pairs."""

from dataclasses import replace

import pytest

from joulemark.analysis import quality
from joulemark.core.record import Request
from joulemark.core.task import MetricInterval
from tests.records import a_record

RECORD = a_record()


def scored(scores, primary=None):
    requests = tuple(Request(str(number), "", "", score, 1, 0.1) for number, score in enumerate(scores))
    known = [score for score in scores if score is not None]
    value = sum(known) / len(known) if primary is None else primary
    return replace(RECORD, requests=requests, scores={"primary": value})


def test_a_share_has_wilsons_interval():
    known = quality.interval(scored([1.0] * 37 + [0.0] * 3))
    assert (known.low, known.high) == pytest.approx((0.8014, 0.9742), abs=1e-3)
    assert known.n == 40


def test_a_mean_has_a_bootstrap_interval_around_it_that_is_the_same_each_time():
    scores = [number / 99 for number in range(100)]
    known = quality.interval(scored(scores))
    assert known.low < 0.5 < known.high
    assert known.high - known.low == pytest.approx(2 * 1.96 * 0.0291, rel=0.1)
    assert quality.interval(scored(scores)) == known


def test_a_metric_of_the_whole_set_has_none_and_decides_nothing():
    record = scored([1.0, 0.0, 1.0], primary=0.123)
    assert quality.interval(record) is None
    assert quality.difference(record, scored([1.0, 0.0, 1.0])).outcome == "unknown"


def test_a_metric_of_the_whole_set_has_the_interval_that_was_computed_when_it_was_scored():
    plain = scored([None] * 3, primary=0.5)
    metric, ends = plain.task.metric, MetricInterval(0.4, 0.6, 3, "BCa bootstrap")
    assert quality.interval(replace(plain, intervals={metric: ends})) == quality.QualityInterval(
        0.5, 0.4, 0.6, 3, "BCa bootstrap"
    )
    for intervals in ({}, {metric: MetricInterval(None, None, 3, "too slow")}, {"another": ends}):
        assert quality.interval(replace(plain, intervals=intervals)) is None


def test_37_and_35_of_40_are_indistinguishable_and_the_samples_that_would_tell_are_named():
    result = quality.difference(scored([1.0] * 37 + [0.0] * 3), scored([1.0] * 35 + [0.0] * 5))
    assert result.outcome == "tie"
    assert result.note.startswith("indistinguishable at n = 40; about ")


def test_the_same_inputs_are_pairs_so_that_a_steady_advantage_is_established():
    a = [1.0] * 60 + [0.0] * 40
    b = [1.0] * 48 + [0.0] * 52  # wrong wherever a is, and in twelve more
    result = quality.difference(scored(a), scored(b))
    assert (result.outcome, result.difference) == ("A", pytest.approx(0.12))
    assert quality.difference(scored(b), scored(a)).outcome == "B"


def test_paired_means_that_differ_steadily_are_established_though_their_intervals_overlap():
    a = [number / 200 for number in range(100)]
    b = [score + 0.01 + (number % 3) * 0.001 for number, score in enumerate(a)]
    assert quality.interval(scored(a)).high > quality.interval(scored(b)).low
    assert quality.difference(scored(a), scored(b)).outcome == "B"


def test_five_samples_exclude_nothing_and_two_hundred_do():
    assert not quality.surely_below(quality.interval(scored([1.0, 1.0, 1.0, 0.0, 0.0])), 0.8)
    assert quality.surely_below(quality.interval(scored([1.0] * 120 + [0.0] * 80)), 0.8)


def test_inputs_that_only_one_was_scored_on_are_no_pairs():
    result = quality.difference(scored([1.0, None, 0.0, 1.0]), scored([None, 1.0, 0.0, 1.0]))
    assert result.n == 2


@pytest.mark.parametrize(
    ("wrong", "share", "loses"),
    [(12, 0.0, True), (12, 0.05, True), (12, 0.2, False), (2, 0.0, False)],
)
def test_a_loss_beyond_a_share_is_established_on_pairs_or_not_at_all(wrong, share, loses):
    best, other = scored([1.0] * 60 + [0.0] * 40), scored([1.0] * (60 - wrong) + [0.0] * (40 + wrong))
    assert quality.surely_loses(other, best, share) is loses
    assert not quality.surely_loses(best, other, share)


def test_a_loss_is_unknown_where_the_runs_are_no_pairs():
    best, other = scored([1.0, 0.0, None]), scored([None, None, 0.0])
    assert quality.surely_loses(other, best, 0.0) is None
    assert quality.surely_loses(scored([1.0, 0.0], primary=0.1), best, 0.0) is None


def test_a_loss_that_is_the_same_on_every_input_is_established_by_inputs_enough():
    assert not quality.surely_loses(scored([0.0] * 5), scored([1.0] * 5), 0.05)
    assert quality.surely_loses(scored([0.0] * 6), scored([1.0] * 6), 0.05)
