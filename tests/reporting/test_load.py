"""What to take for a load is one answer on page, in Markdown and in JSON; served runs are ranked with their like."""

import json
from dataclasses import replace

import pytest

from joulemark.analysis import comparability
from joulemark.core.errors import UserError
from joulemark.core.serving import EngineFacts, ScenarioFacts
from joulemark.reporting import constraints, files, load, load_text
from joulemark.reporting.cells import merged
from joulemark.reporting.group import groups
from joulemark.reporting.render import render
from tests.records import a_record
from tests.reporting.runs import a_run
from tests.reporting.served import a_load_page, a_served_run, a_setting, answers, entries, showcase

LIMITS = {"ttft_s": 0.5, "tpot_s": 0.03}


def served_record(engine: str = "continuous", **options):
    scenario = ScenarioFacts("server", {"rate": 1.0, "timeout_s": 60.0, "limits": {"ttft_s": 2.0}, **options})
    return replace(a_record(), scenario=scenario, engine=EngineFacts(engine, "1", {"pages": 64}))


def test_page_markdown_and_json_give_the_one_answer():
    page = a_load_page(showcase(), 3.0, True, **LIMITS)
    (answer,) = page.loads
    headline = load_text.headline(answer)
    assert "qwen3_0.6b with continuous" in headline
    html, read = render(page), json.loads(files.as_json(page, {}))
    assert headline.rstrip(".") in html
    assert html.index('id="for-a-load"') < html.index('id="recommendation"')
    assert headline.replace("_", "_") in files.markdown(page)
    assert read["loads"][0]["in_words"][0] == headline
    assert [choice["load_per_s"] for choice in read["loads"][0]["choices"]] == [1.5, 3.0, 6.0]
    assert html.count('<figure class="given"') == 3


def test_a_page_of_batches_alone_has_no_answer_for_a_load_and_no_curve():
    page = a_load_page([a_run("a"), a_run("b")], None)
    assert not page.loads
    assert not page.sections
    assert 'id="for-a-load"' not in render(page)


def test_engines_are_ranked_together_only_where_that_is_asked():
    runs = [*a_setting("m"), *a_setting("m", 0.5, engine="vllm")]
    apart, together = answers(runs, 1.0, **LIMITS), answers(runs, 1.0, True, **LIMITS)
    assert [len(each.served.curves) for each in apart] == [1, 1]
    assert [len(each.served.curves) for each in together] == [2]
    assert len(groups(merged(entries(runs)))) == 2 * len(groups(merged(entries(runs, True))))
    chosen = together[0].choice.chosen
    assert chosen is not None
    assert "vllm" in chosen.curve.name


def test_a_served_run_and_a_batch_are_never_one_group_and_headings_say_the_scenario():
    runs = [a_served_run("m"), a_run("m", compare__key="served 1", task="text_generation")]
    found = groups(merged(entries(runs)))
    assert len(found) == 2
    assert sorted("scenario server at 1 requests/s · engine continuous" in group.title for group in found) == [
        False, True,
    ]  # fmt: skip


def test_a_batch_has_the_digest_it_always_had_and_a_served_run_one_of_its_scenario():
    batch, served = comparability.tags(a_record()), comparability.tags(served_record())
    assert "scenario" not in batch
    assert batch["compare.key"] != served["compare.key"]
    assert batch["compare.cell"] != served["compare.cell"]
    assert (served["scenario"], served["scenario.rate"], served["engine"]) == ("server", "1.0", "continuous")


@pytest.mark.parametrize(
    ("other", "key", "curve", "cell"),
    [
        (served_record(rate=2.0), False, True, True),
        (served_record(timeout_s=5.0, limits={"ttft_s": 0.1}), True, True, True),
        (served_record("vllm"), True, True, False),
        (served_record(min_new=5), False, False, False),
    ],
)
def test_a_curve_is_of_runs_that_differ_by_their_load_alone(other, key, curve, cell):
    a, b = comparability.tags(served_record()), comparability.tags(other)
    assert (a["compare.key"] == b["compare.key"]) == key
    assert (a["compare.curve"] == b["compare.curve"]) == curve
    assert (a["compare.setting"] == b["compare.setting"]) == cell
    engines_differ = a["engine"] != b["engine"]
    assert bool(list(comparability.differences(served_record(), other))) == (not key or engines_differ)


def test_a_day_costs_its_energy_at_the_price_of_the_site():
    runs = a_setting("m")
    priced = [
        replace(
            run,
            metrics={**run.metrics, "cost/per_1k": run.metrics["energy/total_wh_per_1k"] * 1.2 * 0.3 / 1000},
            params={**run.params, "site.currency": "EUR"},
        )
        for run in runs
    ]
    (answer,) = answers(priced, 2.0, **LIMITS)
    chosen = answer.choice.chosen
    assert chosen is not None
    assert answer.money_per_day(chosen) == (pytest.approx((chosen.wh_per_day or 0) / 1000 * 1.2 * 0.3), "EUR")
    assert "cost a day" in load_text.loads_table(answer).columns
    (free,) = answers(runs, 2.0, **LIMITS)
    assert "cost a day" not in load_text.loads_table(free).columns


def test_options_by_which_settings_of_an_engine_differ_are_named_and_others_are_not():
    options = [json.dumps({"pages": pages, "seed": 0}) for pages in (64, 128)]
    runs = [a_served_run("m", engine__options=each, compare__setting=each) for each in options]
    assert sorted(entry.settings for entry in entries(runs)) == ["engine.pages=128", "engine.pages=64"]


def test_a_model_below_the_least_quality_is_not_taken_however_little_it_draws():
    runs = [
        *a_setting("good", metrics={"quality/primary": 0.9}),
        *a_setting("bad", 0.3, metrics={"quality/primary": 0.2}),
    ]
    (answer,) = answers(runs, 1.0, bounds={"quality": 0.8}, **LIMITS)
    chosen = answer.choice.chosen
    assert chosen is not None
    assert "good" in chosen.curve.name
    assert any("bad" in line for line in load_text.refused(answer))


def test_users_who_wait_ask_for_no_rate_but_are_drawn():
    runs = [
        a_served_run("m", rate, scenario="concurrency", scenario__rate=None, scenario__users=str(users))
        for rate, users in ((1.0, 1), (5.0, 8))
    ]
    for run in runs:
        del run.metrics["serving/rate_asked_per_s"]
    (served,) = load.curves(entries(runs))
    assert [point.rate_per_s for point in served.curves[0].loads] == [1.0, 5.0]
    with pytest.raises(UserError, match="users who wait"):
        answers(runs, 1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_load_or_limit_that_is_none_is_refused_in_one_line(value):
    with pytest.raises(UserError, match="load="):
        load.check(value)
    with pytest.raises(UserError, match=r"limits\.ttft_s="):
        load.limits({"ttft_s": value})


def test_a_run_that_decides_nothing_is_no_point_of_a_curve_and_a_load_without_another_says_so():
    doubtful = entries([a_served_run("m", flags="contaminated, preliminary")])
    assert not load.curves(doubtful)
    with pytest.raises(UserError, match=r"1 that decide nothing \(contaminated, preliminary\)"):
        load.answered((), 1.0, load.limits(None), constraints.constraints({}), left_out=load.doubts(doubtful))
