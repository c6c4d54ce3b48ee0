"""One module says whether two results differ: its laws, and that no other module decides for itself."""

import ast
import random
from dataclasses import replace

import pytest

from joulemark.analysis import comparison, named_metrics, verdict
from joulemark.core.stats import Estimate
from joulemark.reporting.entry import entry
from joulemark.reporting.selection import completed
from tests.paths import ROOT
from tests.records import a_record
from tests.reporting.runs import a_run


def record_of(joules):
    """A record with a window for each of these joules a request."""
    record = a_record()
    first = record.measurement.windows[0]
    windows = []
    for each in joules:
        reading = replace(first.readings[0], cpu_j=each * first.requests, duration_s=first.duration_s)
        windows.append(replace(first, readings=(reading,)))
    return replace(record, measurement=replace(record.measurement, windows=tuple(windows)))


def entry_of(record):
    metrics = {name: value for name, value in named_metrics.metrics(record).items() if value is not None}
    held = a_run(metrics=metrics)
    return entry(held, {**held.tags, **completed(record)})


@pytest.mark.parametrize("seed", range(40))
def test_means_and_intervals_give_the_verdict_that_the_windows_give(seed):
    draw = random.Random(seed)
    apart, spread, count = draw.choice((0.0, 0.02, 0.05, 0.3)), draw.choice((0.001, 0.02)), draw.choice((2, 3, 5))
    a, b = (record_of([draw.gauss(mean, spread) for _ in range(count)]) for mean in (10.0, 10.0 + apart))
    expected = comparison.compare(a, b)
    assert expected.reasons == ()
    assert verdict.between(entry_of(a).estimate, entry_of(b).estimate).outcome == expected.verdict


def test_exchanging_the_two_exchanges_the_verdict():
    a, b = Estimate(1.0, 0.01), Estimate(2.0, 0.02)
    one, other = verdict.between(a, b), verdict.between(b, a)
    assert (one.outcome, other.outcome) == ("A", "B")
    assert one.ratio == pytest.approx(1 / other.ratio)


def test_the_ratio_lies_within_what_both_intervals_allow():
    found = verdict.between(Estimate(1.0, 0.1), Estimate(2.0, 0.2))
    assert found.least == pytest.approx(1.8 / 1.1)
    assert found.most == pytest.approx(2.2 / 0.9)
    assert verdict.between(Estimate(1.0, 1.5), Estimate(9.0, 0.1)).most is None


def test_intervals_that_touch_tie_and_a_missing_one_says_nothing():
    assert verdict.between(Estimate(1.0, 0.25), Estimate(1.5, 0.25)).outcome == "tie"
    assert verdict.between(Estimate(1.0, None), Estimate(9.0, 0.1)).outcome == "unknown"
    assert verdict.apart(Estimate(1.0, 0.1), None) is None


@pytest.mark.parametrize(("mean", "outcome"), [(1.09, "tie"), (1.11, "A"), (1 / 1.09, "tie"), (1 / 1.11, "B")])
def test_two_cards_tie_below_ten_percent_and_one_card_does_not(mean, outcome):
    a, b = Estimate(1.0, 0.001, card="c"), Estimate(mean, 0.001, card="d")
    assert verdict.between(a, b).outcome == outcome
    assert verdict.between(a, replace(b, card="c")).outcome == ("A" if mean > 1 else "B")


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


def test_a_tie_is_no_regression_however_large_the_limit_is():
    assert verdict.regresses("A", 0.05, 0.03)
    assert not verdict.regresses("A", 0.02, 0.03)
    assert not verdict.regresses("tie", 0.05, 0.03)


# What holds the spread of a result, by the names that this program gives it
SPREADS = {"half", "halves", "half_width", "half_widths", "spread", "low", "high", "low_or_mean", "high_or_mean"}

# Comparisons of another kind: may a window still be added, how wide an axis is, how an interval is shown or carried on
NO_VERDICTS = {
    "core/stats": {"sign"},  # of a difference: what verdict asks
    "analysis/impact/amount": {"into"},  # whether an interval holds zero, which nothing can be divided by
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
        if name != "analysis/verdict" and name.split("/")[0] in ("core", "analysis", "store", "report", "sweep", "cli"):
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
