"""How many processes and samples a difference takes: checked against draws, and against scipy's power."""

import random
from math import expm1

import pytest
from statsmodels.stats.power import TTestIndPower

from joulemark.analysis import planning, verdict
from joulemark.analysis.planning import Scatter, Windows
from joulemark.core.cell import Cell


def test_the_scatter_is_pooled_over_cells_of_any_level_and_one_process_adds_nothing():
    known = planning.scatter([Cell((1.0, 1.1)), Cell((10.0, 11.0)), Cell((5.0,), 0.1)])
    assert (known.freedom, known.cells) == (2, 2)
    assert known.sd_log == pytest.approx(0.0674, rel=0.01)
    assert planning.scatter([Cell((5.0,), 0.1)]) is None


def test_so_many_processes_find_the_difference_four_times_of_five():
    draw = random.Random(0)
    count = planning.processes_needed(Scatter(0.03, 100, 10), 0.05)

    def cell(mean):
        return Cell(tuple(mean * (1 + 0.03 * draw.gauss(0, 1)) for _ in range(count)))

    found = sum(verdict.between(cell(1.0), cell(1.05)).established for _ in range(400)) / 400
    assert 0.72 < found < 0.9
    effect = TTestIndPower().solve_power(nobs1=count, power=planning.POWER, alpha=0.05)
    assert expm1(effect * 0.03) == pytest.approx(0.05, abs=0.006)  # the smallest that so many tell apart


def test_never_fewer_than_a_verdict_takes_and_none_where_no_one_would_repeat_so_often():
    assert planning.processes_needed(Scatter(0.001, 9, 3), 0.5) == verdict.MIN_PROCESSES
    assert planning.processes_needed(Scatter(0.0, 9, 3), 0.01) == verdict.MIN_PROCESSES
    assert planning.processes_needed(Scatter(0.5, 9, 3), 0.001) is None


def test_samples_that_tell_two_shares_apart():
    assert planning.samples_needed(0.925, 0.875) == pytest.approx(560, rel=0.1)  # 37 and 35 of 40
    assert planning.samples_needed(0.5, 0.5) is None
    assert planning.samples_needed(1.0, 0.0) == 2


def test_the_samples_that_tell_a_share_from_a_limit_are_half_of_those_for_two_shares():
    assert planning.samples_to_limit(0.875, 0.925) == pytest.approx(280, rel=0.1)
    assert planning.samples_to_limit(0.5, 0.5) is None


def test_so_many_windows_have_an_interval_that_narrow():
    runs = [Windows(3, 0.05), Windows(3, 0.05)]  # 2.01 % between windows
    count = planning.windows_needed(runs, 0.02)
    assert count == 7
    assert planning.windows_needed(runs, 0.05) == 3  # what they have
    assert planning.windows_needed([Windows(1, 0.0)], 0.02) is None
    assert planning.windows_needed([Windows(2, 100.0)], 0.001) is None
