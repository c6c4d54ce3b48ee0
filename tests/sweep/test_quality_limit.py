"""A sweep's limit of quality excludes what is established to be below it, by pairs where there are."""

from dataclasses import replace

import pytest

from joulemark.core.record import Request
from joulemark.sweep.objectives import Constraint, Goals, Objective
from joulemark.sweep.quality_limit import QualityLimit
from joulemark.sweep.recommendation import recommend
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import FULL, TrialResult
from tests.records import a_record
from tests.sweep.landscape import plan

LOSS = Constraint("quality", "quality/primary", "loss_rel", 0.01)
POINTS = {"reference": ("batch_size=1", "precision=fp32"), "cheap": ("batch_size=64", "precision=bf16")}
GOALS = Goals((Objective("energy", "energy/total_wh_per_1k", "min"),), (LOSS,))


def answered(correct, count=200):
    rows = tuple(Request(str(n), "", "", float(n < correct), 1, 0.1) for n in range(count))
    return replace(a_record(), requests=rows, scores={"primary": correct / count})


def result(name, energy, correct, high=None):
    metrics = {"energy/total_wh_per_1k": energy, "quality/primary": correct / 200, "quality/ci95_high": high}
    return TrialResult(POINTS.get(name, (name,)), FULL, Outcome((name,), 0, "finished", run_id=name, metrics=metrics))


@pytest.mark.parametrize(
    ("correct", "records", "high", "excluded"),
    [
        (177, True, None, False),  # three of 200 fewer: noise
        (150, True, 0.99, True),  # thirty fewer, on the same inputs
        (177, False, 0.95, False),  # no pairs: its own interval reaches the limit
        (150, False, 0.80, True),
        (177, False, None, True),  # nothing is known but the value
    ],
)
def test_a_loss_that_is_not_established_excludes_nothing(tmp_path, correct, records, high, excluded):
    reference, cheap = result("reference", 2.0, 180), result("cheap", 1.0, correct, high)
    held = {"reference": answered(180), "cheap": answered(correct)} if records else {}
    limit = QualityLimit(reference, held.get)
    space = plan(tmp_path).space
    chosen = recommend({each.point: each for each in (reference, cheap)}, reference, GOALS, space, limit.excludes)
    assert chosen.recommended is (reference if excluded else cheap)
    assert chosen.excused == (() if excluded else (LOSS,))
    if not excluded:
        assert ("indistinguishable at n = 200" in limit.doubt(cheap)) is records
    assert recommend({cheap.point: cheap}, reference, GOALS, space).recommended is None  # by its value alone


def test_any_other_constraint_goes_by_its_value():
    limit = QualityLimit(result("reference", 2.0, 180), {}.get)
    assert limit.excludes(result("slow", 1.0, 180, 1.0), Constraint("p95", "latency/p95_s", "max", 0.1))
