"""The search on a landscape whose every value is known: what it finds, what it asks for, and when it stops."""

from dataclasses import replace

import pytest

from benchmarks.search import above_least, read, searched, shares, within_energy
from joulemark.analysis.verdict import dominates
from joulemark.core.errors import UserError
from joulemark.core.signals import Interrupted
from joulemark.sweep import early_stopping, pareto
from joulemark.sweep.budget import Budget
from joulemark.sweep.finalists import by_objectives, finalists
from joulemark.sweep.memory import Memory
from joulemark.sweep.objectives import goals
from joulemark.sweep.progress import progress_line
from joulemark.sweep.recommendation import reason, recommend
from joulemark.sweep.space import Dimension
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult
from tests.paths import ROOT
from tests.sweep.landscape import (
    BATCHES,
    PRECISIONS,
    REFERENCE,
    Machine,
    covered,
    plan,
    point_of,
    search,
    through,
    true_front,
    truth,
    wanted,
)

WH, P95 = "energy/total_wh_per_1k", "latency/p95_s"
LANDSCAPE = ROOT / "benchmarks" / "distilbert_h100.jsonl"


def found_front(session, the_plan):
    return set(pareto.front(by_objectives(session.full(), the_plan.goals)))


def test_a_search_of_every_point_finds_the_exact_front(tmp_path):
    machine, the_plan = Machine(), plan(tmp_path, screening=False)
    session, _ = through(the_plan, machine, tmp_path)
    assert len(machine.requests) == len(BATCHES) * len(PRECISIONS)
    assert found_front(session, the_plan) == set(true_front())


def test_the_reference_is_measured_first_and_in_full(tmp_path):
    machine = Machine()
    through(plan(tmp_path), machine, tmp_path)
    assert machine.requests[0] == ("model=m", "protocol=standard", *REFERENCE)
    assert REFERENCE not in machine.points("screening")


def early_stop_of(overrides):
    return [override for override in overrides if override.startswith("early_stop_against=")]


def test_every_trial_but_the_reference_gets_the_best_results_of_its_pass_for_early_stopping(tmp_path):
    machine = Machine()
    through(plan(tmp_path), machine, tmp_path)
    assert early_stop_of(machine.requests[0]) == []
    competitors = {
        point_of(overrides): early_stop_of(overrides)
        for overrides in machine.requests
        if "protocol=standard" in overrides
    }
    by_reference, *_, last = list(competitors.values())[1:]
    reference = truth(1, "fp32")
    high = reference[WH] * 1.01
    assert by_reference == [f"early_stop_against=[{{{WH}:{high!r},{P95}:{reference[P95]!r}}},{{{WH}:{high!r}}}]"]
    assert last[0].count("{") > 1


def test_a_screened_trial_ends_once_it_cannot_be_recommended_by_a_margin_for_what_processes_differ_by(tmp_path):
    known = {REFERENCE: measured(REFERENCE, 300.0, 3.0), LARGE: measured(LARGE, 100.0, 1.0)}
    lines = {stage: early_stopping.overrides(known, wanted(), {}, stage)[0] for stage in ("screening", "full")}
    assert lines["screening"].endswith(f"{{{WH}:{101.0 * 1.25!r}}}]")
    assert lines["full"].endswith(f"{{{WH}:101.0}}]")
    by_energy = goals(("energy",), {}, (WH,))
    assert "},{" not in early_stopping.overrides(known, by_energy, {}, "full")[0]


def test_a_trial_that_ended_early_says_so_in_its_line():
    metrics = {"energy/total_wh_per_1k": 2.0, "latency/p95_s": 0.1}
    outcome = Outcome((), 0, "finished", metrics=metrics, flags=("early_stopped", "not_converged"))
    assert progress_line(TrialResult(("batch_size=8",), "full", outcome), wanted(), 1, None).endswith("(early stopped)")


def test_only_points_that_may_be_recommended_get_the_full_protocol(tmp_path):
    machine = Machine()
    session, _ = through(plan(tmp_path, finalists=5), machine, tmp_path)
    assert len(machine.points("screening")) == len(BATCHES) * len(PRECISIONS) - 1
    again = machine.points("standard")[1:]
    least = min(truth(int(batch), precision)[WH] for batch in BATCHES for precision in PRECISIONS)
    front = true_front()
    assert again == sorted((p for p, (wh, _) in front.items() if wh * 0.99 <= least * 1.01 * 1.25), key=front.get)
    assert 1 < len(again) < len(front)
    assert set(session.full()) == {REFERENCE, *again}


