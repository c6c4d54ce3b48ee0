"""What is recommended, as laws: what may change a recommendation, and what must not."""

import random
from dataclasses import replace

import pytest

from joulemark.core.errors import UserError
from joulemark.reporting import constraints, recommendation_text
from joulemark.reporting.decision import decide
from joulemark.reporting.front import pareto
from joulemark.reporting.group import Group, groups
from tests.reporting.runs import a_cell, an_entry, recommend


def drawn(seed, count=12):
    """Runs of one group with random figures."""
    draw = random.Random(seed)
    return [
        an_entry(f"model{at % 5}", draw.uniform(0.5, 3), draw.uniform(0, 0.4), draw.uniform(0.6, 0.95),
                 draw.choice(("fp32", "bf16")), draw.choice((1, 8)), metrics={"latency/p95_s": draw.uniform(0.01, 0.1)})
        for at in range(count)
    ]  # fmt: skip


def test_of_runs_that_meet_the_constraints_the_one_of_least_energy_is_chosen():
    result = recommend([an_entry("a", 2.0), an_entry("b", 1.0), an_entry("c", 3.0)])
    assert (result.chosen.model, result.runner_up.model, result.sure) == ("b", "a", "open")


def test_three_processes_of_each_choice_establish_a_lead_and_fewer_indicate_it():
    cells = [a_cell("a", 2.0, 2.01, 1.99), a_cell("b", 1.0, 1.01, 0.99), a_cell("c", 3.0, 3.02, 2.99)]
    result = recommend(cells)
    assert (result.chosen.model, result.sure, result.tied, result.open) == ("b", "established", (), ())
    assert recommend([*cells, a_cell("d", 9.0)]).sure == "open"


def test_a_setting_that_was_repeated_stands_for_all_its_processes_not_its_luckiest():
    lucky, steady = a_cell("lucky", 0.5, 2.0, 2.1), a_cell("steady", 1.0, 1.01, 0.99)
    assert (lucky.processes, lucky.energy) == (3, pytest.approx(4.6 / 3))
    assert recommend([lucky, steady]).chosen is steady


@pytest.mark.parametrize("flag", ["not_converged", "preliminary", "contaminated", "throttled"])
def test_a_process_that_decides_nothing_is_shown_and_never_recommended(flag):
    bad, good = an_entry("bad", 0.1, flags=flag), an_entry("good", 1.0)
    assert recommend([bad, good]).chosen is good
    alone = recommend([bad])
    assert (alone.chosen, alone.sure) == (None, "none")


def test_a_floor_of_quality_excludes_only_what_is_established_to_be_below_it():
    best = an_entry("best", 2.0, quality=0.925)
    unsure = an_entry("unsure", 1.0, quality=0.875, metrics={"quality/ci95_high": 0.94})
    worse = an_entry("worse", 1.0, quality=0.6, metrics={"quality/ci95_high": 0.66})
    assert recommend([best, unsure], quality=0.9).chosen is unsure
    assert recommend([best, worse], quality=0.9).chosen is best


@pytest.mark.parametrize("seed", range(20))
def test_adding_a_dominated_run_never_changes_the_recommendation(seed):
    runs = drawn(seed)
    before = recommend(runs, quality_loss=0.1, p95_s=0.08)
    best = random.Random(seed).choice(runs)
    late = best.metrics["latency/p95_s"] * 1.1
    worse = replace(best, run_id="f" * 32, began_ms=best.began_ms + 1, energy=best.energy * 1.05,
                    quality=best.quality - 0.01, metrics={**best.metrics, "latency/p95_s": late})  # fmt: skip
    assert recommend([*runs, worse], quality_loss=0.1, p95_s=0.08).chosen == before.chosen


@pytest.mark.parametrize("seed", range(20))
def test_a_run_that_violates_a_constraint_is_never_recommended_and_never_changes_what_is(seed):
    runs = drawn(seed)
    before = recommend(runs, quality_loss=0.1, p95_s=0.08)
    tempting = an_entry("tempting", 0.001, 0.0, 0.999, metrics={"latency/p95_s": 0.081})
    after = recommend([*runs, tempting], quality_loss=0.1, p95_s=0.08)
    assert after.chosen == before.chosen
    assert tempting not in (after.chosen, after.runner_up, after.better, *after.tied)


@pytest.mark.parametrize(
    ("bound", "metrics"),
    [
        ("p95_s", {"latency/p95_s": 2.0}),
        ("gpu_memory_gib", {"memory/gpu_peak_bytes": 2.0 * 2**30}),
        ("cost_per_1k", {"cost/per_1k": 2.0}),
        ("g_per_1k", {"emissions/g_per_1k": 2.0}),
        ("wh_per_1k", {"energy/total_wh_per_1k": 2.0}),
    ],
)
def test_each_constraint_is_met_at_its_value_and_violated_above_it(bound, metrics):
    run = an_entry("a", 1.0, metrics=metrics)
    assert recommend([run], **{bound: 2.0}).chosen == run
    assert recommend([run], **{bound: 1.9}).chosen is None


