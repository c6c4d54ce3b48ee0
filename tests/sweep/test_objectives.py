"""Objectives and constraints: what their names mean, and what is refused."""

import pytest

from joulemark.core.errors import UserError
from joulemark.sweep.budget import Budget
from joulemark.sweep.objectives import goals, with_unit
from joulemark.sweep.progress import ahead, progress_line
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult

KNOWN = ("energy/total_wh_per_1k", "latency/p95_s", "latency/p99_s", "quality/primary", "quality/wer", "power/idle_w")


def refusal(objectives=("energy",), constraints=None):
    with pytest.raises(UserError) as error:
        goals(objectives, constraints or {}, KNOWN)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_short_names_full_names_and_last_parts_mean_the_same_metric():
    for name in ("p95", "latency/p95_s", "p95_s"):
        assert goals([name], {}, KNOWN).objectives[0].metric == "latency/p95_s"


def test_quality_and_rates_are_wanted_high_and_all_else_low_unless_a_direction_is_typed():
    objectives = goals(["energy", "quality", {"quality/wer": "min"}], {}, KNOWN).objectives
    assert [objective.direction for objective in objectives] == ["min", "max", "min"]
    assert objectives[1].oriented({"quality/primary": 0.9}) == -0.9
    assert objectives[1].oriented({"quality/primary": None}) is None


def test_a_name_that_no_run_has_is_refused_with_the_nearest():
    assert "did you mean sweep.objectives=latency/p99_s?" in refusal(["latency/p98_s"])
    assert "did you mean sweep.constraints=quality?" in refusal(constraints={"qualty": {"min": 1}})


def test_constraints_that_contradict_each_other_are_refused():
    assert "min 2 is above max 1" in refusal(constraints={"p95": {"min": 2, "max": 1}})
    assert "above" in refusal(constraints={"p95": {"min": 2}, "latency/p95_s": {"max": 1}})
    assert goals(["energy"], {"p95": {"min": 1, "max": 1}}, KNOWN).constraints


@pytest.mark.parametrize(
    ("objectives", "constraints", "message"),
    [
        ([], {}, "is empty"),
        (["energy", "energy/total_wh_per_1k"], {}, "twice"),
        ([{"energy": "down"}], {}, "{NAME: min}"),
        (["energy"], {"p95": 0.2}, "a constraint is"),
        (["energy"], {"p95": {"most": 0.2}}, "choose from"),
        (["energy"], {"p95": {"max": "fast"}}, "is not a number"),
        (["energy"], {"p95": {"max": True}}, "is not a number"),
        (["energy"], {"quality": {"loss_rel": 1.0}}, "a share"),
        (["energy"], {"quality": {"loss_rel": -0.1}}, "a share"),
    ],
)
def test_what_is_no_goal_is_refused_in_one_line(objectives, constraints, message):
    assert message in refusal(objectives, constraints)


def test_a_constraint_without_a_value_is_no_limit():
    assert goals(["energy"], {"p95": {"max": None}, "quality": None}, KNOWN).constraints == ()


def test_a_loss_is_relative_to_the_reference_and_turned_by_what_is_better():
    quality, p95 = goals(["energy"], {"quality": {"loss_rel": 0.1}, "p95": {"loss_rel": 0.1}}, KNOWN).constraints
    reference = {"quality/primary": 0.8, "latency/p95_s": 1.0}
    assert quality.violation({"quality/primary": 0.72}, reference) == pytest.approx(0.0)
    assert quality.violation({"quality/primary": 0.71}, reference) > 0
    assert quality.violation({"quality/primary": 0.99}, reference) < 0
    assert p95.violation({"latency/p95_s": 1.11}, reference) > 0
    assert p95.violation({"latency/p95_s": 1.09}, reference) < 0


@pytest.mark.parametrize("value", [-0.2, 0.0, None])
def test_a_reference_that_is_not_above_zero_has_no_share_to_lose(value):
    (constraint,) = goals(["energy"], {"quality": {"loss_rel": 0.1}}, KNOWN).constraints
    assert constraint.bound_for({"quality/primary": value}) is None
    assert constraint.violation({"quality/primary": value}, {"quality/primary": value}) is None
    (least,) = goals(["energy"], {"quality": {"min": -0.3}}, KNOWN).constraints
    assert least.violation({"quality/primary": -0.2}, {"quality/primary": value}) < 0


def test_a_constraint_that_is_invalid_judged_is_never_kept():
    chosen = goals(["energy"], {"quality": {"loss_rel": 0.1}, "p95": {"max": 1}}, KNOWN)
    assert set(chosen.violations({}, {"quality/primary": 0.8}).values()) == {float("inf")}
    assert chosen.violations({"quality/primary": 1.0, "latency/p95_s": 0.5}, {})[chosen.constraints[0]] == float("inf")


def test_a_figure_bears_the_unit_of_its_metric_and_a_score_none():
    assert with_unit("energy/total_wh_per_1k", 0.0076) == "0.0076 Wh per 1,000"
    assert with_unit("latency/p95_s", 0.2) == "0.2 s"
    assert with_unit("throughput/requests_per_s", 3) == "3 per s"
    assert with_unit("quality/primary", 0.9) == "0.9"
    (limit,) = goals(["energy"], {"p95": {"max": 0.2}}, KNOWN).constraints
    assert str(limit) == "p95 at most 0.2 s"


def test_before_its_first_trial_a_sweep_says_how_much_there_is_and_when_the_time_is_known():
    within = "within 80 trials and 30 min (sweep.budget)"
    told = "; how long the rest takes is told as trials end"
    assert ahead(24, True, 3, Budget(trials=80, minutes=30.0)) == (
        f"to measure: the reference, then 24 points, at most 3 of them in full, {within}{told}"
    )
    assert ahead(1, False, 3, Budget()) == f"to measure: the reference, then 1 point{told}"


def test_progress_names_the_point_its_place_in_the_budget_and_what_was_found():
    wanted = goals(["energy", "p95", "quality"], {}, KNOWN)
    metrics = {"energy/total_wh_per_1k": 0.0076, "latency/p95_s": 0.0011, "quality/primary": None}
    result = TrialResult(("batch_size=8",), "full", Outcome((), 0, "finished", metrics=metrics))
    assert progress_line(result, wanted, 3, 9) == "[3/9] full: batch_size=8: energy 0.0076 Wh per 1,000, p95 0.0011 s"
