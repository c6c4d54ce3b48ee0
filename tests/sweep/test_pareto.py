"""Fronts, what is near them, and the volume they cover."""

import itertools
import random

import pytest

from joulemark.analysis.verdict import dominates
from joulemark.sweep.pareto import Result, front, hypervolume, near_front


def results(values, half=None):
    return {place: Result(tuple(value), (half,) * len(value)) for place, value in enumerate(values)}


def cloud(seed, count=40, dimensions=2):
    drawn = random.Random(seed)
    return [tuple(drawn.randint(0, 20) / 4 for _ in range(dimensions)) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_nothing_on_the_front_is_dominated_and_all_else_is(seed, dimensions):
    values = cloud(seed, dimensions=dimensions)
    on = set(front(results(values)))
    for place, value in enumerate(values):
        assert any(dominates(competitor, value) for competitor in values) == (place not in on)


def test_equal_results_are_both_on_the_front():
    assert front(results([(1, 1), (1, 1)])) == [0, 1]


def test_near_holds_the_front_then_what_intervals_leave_open_and_nothing_else():
    four = results([(1.0, 1.0), (1.1, 1.1), (1.3, 1.3), (0.5, 2.0)], half=0.06)
    assert near_front(four, 9) == [3, 0, 1]
    assert near_front(four, 2) == [3, 0]
    assert near_front(results([(1.0, 1.0), (1.1, 1.1)]), 9) == [0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_volume_is_the_share_of_cells_that_are_dominated(seed, dimensions):
    values = [tuple(int(v * 4) for v in value) for value in cloud(seed, 12, dimensions)]
    worst = (18,) * dimensions
    counted = sum(
        any(all(a <= c for a, c in zip(v, cell, strict=True)) for v in values)
        for cell in itertools.product(range(18), repeat=dimensions)
    )
    assert hypervolume(values, worst) == counted


def test_what_is_worse_than_the_worst_covers_nothing():
    assert hypervolume([(5.0, 5.0), (6.0, 1.0)], (5.0, 5.0)) == 0.0
    assert hypervolume([], (1.0,)) == 0.0
