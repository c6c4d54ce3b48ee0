"""A small part of benchmarks/verdicts.py: a verdict that claims more than its processes carry fails here."""

import importlib.util
import sys

import numpy
import pytest
import yaml

from tests.paths import ROOT

PAIRS = 400


def _benchmark():
    spec = importlib.util.spec_from_file_location("verdicts", ROOT / "benchmarks" / "verdicts.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["verdicts"] = module
    spec.loader.exec_module(module)
    return module


verdicts = _benchmark()


def test_the_benchmark_ends_windows_as_the_standard_protocol_does():
    protocol = yaml.safe_load((ROOT / "conf" / "protocol" / "standard.yaml").read_text(encoding="utf-8"))
    ours = (verdicts.MIN_WINDOWS, verdicts.MAX_WINDOWS, verdicts.CI95_REL)
    assert ours == (protocol["min_windows"], protocol["max_windows"], protocol["ci95_rel"])


def test_its_windows_end_where_those_of_the_program_would():
    from joulemark.core import stats

    draw = numpy.random.default_rng(1)
    windows = 1 + 0.02 * draw.normal(size=(50, verdicts.MAX_WINDOWS))
    for row, (mean, half) in zip(windows, verdicts.ended(windows), strict=True):
        for count in range(verdicts.MIN_WINDOWS, verdicts.MAX_WINDOWS + 1):
            estimate = stats.estimate([float(value) for value in row[:count]])
            if estimate.relative <= verdicts.CI95_REL:
                break
        assert (mean, half) == pytest.approx((estimate.mean, estimate.half_width))


@pytest.mark.parametrize("values", [(0.005, 0.0, 0.0), (0.005, 0.016, 0.0), (0.01, 0.1, 0.6), (0.05, 0.03, 0.9)])
def test_equal_settings_are_told_apart_in_five_percent_of_pairs_at_most(values):
    draw = numpy.random.default_rng(7)
    truth = verdicts.Truth(*values)
    assert verdicts.share_established(truth, 3, PAIRS, draw) <= verdicts.allowed(PAIRS)
    assert verdicts.coverage(truth, 3, 10 * PAIRS, draw) >= 0.93


def test_the_lowest_of_twenty_equals_is_called_lower_in_five_percent_of_families_at_most():
    draw = numpy.random.default_rng(3)
    assert verdicts.family_error([verdicts.Truth(0.01, 0.016, 0.0)] * 20, 3, 100, draw) <= verdicts.allowed(100)


def test_a_real_difference_is_found():
    draw = numpy.random.default_rng(5)
    assert verdicts.share_established(verdicts.Truth(0.01, 0.016, 0.0), 5, 100, draw, effect=0.1) > 0.9