def test_what_is_not_available_meets_no_constraint():
    result = recommend([an_entry("a", 1.0)], gpu_memory_gib=80)
    assert result.chosen is None
    assert result.nearest[0][1] == ("GPU memory at most 80.0 GiB (not available)",)


def test_two_runs_whose_intervals_overlap_are_a_tie():
    result = recommend([a_cell("a", 1.0, 1.1, 0.9), a_cell("b", 1.05, 0.95, 1.15)])
    assert result.sure == "tie"
    assert [run.model for run in result.tied] == ["b"]


def test_a_tie_is_said_as_a_set():
    cells = [a_cell(name, 1.0, 1.1, 0.9 + place / 100) for place, name in enumerate("abcde")]
    assert recommendation_text.headline(recommend(cells[:2])) == ("Tied: a and b with fp32, batch 1.")
    assert recommendation_text.headline(recommend(cells)) == "Tied: a, b, c and 2 more with fp32, batch 1."
    unlike = [cells[0], replace(cells[1], batch=8)]
    assert recommendation_text.headline(recommend(unlike)) == "Tied: a with fp32, batch 1 and b with fp32, batch 8."


def test_without_an_interval_nothing_is_called_clear():
    assert recommend([an_entry("a", 1.0, None), an_entry("b", 9.0, 0.1)]).sure == "open"


def test_below_a_tenth_two_cards_are_a_tie_and_one_card_is_not():
    a, near = (1.0, 1.001, 0.999), (1.09, 1.091, 1.089)
    assert recommend([a_cell("a", *a), a_cell("b", *near, compare__card="other")]).sure == "tie"
    assert recommend([a_cell("a", *a), a_cell("b", *near)]).sure == "established"


def test_random_weights_are_never_ranked_by_quality_even_where_one_was_stored():
    sly = an_entry("sly", 0.01, 0.0, 1.0, weights="random", flags="random_weights")
    result = recommend([an_entry("a", 1.0), sly], quality_loss=0.05)
    assert sly.quality is None
    assert result.chosen.model == "a"
    assert sly not in result.front
    assert sly not in (result.better, result.runner_up)


def test_random_weights_alone_give_a_recommendation_about_energy_alone():
    runs = [an_entry(name, wh, 0.01, 0.9, weights="random") for name, wh in (("a", 1.0), ("b", 2.0))]
    result = recommend(runs, quality_loss=0.05)
    assert (result.chosen.model, result.by_quality, result.floor) == ("a", False, None)
    assert recommend(runs, quality=0.5).chosen is None


def test_a_quality_below_zero_has_no_share_to_lose():
    result = recommend([an_entry("a", 2.0, quality=-0.1), an_entry("b", 1.0, quality=-0.3)], quality_loss=0.05)
    assert (result.floor, result.chosen.model) == (None, "b")


@pytest.mark.parametrize(
    ("quality", "bounds"),
    [(0.9, {}), (0.9, {"quality": 0.5}), (0.9, {"quality_loss": 0.5}), (-0.5, {"quality": -1.0})],
)
def test_beside_a_run_of_known_quality_none_of_unknown_quality_is_eligible(quality, bounds):
    known, unknown = an_entry("known", 2.0, quality=quality), an_entry("unknown", 1.0, quality=None)
    result = recommend([known, unknown], **bounds)
    assert (result.chosen, result.choices) == (known, 1)
    assert unknown not in (result.runner_up, result.better, *result.tied, *result.front)
    assert result.refused == (unknown, ("its quality is unknown",))


@pytest.mark.parametrize("least", [0.5, 0.0, -1.0])
def test_a_run_of_unknown_quality_meets_no_constraint_of_quality(least):
    result = recommend([an_entry("a", quality=None), an_entry("b", quality=None)], quality=least)
    assert (result.chosen, result.choices, result.floor) == (None, 0, least)
    assert [broken for _, broken in result.nearest] == [("its quality is unknown",)] * 2


@pytest.mark.parametrize("least", [0.9, 0.0])
def test_a_constraint_of_quality_is_met_at_its_value_and_violated_below_it(least):
    at, below = an_entry("at", quality=least), an_entry("below", quality=least - 0.01)
    assert recommend([at], quality=least).chosen == at
    assert recommend([below], quality=least).chosen is None


