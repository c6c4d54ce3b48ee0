"""Of many results the lowest is called so only where the error of the whole family is held."""

import random

import pytest

from joulemark.analysis import ranking, verdict
from joulemark.core import stats
from joulemark.core.cell import Cell


def drawn(mean, spread, count, draw, card="c"):
    return Cell(tuple(mean * (1 + spread * draw.gauss(0, 1)) for _ in range(count)), None, card)


def test_tukeys_least_difference_is_that_of_scipys_test():
    from scipy.stats import tukey_hsd

    draw = random.Random(3)
    groups = [[draw.gauss(1 + number / 20, 0.03) for _ in range(3 + number % 2)] for number in range(5)]
    low = tukey_hsd(*groups).confidence_interval(0.95).low
    means = [sum(group) / len(group) for group in groups]
    for place in range(1, 5):
        half = (means[place] - means[0]) - low[place][0]
        assert stats.honest_difference(groups, 0, place) == pytest.approx(half, rel=1e-6)


def test_the_family_holds_back_what_a_single_pair_would_claim():
    draw = random.Random(11)
    cells = [drawn(1.0, 0.02, 3, draw) for _ in range(20)]
    order = ranking.rank(cells).order
    claimed = [place for place in order[1:] if verdict.between(cells[order[0]], cells[place]).established]
    assert claimed  # each pair for itself finds the lowest of twenty equals lower than some
    assert len(ranking.rank(cells).tied) == 19


def test_what_is_far_apart_is_established_and_the_tied_are_a_set():
    draw = random.Random(1)
    cells = [drawn(mean, 0.01, 3, draw) for mean in (1.3, 1.0, 1.005, 2.0)]
    result = ranking.rank(cells)
    assert (result.best in (1, 2), len(result.tied), result.open, result.test) == (True, 1, (), ranking.TUKEY)
    assert not result.lead_is_established
    assert ranking.rank([cells[0], cells[1], cells[3]]).lead_is_established


def test_variances_that_differ_are_held_by_holm():
    draw = random.Random(2)
    cells = [drawn(1.0, 0.001, 5, draw), drawn(1.0, 0.2, 5, draw), drawn(3.0, 0.001, 5, draw)]
    result = ranking.rank(cells)
    assert result.test == ranking.HOLM
    assert 2 not in (*result.tied, result.best)


def test_too_few_processes_leave_a_result_open_and_a_lead_of_too_few_leaves_all_open():
    draw = random.Random(4)
    three = [drawn(1.0, 0.01, 3, draw), drawn(2.0, 0.01, 3, draw)]
    assert ranking.rank([*three, Cell((5.0,), 0.1, "c")]).open == (2,)
    assert ranking.rank([*three, Cell((0.5,), 0.01, "c")]).open == (0, 1)


def test_two_results_are_judged_as_a_pair_is():
    draw = random.Random(6)
    for mean in (1.0, 1.02, 1.05, 1.3):
        pair = [drawn(1.0, 0.01, 3, draw), drawn(mean, 0.01, 3, draw)]
        assert ranking.rank(pair).lead_is_established == verdict.between(*pair).established


def test_across_cards_less_than_ten_percent_ties_in_a_family_too():
    draw = random.Random(7)
    cells = [drawn(1.0, 0.001, 3, draw), drawn(1.08, 0.001, 3, draw, "d"), drawn(1.08, 0.001, 3, draw)]
    assert ranking.rank(cells).tied == (1,)


def test_nothing_cannot_be_ranked():
    with pytest.raises(ValueError, match="nothing"):
        ranking.rank([])