def test_a_point_whose_interval_lies_beyond_the_front_is_not_measured_in_full(tmp_path):
    machine = Machine()
    through(plan(tmp_path, finalists=36), machine, tmp_path)
    results = by_objectives({p: result_at(p) for p in every()}, wanted())

    def lower(result):
        return [value - (half or 0.0) for value, half in zip(result.values, result.half_widths, strict=True)]

    beyond = {
        point
        for point in every()
        if any(dominates(competitor.upper(), lower(results[point])) for competitor in results.values())
    }
    assert beyond
    assert not beyond & set(machine.points("standard")[1:])


def every():
    return [(f"batch_size={b}", f"precision={p}") for b in BATCHES for p in PRECISIONS]


SEEN = ("distilbert_h100", "distilbert_h200", "gpt2_h200", "vit_h200", "bloomz_h200", "detr_h200", "flan_t5_h200")


def result_at(point):
    class Result:
        metrics = truth(int(point[0].partition("=")[2]), point[1].partition("=")[2])

    return Result


@pytest.mark.parametrize("seed", range(3))
def test_a_quarter_of_the_trials_covers_nearly_all_that_the_grid_covers(tmp_path, seed):
    machine, the_plan = Machine(), plan(tmp_path, Budget(trials=9), screening=False, seed=seed)
    session, _ = through(the_plan, machine, tmp_path)
    assert len(machine.requests) == 9
    values = [(m["energy/total_wh_per_1k"], m["latency/p95_s"]) for m in (t.metrics for t in session.full().values())]
    assert covered(values) / covered(true_front().values()) > 0.97


def test_the_largest_batch_in_a_cheaper_format_comes_first_then_other_formats_then_the_best_ones_batches(tmp_path):
    machine = Machine()
    through(plan(tmp_path, Budget(trials=9), screening=False), machine, tmp_path)
    runs = [dict(override.split("=") for override in overrides) for overrides in machine.requests]
    measured = [(run["precision"], int(run["batch_size"])) for run in runs]
    largest = [("bf16", 256), ("tf32", 256), ("fp16", 256), ("fp32", 256)]  # fp32 was measured, as the reference
    assert measured == [("fp32", 1), *largest, *(("bf16", size) for size in (1, 16, 64, 4))]


def test_minutes_that_may_end_a_search_before_its_last_point_go_to_the_likely_ones_first(tmp_path):
    machine = Machine()
    through(plan(tmp_path, Budget(minutes=1000), screening=False), machine, tmp_path)
    assert [point_of(overrides) for overrides in machine.requests[:4]] == [
        REFERENCE,
        *(("batch_size=256", f"precision={precision}") for precision in ("bf16", "tf32", "fp16")),
    ]
    assert len(machine.requests) == len(BATCHES) * len(PRECISIONS)  # and then to all others


def test_a_format_that_loses_too_much_quality_is_no_place_to_search_from(tmp_path):
    machine = Machine()
    goals = wanted({"quality": {"min": 0.9}})
    through(plan(tmp_path, Budget(trials=9), screening=False, goals=goals), machine, tmp_path)
    runs = [point_of(overrides) for overrides in machine.requests]
    assert runs[1] == ("batch_size=256", "precision=bf16")  # 0.899
    assert {precision for _, precision in runs[5:]} == {"precision=tf32"}


