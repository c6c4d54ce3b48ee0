"""Intervals by resampling are those of scipy.stats.bootstrap, which is too heavy for a run to import."""

import warnings

import numpy
import pytest
from scipy.stats import bootstrap as of_scipy

from joulemark.core import bootstrap

LEVEL, RESAMPLES, AT_ONCE = 0.95, 400, 64


def two_metrics(values):
    """Of each row of places, the mean and the largest: one that BCa suits and one that lies at the edge."""
    return lambda places: numpy.stack([values[places].mean(axis=-1), values[places].max(axis=-1)])


def reference(values, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return of_scipy(
            (numpy.arange(len(values)),), lambda places, axis: two_metrics(values)(places), n_resamples=RESAMPLES,
            batch=AT_ONCE, vectorized=True, method=method, confidence_level=LEVEL, rng=0,
        )  # fmt: skip


@pytest.mark.parametrize("count", [2, 7, 130])
def test_the_ends_and_the_standard_error_are_scipys(count):
    values = numpy.random.default_rng(count).random(count) ** 3
    statistic = two_metrics(values)
    distribution = bootstrap.resampled(statistic, count, RESAMPLES, AT_ONCE)
    for method, ends in (
        ("percentile", bootstrap.percentile_ends(distribution)),
        ("BCa", bootstrap.bca_ends(statistic, count, distribution, AT_ONCE)),
    ):
        expected = reference(values, method)
        numpy.testing.assert_allclose(numpy.transpose(ends), expected.confidence_interval, rtol=1e-12)
        numpy.testing.assert_allclose(distribution.std(ddof=1, axis=-1), expected.standard_error, rtol=1e-12)


def test_how_many_resamples_are_in_memory_at_once_changes_no_number():
    statistic = two_metrics(numpy.random.default_rng(0).random(50))
    one, other = (bootstrap.resampled(statistic, 50, RESAMPLES, at_once) for at_once in (1, RESAMPLES))
    numpy.testing.assert_array_equal(one, other)


def test_resamples_that_are_all_alike_have_no_bca_interval():
    statistic = two_metrics(numpy.ones(9))
    distribution = bootstrap.resampled(statistic, 9, RESAMPLES, AT_ONCE)
    assert all(numpy.isnan(end) for ends in bootstrap.bca_ends(statistic, 9, distribution, AT_ONCE) for end in ends)
