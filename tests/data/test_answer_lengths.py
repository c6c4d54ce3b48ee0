"""Lengths of answers: as stated, within the budget, the same for the same seed."""

from random import Random
from statistics import fmean, median, stdev

import pytest

from joulemark.data.answer_lengths import AnswerLengths, pieces


def draws(source="lognormal", median_=300, sigma=0.8, least=1, most=10**9, count=20_000, reference=None):
    random = Random("0 lengths")
    lengths = AnswerLengths(source, median_, sigma, least, most)
    return [lengths.draw(random, reference) for _ in range(count)]


def test_a_lognormal_has_its_median_and_its_spread():
    from math import log

    found = draws()
    assert median(found) == pytest.approx(300, rel=0.03)
    assert stdev(map(log, found)) == pytest.approx(0.8, rel=0.03)
    assert fmean(map(log, found)) == pytest.approx(log(300), rel=0.01)


def test_the_first_are_the_same_however_many_are_drawn():
    assert draws(count=10) == draws(count=100)[:10]
    assert len(set(draws(count=100))) > 50


def test_none_is_outside_the_budget():
    found = draws(least=200, most=400)
    assert (min(found), max(found)) == (200, 400)


def test_a_fixed_one_is_the_median_and_that_of_a_reference_its_words_and_marks():
    assert set(draws("fixed", count=5)) == {300}
    assert draws("reference", count=1, reference="It's 42, isn't it?") == [pieces("It's 42, isn't it?")] == [10]
    assert draws("reference", count=1) == [None]
