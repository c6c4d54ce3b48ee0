"""One module says whether two results differ: its laws, and that no other module decides for itself."""

import ast
from dataclasses import replace
from math import exp, log

import pytest

from joulemark.analysis import verdict
from joulemark.core.cell import Cell
from joulemark.core.stats import Estimate
from tests.paths import ROOT


def of(*values, within=None, card="c"):
    return Cell(values, within, card)


def test_exchanging_the_two_exchanges_the_verdict_and_inverts_the_ratio():
    a, b = of(1.0, 1.01, 0.99), of(2.0, 2.02, 1.98, 2.01)
    first, second = verdict.between(a, b), verdict.between(b, a)
    assert (first.outcome, second.outcome) == ("A", "B")
    assert first.ratio == pytest.approx(1 / second.ratio)
    assert first.least == pytest.approx(1 / second.most)


def test_fewer_than_three_processes_a_side_establish_nothing_however_far_apart():
    for a, b in ((of(1.0, within=0.001), of(9.0, within=0.001)), (of(1.0, 1.0), of(9.0, 9.1, 9.2))):
        result = verdict.between(a, b)
        assert (result.outcome, result.indicated, result.least) == ("not established", "A", None)
        assert "repeats=" in result.note
    assert verdict.between(of(1.0, 1.01, 0.99), of(9.0, 9.1, 9.2)).outcome == "A"


def test_within_run_intervals_that_meet_do_not_even_indicate():
    assert verdict.between(of(1.0, within=0.25), of(1.5, within=0.25)).indicated is None
    assert verdict.between(of(1.0), of(9.0, within=0.1)).indicated is None  # one without an interval


def test_processes_enough_whose_interval_holds_one_are_indistinguishable_at_their_number():
    result = verdict.between(of(1.0, 1.1, 0.9), of(1.05, 0.95, 1.1, 1.0))
    assert (result.outcome, result.note) == ("tie", "indistinguishable at n = 3 and 4 processes")
    assert result.least < 1 < result.most


def test_the_interval_of_the_ratio_is_that_of_scipys_welch_test_on_the_logarithms():
    from scipy.stats import ttest_ind

    a, b = (1.0, 1.05, 0.98), (1.4, 1.35, 1.5, 1.44)
    result = verdict.between(of(*a), of(*b))
    expected = ttest_ind([log(x) for x in b], [log(x) for x in a], equal_var=False).confidence_interval(0.95)
    assert (result.least, result.most) == pytest.approx((exp(expected.low), exp(expected.high)))


def test_values_that_are_not_above_zero_are_judged_by_their_difference_and_have_no_ratio():
    result = verdict.between(of(-1.0, -1.01, -0.99), of(2.0, 2.02, 1.98))
    assert (result.outcome, result.ratio, result.least) == ("A", None, None)
    assert verdict.between(of(-1.0, 1.0, 0.0), of(0.5, -0.5, 0.1)).outcome == "tie"


def test_a_result_without_values_is_unknown_and_one_against_itself_ties():
    assert verdict.between(of(), of(1.0)).outcome == "unknown"
    assert verdict.between(of(1.0, within=0.1), of(1.0, within=0.1)).outcome == "tie"


@pytest.mark.parametrize(("mean", "outcome"), [(1.09, "tie"), (1.11, "A"), (1 / 1.09, "tie"), (1 / 1.11, "B")])
def test_two_cards_tie_below_ten_percent_and_one_card_does_not(mean, outcome):
    a, b = of(0.999, 1.0, 1.001), of(*(mean * share for share in (0.999, 1.0, 1.001)), card="d")
    assert verdict.between(a, b).outcome == outcome
    assert verdict.between(a, replace(b, card="c")).outcome == ("A" if mean > 1 else "B")


@pytest.mark.parametrize(
    ("b", "limit", "outcome"),
    [
        ((1.10, 1.101, 1.099), 1.03, "regressed"),
        ((1.10, 1.101, 1.099), 1.2, "passed"),
        ((0.90, 0.901, 0.899), 1.0, "passed"),
        ((1.00, 1.3, 0.8), 1.03, "not established"),  # a tie that may be thirty percent more
        ((1.02, 1.05, 1.03), 1.03, "not established"),  # established to be more, not by how much
        ((1.5,), 1.03, "not established"),
    ],
)
def test_a_limit_is_broken_or_kept_only_by_all_of_the_interval(b, limit, outcome):
    assert verdict.against_limit(verdict.between(of(1.0, 1.001, 0.999), of(*b)), limit) == outcome


def test_a_result_without_an_interval_counts_at_its_mean_where_a_sweep_looks_for_ties():
    assert verdict.may_be_as_low(Estimate(1.1, None), Estimate(1.0, 0.1))
    assert not verdict.may_be_as_low(Estimate(1.11, None), Estimate(1.0, 0.1))
    assert verdict.may_be_as_low(Estimate(1.3, 0.25), Estimate(1.0, 0.1))
    assert verdict.nearly_as_low(-98.1, -100.0)  # more is better, turned round
    assert not verdict.nearly_as_low(1.021, 1.0)


def test_what_is_surely_dominated_is_so_wherever_in_their_intervals_both_lie():
    near, far = (Estimate(1.0, 0.1), Estimate(1.0, None)), (Estimate(1.3, 0.1), Estimate(1.1, None))
    assert verdict.surely_dominates(near, far)
    assert not verdict.surely_dominates(near, (Estimate(1.15, 0.1), Estimate(1.1, None)))
    assert not verdict.surely_dominates(near, (Estimate(9.0, 0.1), Estimate(0.9, None)))


# What holds the spread of a result, by the names that this program gives it
SPREADS = {"half", "halves", "half_width", "half_widths", "spread", "low", "high", "low_or_mean", "high_or_mean"}

# Comparisons of another kind: may a window still be added, how wide an axis is, how an interval is shown or carried on
NO_VERDICTS = {
    "core/stats": {"sign"},  # of a difference: what verdict asks
    "analysis/quality": {"surely_below", "_paired_bootstrap"},  # of quality, which that module alone judges
    "analysis/impact/amount": {"into"},  # whether an interval holds zero, which nothing can be divided by
    "reporting/exports/formats/boamps": {"_quality"},  # the schema's name for the width of one interval
}


def _spread_of(node: ast.AST) -> bool:
    """Whether an operand is a spread, or is reckoned from one."""
    for part in ast.walk(node):
        name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
        named = name in SPREADS and not (isinstance(part, ast.Name) and name in ("low", "high"))  # of a range, say
        if named or (isinstance(part, ast.Constant) and part.value == "energy/ci95_rel"):
            return True
    return False


def _judges(path, tree):
    """The functions of a module that hold spreads against each other, equality and `is None` aside."""
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Compare)
                    and any(isinstance(operator, orders) for operator in node.ops)
                    and any(_spread_of(operand) for operand in (node.left, *node.comparators))
                ):
                    yield function.name, node.lineno


def test_no_other_module_compares_intervals():
    package = ROOT / "src" / "joulemark"
    judges = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).with_suffix("").as_posix()
        if name != "analysis/verdict" and name.split("/")[0] in (
            "core",
            "analysis",
            "store",
            "reporting",
            "sweep",
            "cli",
        ):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            judges += [
                f"{name}:{line} {function}"
                for function, line in _judges(path, tree)
                if function not in NO_VERDICTS.get(name, ())
            ]
    assert judges == []


def test_the_search_for_other_judges_finds_one():
    tree = ast.parse("def f(a, b):\n    return abs(a.energy - b.energy) <= a.half_width + b.half_width\n")
    assert [name for name, _ in _judges("x", tree)] == ["f"]