# Of the last three no value was known when the rule was written
@pytest.mark.parametrize("name", [*SEEN, "resnet_h200", "minilm_h200", "smollm2_h200"])
def test_of_what_a_card_measured_a_quarter_of_the_energy_finds_the_least_within_3_percent(name):
    grid = read(ROOT / "benchmarks" / f"{name}.jsonl")
    points = within_energy(grid, searched(grid, len(grid) // 3, seed=0), 0.25)
    assert above_least(grid, points) <= 0.03


def test_on_what_an_h100_measured_a_quarter_of_the_energy_covers_97_percent_of_the_front():
    grid = read(LANDSCAPE)
    for seed in range(3):
        linear, logarithmic, _ = shares(grid, within_energy(grid, searched(grid, 9, seed), 0.25))
        assert linear > 0.97
        assert logarithmic > 0.9


def test_no_setting_is_measured_twice_however_long_the_sampler_repeats_itself(tmp_path):
    machine = Machine()
    through(plan(tmp_path, Budget(trials=30), screening=False), machine, tmp_path)
    assert len(machine.requests) == len(set(machine.requests)) == 30


@pytest.mark.parametrize("stop_after", [0, 1, 7, 20, 37])
@pytest.mark.parametrize("trials", [None, 20])
def test_a_stopped_search_goes_on_where_it_was_and_measures_nothing_twice(tmp_path, stop_after, trials):
    whole = Machine()
    expected, _ = through(plan(tmp_path / "whole", Budget(trials=trials)), whole, tmp_path / "whole")
    machine, the_plan = Machine(stop_after=stop_after), plan(tmp_path, Budget(trials=trials))
    through(the_plan, machine, tmp_path)
    machine.stop_after = None
    session, _ = through(the_plan, machine, tmp_path)
    assert len(machine.requests) == len(set(machine.requests)) == len(whole.requests)
    if trials is None:
        assert found_front(session, the_plan) == found_front(expected, the_plan)


def test_a_finished_study_outputs_without_measuring(tmp_path):
    first = Machine()
    session, _ = through(plan(tmp_path), first, tmp_path)
    later = Machine()
    two, _ = through(plan(tmp_path), later, tmp_path)
    assert later.requests == []
    assert two.full() == session.full()


def test_a_finished_study_has_no_new_finalists_however_far_the_two_passes_differ(tmp_path):
    class Noisy(Machine):
        def __call__(self, overrides, limit_s):
            outcome = super().__call__(overrides, limit_s)
            wh = outcome.metrics["energy/total_wh_per_1k"] * (3.0 if "protocol=standard" in overrides else 1.0)
            return replace(outcome, metrics={**outcome.metrics, "energy/total_wh_per_1k": wh})

    first, later = Noisy(), Noisy()
    through(plan(tmp_path), first, tmp_path)
    through(plan(tmp_path), later, tmp_path)
    assert len(first.points("standard")) == 1 + 2
    assert later.requests == []


def test_a_trial_of_a_living_process_is_left_alone(tmp_path):
    _session, study = search(plan(tmp_path), Machine(), tmp_path)
    study.claim(REFERENCE, "full")
    assert study.close_lost() == 0


@pytest.mark.parametrize("trials", [2, 3, 9, 17, 36, 40, 41])
@pytest.mark.parametrize("screening", [True, False])
def test_the_budget_of_trials_is_never_passed(tmp_path, trials, screening):
    machine = Machine()
    _session, _ = through(plan(tmp_path, Budget(trials=trials), screening=screening), machine, tmp_path)
    # the reference is a result itself, so the grid needs 36 in one pass, and 35 + 1 with screening; finalists beyond
    assert len(machine.requests) <= trials
    if not screening:
        assert len(machine.requests) == min(trials, 36)
    if screening and trials > 5:
        assert len(machine.points("screening")) == min(trials - 5, 35)
        assert len(machine.points("standard")) <= 5
    if screening and trials >= 40:
        assert len(machine.requests) == 35 + 1 + 2  # two may be recommended


def test_the_budget_of_minutes_ends_the_trial_that_would_pass_it(tmp_path):
    machine = Machine(seconds=60.0)
    session, study = through(plan(tmp_path, Budget(minutes=10.5), screening=False), machine, tmp_path)
    assert sum(result.outcome.seconds for result in study.results()) == 10.5 * 60
    assert machine.constraints[-1] == 30.0
    assert "10.5 min" in session.ended


def test_minutes_are_kept_back_for_the_results(tmp_path):
    machine = Machine(seconds=60.0)
    through(plan(tmp_path, Budget(minutes=20)), machine, tmp_path)
    assert len(machine.points("screening")) == 13  # and the reference: 70 % of 20 minutes
    assert len(machine.points("standard")) > 1


def test_no_trial_begins_once_the_budget_of_energy_is_used(tmp_path):
    machine = Machine()
    session, _study = through(plan(tmp_path, Budget(wh=5.0), screening=False), machine, tmp_path)
    assert len(machine.requests) == 10  # half a Wh each
    assert "5 Wh" in session.ended


def test_a_larger_budget_goes_on_from_a_smaller_one(tmp_path):
    machine = Machine()
    through(plan(tmp_path, Budget(trials=9), screening=False), machine, tmp_path)
    through(plan(tmp_path, Budget(trials=12), screening=False), machine, tmp_path)
    assert len(machine.requests) == len(set(machine.requests)) == 12


def sizes(machine, precision):
    return [int(p[0].partition("=")[2]) for p in machine.points("standard") if p[1] == f"precision={precision}"]


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 63, 64, 100, 255])
def test_memory_ends_are_found_by_one_failure_and_not_passed_again(tmp_path, limit):
    machine = Machine(memory={"bf16": limit})
    if limit == 0:
        dimensions = (Dimension("batch_size", BATCHES), Dimension("precision", ("bf16",)))
        machine.memory = {"bf16": 0}
        session, _ = through(plan(tmp_path, screening=False, dimensions=dimensions), machine, tmp_path)
    else:
        session, _ = through(plan(tmp_path, screening=False), machine, tmp_path)
    too_large = [size for size in sizes(machine, "bf16") if size > limit]
    assert len(too_large) == 1  # sizes double, so that the first that fails is the boundary
    assert all(reason.startswith("out of memory") for reason in session.excluded.values())
    assert len(session.excluded) == sum(int(size) > too_large[0] for size in BATCHES)


