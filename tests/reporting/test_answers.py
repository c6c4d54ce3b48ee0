"""Two models on the same inputs are compared as pairs wherever a recommendation turns on their quality."""

import json

import pytest

from joulemark.reporting import files, pairs, recommendation_text
from joulemark.reporting.answers import Answers
from joulemark.reporting.constraints import constraints
from joulemark.reporting.contents import page_of
from joulemark.reporting.request import ReportRequest
from joulemark.reporting.selection import Selection
from tests.analysis.test_quality import scored
from tests.reporting.runs import an_entry, recommend


def with_scores(*runs):
    """Entries of (model, Wh, scores), and the answers that hold these scores."""
    entries, records = [], {}
    for model, wh, scores in runs:
        entries.append(an_entry(model, wh, quality=sum(scores) / len(scores), metrics={"quality/ci95_high": 1.0}))
        records[entries[-1].run_id] = scored(scores)
    return entries, Answers(records.get)


def right(count, of=40):
    """The first inputs answered right, the others wrong: models of which one knows all that the other knows."""
    return [1.0] * count + [0.0] * (of - count)


def test_a_limit_below_the_best_excludes_a_run_only_where_pairs_establish_it():
    entries, answers = with_scores(("best", 2.0, right(90, 100)), ("cheap", 1.0, right(70, 100)))
    result = recommend(entries, answers, quality_loss=0.05)
    assert (result.chosen.model, result.refused[1]) == ("best", ("accuracy 0.700 is below 0.855",))
    entries, answers = with_scores(("best", 2.0, right(37)), ("cheap", 1.0, right(35)))
    result = recommend(entries, answers, quality_loss=0.02)
    assert (result.chosen.model, result.floor_note is not None) == ("cheap", True)


def test_pairs_tell_what_the_interval_of_each_run_cannot():
    entries, answers = with_scores(("best", 2.0, right(90, 100)), ("cheap", 1.0, right(82, 100)))
    assert recommend(entries, quality_loss=0.02).chosen.model == "cheap"
    assert recommend(entries, answers, quality_loss=0.02).chosen.model == "best"


def test_a_run_below_the_limit_that_is_taken_all_the_same_says_how_many_samples_would_tell():
    entries, answers = with_scores(("best", 2.0, right(37)), ("cheap", 1.0, right(35)))
    said = recommendation_text.how_sure(recommend(entries, answers, quality_loss=0.02))
    (line,) = [line for line in said if line.startswith("Its accuracy")]
    assert (
        "0.875 is not established to be below 0.906: indistinguishable at n = 40; about 557 samples would tell" in line
    )
    by_itself = recommendation_text.how_sure(recommend(entries, answers, quality=0.9))
    assert any("below 0.900: indistinguishable at n = 40; about 1,251 samples would tell" in line for line in by_itself)
    assert not any("Its accuracy" in line for line in recommendation_text.how_sure(recommend(entries, answers)))


def test_a_higher_quality_is_one_that_pairs_establish_where_there_is_one():
    chosen, near, higher = ("chosen", 1.0, right(30)), ("near", 2.0, right(32)), ("higher", 3.0, right(38))
    entries, answers = with_scores(chosen, near, higher)
    assert recommend(entries).better.model == "near"
    result = recommend(entries, answers)
    assert (result.chosen.model, result.better.model) == ("chosen", "higher")
    assert "accuracy 0.950 (established to be higher on 40 inputs as pairs)" in recommendation_text.further(result)[0]
    entries, answers = with_scores(chosen, near)
    said = recommendation_text.further(recommend(entries, answers))[0]
    assert "near with fp32, batch 1 has accuracy 0.800 (indistinguishable at n = 40; about " in said


def test_the_quality_of_the_runner_up_is_held_against_the_chosen_one_and_page_and_json_say_so():
    entries, answers = with_scores(("chosen", 1.0, right(90, 100)), ("second", 2.0, right(70, 100)))
    result = recommend(entries, answers)
    said = "established to be lower on 100 inputs as pairs"
    assert f"accuracy 0.700 ({said})" in recommendation_text.runner_up(result)
    place = {entry.run_id: number for number, entry in enumerate(reversed(entries))}
    assert pairs.qualities(result, place) == {
        "0,1": "chosen with fp32, batch 1 is established to be higher on 100 inputs as pairs"
    }
    chosen = Selection(tuple(entries), (), {})
    page = page_of(ReportRequest(), constraints({}), "sqlite:////x.db", chosen, (result,), {})
    (written,) = json.loads(files.as_json(page, {}))["recommendations"]
    (against,) = written["quality_against_chosen"].values()
    assert (against["outcome"], against["n"], against["chosen_less_other"]) == ("lower", 100, pytest.approx(0.2))


def test_few_runs_are_read_each_once_however_many_there_are():
    read = []

    def reading(run_id):
        read.append(run_id)
        return scored(right(30))

    entries = [an_entry(f"m{number}", 1 + number / 100, quality=0.75 + number / 1e5) for number in range(500)]
    recommend([*entries, an_entry("best", 9.0, quality=0.9)], Answers(reading), quality_loss=0.05)
    assert 0 < len(read) == len(set(read)) < 20
    answers = Answers(reading, most=2)
    assert [answers.difference(a, b) is None for a, b in ((entries[0], entries[1]), (entries[2], entries[3]))] == [
        False,
        True,
    ]


def test_random_weights_and_results_of_other_programs_have_no_scores():
    _, answers = with_scores(("a", 1.0, right(3)))
    for entry in (an_entry("r", weights="random"), an_entry("x", boundary="another's")):
        assert answers.difference(entry, entry) is None