@pytest.mark.parametrize("flags", ["contaminated", "throttled", "contaminated, not_converged"])
def test_a_run_whose_number_is_in_doubt_is_never_recommended(flags):
    doubtful = an_entry("doubtful", 0.1, flags=flags)
    result = recommend([an_entry("a", 1.0), doubtful], quality_loss=0.5)
    assert result.chosen.model == "a"
    assert doubtful not in result.front
    assert recommend([doubtful]).chosen is None


def test_a_failed_audit_is_never_recommended():
    assert recommend([an_entry("a", 1.0), an_entry("b", 0.1, verdict="failed")]).chosen.model == "a"


@pytest.mark.parametrize("seed", range(10))
def test_a_run_of_another_group_never_changes_this_groups_recommendation(seed):
    runs = drawn(seed)
    before = recommend(runs, quality_loss=0.1)
    foreign = an_entry("other", 0.0001, 0.0, 0.9999, compare__key="elsewhere")
    by_key = {
        group.entries[0].key: decide(group, constraints.constraints({"quality_loss": 0.1}))
        for group in groups([foreign, *runs])
    }
    same = by_key[runs[0].key]
    assert (same.chosen, same.runner_up, same.front, same.group.id) == (
        before.chosen, before.runner_up, before.front, before.group.id,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_runs_does_not_matter(seed):
    runs = drawn(seed)
    shuffled = random.Random(seed).sample(runs, len(runs))
    ordered, reordered = (
        decide(Group("x", tuple(some)), constraints.constraints({"quality_loss": 0.1})) for some in (runs, shuffled)
    )
    assert (ordered.chosen, ordered.runner_up, ordered.front) == (
        reordered.chosen,
        reordered.runner_up,
        reordered.front,
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_front_is_what_no_other_run_dominates(seed):
    runs = drawn(seed, 30)
    on_front = pareto(runs)
    for run in runs:
        others = [rival for rival in runs if (rival.energy, rival.quality) != (run.energy, run.quality)]
        dominated = any(rival.energy <= run.energy and rival.quality >= run.quality for rival in others)
        assert (run in on_front) == (not dominated)


def test_the_runner_up_is_another_choice_and_not_the_same_one_measured_again():
    again, second = an_entry("a", 1.01), an_entry("b", 1.5)
    result = recommend([an_entry("a", 1.0), again, second])
    assert result.runner_up == second
    assert result.again == (again,)
    assert result.tied == ()


def test_a_floor_of_quality_counts_from_the_best_that_meets_the_other_constraints():
    slow = an_entry("slow", 5.0, 0.1, 0.99, metrics={"latency/p95_s": 9.0})
    cheap, good = an_entry("cheap", 0.5, 0.01, 0.84), an_entry("good", 1.0, 0.01, 0.9)
    result = recommend([slow, cheap, good], quality_loss=0.05, p95_s=1.0)
    assert (result.chosen, result.floor) == (good, pytest.approx(0.9 * 0.95))
    assert result.refused[0] == cheap


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"quality_loss": 1.0}, "constraints.quality_loss=1: a share"),
        ({"p95_s": 0}, "constraints.p95_s=0: must be above 0"),
        ({"wh_per_1k": float("nan")}, "constraints.wh_per_1k=nan: must be above 0"),
        ({"p95_s": "soon"}, "constraints.p95_s"),
    ],
)
def test_a_constraint_that_cannot_be_is_refused_in_one_line(typed, says):
    with pytest.raises(UserError) as refused:
        constraints.constraints(typed)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_budget_in_money_asks_for_its_currency_where_runs_have_several():
    runs = [an_entry("a", params={"site.currency": "EUR"}), an_entry("b", params={"site.currency": "SEK"})]
    with pytest.raises(UserError, match=r"EUR and SEK; type constraints\.currency=EUR"):
        constraints.check_currency(constraints.constraints({"cost_per_1k": 1}), runs)
    constraints.check_currency(constraints.constraints({"cost_per_1k": 1, "currency": "SEK"}), runs)
    priced = [replace(run, metrics={**run.metrics, "cost/per_1k": 0.5}) for run in runs]
    assert recommend(priced, cost_per_1k=1, currency="SEK").chosen.currency == "SEK"


def test_a_quality_in_percent_is_told_the_scale_and_a_metric_beyond_one_is_taken_at_its_word():
    bounds, shares = constraints.constraints({"quality": 80}), [an_entry("a", quality=0.9), an_entry("b", quality=None)]
    with pytest.raises(
        UserError, match=r"accuracy is at most 0\.900 here, on a scale to 1; .*constraints\.quality=0\.8$"
    ):
        constraints.check_quality(bounds, shares)
    constraints.check_quality(constraints.constraints({"quality": 0.8}), shares)
    constraints.check_quality(bounds, [an_entry("c", quality=31.0), *shares])
    constraints.check_quality(bounds, [an_entry("b", quality=None)])