@pytest.mark.parametrize("limit", [1, 17, 90, 127, 200])
def test_the_boundary_among_all_sizes_takes_doubling_and_bisection_only(tmp_path, limit):
    every_size = tuple(str(size) for size in range(1, 201))
    dimensions = (Dimension("batch_size", every_size), Dimension("precision", ("fp32",)))
    machine = Machine(memory={"fp32": limit})
    through(plan(tmp_path, screening=False, dimensions=dimensions), machine, tmp_path)
    measured_sizes = sizes(machine, "fp32")
    fails = [size for size in measured_sizes if size > limit]
    if limit < 200:
        assert min(fails) == limit + 1  # found exactly
        at = measured_sizes.index(limit + 1)
        assert at <= 2 * 8 + 1  # log2(200) doublings and as many halvings
        assert all(size <= limit for size in measured_sizes[max(map(measured_sizes.index, [*fails, limit])) + 1 :])
    assert len(measured_sizes) == len(set(measured_sizes))


def test_a_proposed_size_that_is_too_large_is_bisected_and_never_exceeded(tmp_path):
    machine = Machine(memory=dict.fromkeys(PRECISIONS, 20))
    _session, _study = through(plan(tmp_path, Budget(trials=16), screening=False), machine, tmp_path)
    for precision in PRECISIONS:
        least = 10**9
        for size in sizes(machine, precision):
            assert size < least, "a size above one that did not fit"
            least = min(least, size) if size > 20 else least
    assert len(machine.requests) == 16


def test_what_did_not_fit_is_remembered_for_the_next_study_on_that_card(tmp_path):
    first = Machine(memory={"bf16": 20})
    through(
        plan(tmp_path / "a", screening=False, memory=Memory(tmp_path / "memory.json", "card")), first, tmp_path / "a"
    )
    again = Machine(memory={"bf16": 20})
    through(
        plan(tmp_path / "b", screening=False, memory=Memory(tmp_path / "memory.json", "card")), again, tmp_path / "b"
    )
    assert max(sizes(first, "bf16")) == 32
    assert max(sizes(again, "bf16")) == 16
    elsewhere = Machine(memory={"bf16": 20})
    through(
        plan(tmp_path / "c", screening=False, memory=Memory(tmp_path / "memory.json", "other")),
        elsewhere,
        tmp_path / "c",
    )
    assert max(sizes(elsewhere, "bf16")) == 32


def test_a_failed_setting_is_a_result_and_the_next_one_starts(tmp_path):
    class Breaking(Machine):
        def __call__(self, overrides, limit_s):
            outcome = super().__call__(overrides, limit_s)
            killed = "batch_size=4" in overrides
            return (
                type(outcome)(tuple(overrides), -9, "killed", "killed by SIGKILL", seconds=1.0) if killed else outcome
            )

    machine = Breaking()
    session, study = through(plan(tmp_path, screening=False), machine, tmp_path)
    assert len(machine.requests) == 36
    assert sum(result.outcome.status == "killed" for result in study.results()) == 4
    assert all("batch_size=4" not in point for point in by_objectives(within(session), wanted()))


def within(session):
    return {point: result for point, result in session.full().items() if result.finished}


def test_constraints_keep_what_passes_them_from_being_recommended(tmp_path):
    goals = wanted({"quality": {"loss_rel": 0.01}, "p95": {"max": 0.03}})
    the_plan = plan(tmp_path, screening=False, goals=goals)
    session, _ = through(the_plan, Machine(), tmp_path)
    recommendation = recommend(session.full(), session.full()[REFERENCE], goals, the_plan.space)
    allowed = true_front(lambda w: "fp16" not in w[1] and truth(int(w[0][11:]), w[1][10:])["latency/p95_s"] <= 0.03)
    assert {result.point for result in recommendation.front} == set(allowed)
    assert recommendation.recommended.point == ("batch_size=32", "precision=bf16")


def test_a_constraint_that_no_setting_keeps_names_the_nearest_and_the_limit(tmp_path):
    goals = wanted({"p95": {"max": 0.005}, "quality": {"min": 0.5}})
    the_plan = plan(tmp_path, screening=False, goals=goals)
    session, _ = through(the_plan, Machine(), tmp_path)
    recommendation = recommend(session.full(), session.full()[REFERENCE], goals, the_plan.space)
    assert recommendation.recommended is None
    nearest, constraints = recommendation.nearest[0]
    assert nearest.point == ("batch_size=1", "precision=bf16")  # the fastest of all
    assert [str(limit) for limit in constraints] == ["p95 at most 0.005 s"]


def test_settings_that_pass_a_constraint_are_no_finalists_and_optuna_knows_it(tmp_path):
    goals = wanted({"p95": {"max": 0.03}})
    machine = Machine()
    _, study = through(plan(tmp_path, goals=goals, finalists=36), machine, tmp_path)
    assert max(sizes(machine, "bf16")) == 32  # larger ones cost less and have a higher latency
    assert max(trial.values[1] for trial in study.study.best_trials) <= 0.03


PLAIN, LARGE = ("batch_size=1", "precision=bf16"), ("batch_size=8", "precision=bf16")


def measured(point, wh, half=None, quality=0.9):
    spread = None if half is None else half / wh
    read = {WH: wh, "energy/ci95_rel": spread, P95: 1.0, "quality/primary": quality}
    return TrialResult(point, "full", Outcome((), 0, "finished", metrics=read))


@pytest.mark.parametrize(
    ("constraints", "objectives"),
    [
        ({"quality": {"loss_rel": 0.5}}, ("energy", "p95")),
        ({"quality": {"min": -1.0}}, ("energy", "p95")),
        ({}, ("energy", "quality")),
        ({}, ("quality", "energy")),
    ],
)
def test_a_setting_of_unknown_quality_is_no_result_where_quality_is_wanted(tmp_path, constraints, objectives):
    goals, reference = wanted(constraints, objectives), measured(REFERENCE, 300.0)
    results = {PLAIN: measured(PLAIN, 1.0, quality=None), LARGE: measured(LARGE, 100.0)}
    recommendation = recommend(results, reference, goals, plan(tmp_path).space)
    assert (recommendation.recommended, recommendation.front, recommendation.tied) == (
        results[LARGE],
        (results[LARGE],),
        (),
    )
    assert finalists(list(results), results, goals, reference.metrics, 9) == [LARGE]
    assert early_stopping.overrides(results, goals, reference.metrics, "full") == early_stopping.overrides(
        {LARGE: results[LARGE]}, goals, reference.metrics, "full"
    )


def test_where_no_setting_keeps_a_constraint_of_quality_those_of_unknown_quality_come_last(tmp_path):
    goals, reference = wanted({"quality": {"min": 0.95}}), measured(REFERENCE, 300.0)
    results = {PLAIN: measured(PLAIN, 1.0, quality=None), LARGE: measured(LARGE, 100.0)}
    recommendation = recommend(results, reference, goals, plan(tmp_path).space)
    assert (recommendation.recommended, [result.point for result, _ in recommendation.nearest]) == (
        None,
        [LARGE, PLAIN],
    )
    assert finalists(list(results), results, goals, reference.metrics, 9) == [LARGE, PLAIN]


@pytest.mark.parametrize(("highest", "stays"), [(0.91, True), (0.86, False), (None, False)])
@pytest.mark.parametrize("constraint", [{"loss_rel": 0.01}, {"min": 0.891}])
def test_a_setting_whose_interval_of_quality_reaches_the_limit_stays_in_the_search(
    tmp_path, constraint, highest, stays
):
    reference, low = measured(REFERENCE, 300.0), measured(PLAIN, 1.0, quality=0.85)
    low = replace(low, outcome=replace(low.outcome, metrics={**low.metrics, "quality/ci95_high": highest}))
    results = {PLAIN: low, LARGE: measured(LARGE, 1.1)}
    found = finalists(list(results), results, wanted({"quality": constraint}), reference.metrics, 9)
    assert found == ([PLAIN] if stays else [LARGE])  # of both, the other one is beaten


@pytest.mark.parametrize(
    ("plainer_wh", "half", "best_half", "recommended", "tied"),
    [
        (101.0, 0.6, 0.6, PLAIN, [LARGE]),  # intervals that only together reach
        (101.0, 1.1, None, PLAIN, [LARGE]),
        (101.0, None, 1.1, PLAIN, [LARGE]),
        (101.0, 0.4, 0.4, LARGE, []),  # nearly as good, and surely dearer
        (101.0, None, None, LARGE, []),
        (100.0, None, None, PLAIN, [LARGE]),
        (102.0, 9.0, 9.0, PLAIN, [LARGE]),
        (102.1, 9.0, 9.0, LARGE, [PLAIN]),  # perhaps as good, and perhaps much dearer
    ],
)
def test_a_plainer_setting_needs_both_an_interval_that_reaches_the_best_ones_and_nearly_its_energy(
    tmp_path, plainer_wh, half, best_half, recommended, tied
):
    results = {PLAIN: measured(PLAIN, plainer_wh, half), LARGE: measured(LARGE, 100.0, best_half)}
    recommendation = recommend(results, measured(REFERENCE, 300.0), wanted(), plan(tmp_path).space)
    assert (recommendation.recommended.point, [result.point for result in recommendation.tied]) == (recommended, tied)


@pytest.mark.parametrize(
    ("plainer_wh", "batch", "because"),
    [
        (99.0, 1, "least energy, within-run intervals do not tell it from batch_size=8 precision=bf16"),
        (101.0, 1, "the plainest within 2% of the least energy, that of batch_size=8 precision=bf16"),
        (103.0, 8, "least energy, within-run intervals do not tell it from batch_size=1 precision=bf16"),
        (200.0, 8, "least energy"),
    ],
)
def test_of_settings_that_tie_the_plainer_is_recommended_while_it_is_nearly_as_good(
    tmp_path, plainer_wh, batch, because
):
    results = {PLAIN: measured(PLAIN, plainer_wh, 10.0), LARGE: measured(LARGE, 100.0, 10.0)}
    goals = wanted({})
    recommendation = recommend(results, measured(REFERENCE, 300.0, 30.0), goals, plan(tmp_path).space)
    setting = (f"batch_size={batch}", "precision=bf16")
    assert recommendation.recommended.point == setting
    assert reason(recommendation, goals) == f"recommended: {' '.join(setting)}: {because}"


@pytest.mark.parametrize(("quality", "why"), [(None, "quality is unknown"), (-0.1, "quality is zero or less")])
def test_a_reference_without_quality_drops_the_constraint_of_the_file_and_refuses_the_typed_one(tmp_path, quality, why):
    goals = wanted({"quality": {"loss_rel": 0.01}, "p95": {"max": 1.0}})
    messages = []
    session, _ = search(plan(tmp_path, goals=goals), Machine(metrics={"quality/primary": quality}), tmp_path, messages)
    session.reference()
    assert [limit.name for limit in session.available_goals(typed=False).constraints] == ["p95"]
    assert "the constraints on quality" in messages[-1]
    with pytest.raises(UserError, match=why):
        session.available_goals(typed=True)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), TimeoutError("memory.json.lock")])
def test_a_result_is_told_to_the_study_before_anything_else_is_written(tmp_path, monkeypatch, error):
    told = []

    def broken(memory, overrides, size, fitted):
        told.append(len(study.results()))
        raise error

    monkeypatch.setattr(Memory, "add", broken)
    messages = []
    session, study = search(plan(tmp_path), Machine(), tmp_path, messages)
    assert session.reference().finished
    assert told == [1]
    assert any(f"not remembered: {error}" in message for message in messages)


def test_a_signal_ends_the_session_after_the_outcome_is_written(tmp_path):
    session, study = search(plan(tmp_path), Machine(stop_after=0), tmp_path)
    with pytest.raises(Interrupted, match="SIGINT"):
        session.reference()
    assert [result.outcome.status for result in study.results()] == ["interrupted"]
    assert study.known("full") == {}
