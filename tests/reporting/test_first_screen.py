"""The first screen: one sentence, its constraint, its confidence; and nothing below it says otherwise."""

import csv
import io
import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from joulemark.analysis import verdict
from joulemark.analysis.verdict import ESTABLISHED, INDICATED, TIE
from joulemark.reporting import alternatives, claim, files, own_use, pairs, table_file
from joulemark.reporting.recommendation_text import SURE, headline
from joulemark.reporting.render import render
from tests.reporting.runs import a_cell, a_page, a_run, an_entry, recommend

EQUAL = ((1.00, 1.02, 0.98), (1.01, 0.99, 1.03), (1.00, 1.01, 1.02))
AT_PARIS = {"emissions/g_per_1k": 0.056, "cost/per_1k": 0.0002}


def tied():
    return recommend(
        [*(a_cell(f"m{place}", *values) for place, values in enumerate(EQUAL)), a_cell("dear", 3, 3.1, 2.9)]
    )


def established():
    return recommend([a_cell("cheap", 1.0, 1.02, 0.98), a_cell("dear", 2.0, 2.05, 1.95), a_cell("more", 3, 3.1, 2.9)])


def of_one_process():
    return recommend([an_entry("cheap", 1.0), an_entry("dear", 2.0)])


def column(recommendation, name):
    table = alternatives.table(recommendation)
    return [row[list(table.columns).index(name)] for row in table.rows]


@pytest.mark.parametrize(
    ("made", "sure", "every"),
    [(established, "established", ESTABLISHED), (of_one_process, "open", INDICATED)],
)
def test_badge_sentence_table_and_file_say_one_thing_of_how_sure_it_is(made, sure, every):
    result = made()
    assert result.sure == sure
    assert SURE[sure] in claim.because(result)
    assert all(text.endswith(every) for text in column(result, "ratio and verdict"))
    others = [entry for entry in result.kept if entry is not result.chosen]
    assert {result.standing(entry) for entry in others} == {every}


def test_a_tie_is_a_set_in_the_sentence_and_in_the_table():
    result = tied()
    names = {result.chosen.model, *(entry.model for entry in result.tied)}
    assert names == {"m0", "m1", "m2"}
    assert all(name in headline(result) for name in names)
    assert headline(result).endswith(" with fp32, batch 1.")  # what all of them have is said once
    assert "3 of them are a tie" in claim.because(result)
    stand = dict(zip(column(result, "choice"), column(result, "ratio and verdict"), strict=True))
    assert all(text.endswith(TIE) == (not name.startswith("dear")) for name, text in stand.items())


def test_a_pair_that_differs_alone_ties_where_the_family_ties(monkeypatch):
    result = tied()
    other, pair = result.tied[0], verdict.Verdict("A", "established by 3 and 3 processes", 1.01, 1.001, 1.02)
    monkeypatch.setattr(verdict, "between", lambda a, b: pair)
    assert (result.against(other).outcome, result.lead.outcome) == (TIE, TIE)
    place = {entry.run_id: number for number, entry in enumerate(result.group.entries)}
    told = {tuple(map(int, key.split(","))): judged[0] for key, judged in pairs.verdicts(result, place).items()}
    both = tuple(sorted((place[result.chosen.run_id], place[other.run_id])))
    assert told[both] == TIE


def test_a_pair_that_ties_alone_does_not_undo_what_the_family_established(monkeypatch):
    result = established()
    monkeypatch.setattr(verdict, "between", lambda a, b: verdict.Verdict(TIE, "indistinguishable", 1.1, 0.9, 1.3))
    assert result.lead.outcome == "A"
    assert result.lead.least is None  # an interval that holds 1 would say the opposite beside it
    assert result.lead.exchanged.outcome == "B"


def test_exchanging_two_results_exchanges_their_verdict():
    cells = [entry.as_cell for entry in established().group.entries]
    for a, b in pairwise(cells):
        there, back = verdict.between(a, b), verdict.between(b, a)
        assert there.exchanged.outcome == back.outcome
        assert there.exchanged.least == pytest.approx(back.least)
        assert there.exchanged.most == pytest.approx(back.most)
    of_one = [entry.as_cell for entry in of_one_process().group.entries]
    assert verdict.between(*of_one).exchanged == verdict.between(*of_one[::-1])


def test_what_an_alternative_costs_is_said_only_where_the_difference_is_established():
    assert column(established(), "energy per 1,000") == ["2.00 ± 0.12 Wh, 1.00 Wh more"]
    assert not any("more" in text or "less" in text for text in column(of_one_process(), "energy per 1,000"))
    assert not any(" more" in text for text in column(tied(), "energy per 1,000"))


def test_emissions_and_money_have_the_interval_of_the_energy_and_say_what_another_choice_costs():
    cells = [
        a_cell("cheap", 1.0, 1.02, 0.98, metrics=AT_PARIS, params={"site.currency": "EUR"}),
        a_cell("dear", 2.0, 2.04, 1.96, metrics={name: 2 * value for name, value in AT_PARIS.items()},
               params={"site.currency": "EUR"}),
    ]  # fmt: skip
    result = recommend(cells)
    assert column(result, "emissions") == ["112 ± 6 mg CO2e, 56.0 mg more"]
    assert column(result, "cost") == ["0.0004 ± 0.00002 EUR, 0.0002 EUR more"]


@pytest.mark.parametrize(
    ("flags", "says"), [("preliminary", "1 preliminary; protocol=standard"), ("not_converged", "1 not converged")]
)
def test_runs_that_decide_nothing_are_shown_without_a_recommendation(flags, says):
    page = a_page([a_run("alone", flags=flags)])
    (result,) = page.recommendations
    html = render(page).split('<script type="application/json"')[0]
    assert result.chosen is None
    assert says in claim.because(result)
    assert 'class="recommendation undecided"' in html
    assert "alone with fp32, batch 1" in html.replace("\u00a0", " ")
    assert page.data["groups"][0]["kept"] == []


def test_a_smoke_run_opens_no_page_that_has_anything_else_and_its_task_stands_last():
    smoke = [a_run(f"s{place}", flags="preliminary", task="a_task", compare__key="s") for place in range(5)]
    page = a_page([*smoke, a_run("doubtful", flags="not_converged")])
    assert page.data["groups"][page.data["first"]]["task"] == "text_classification"
    page = a_page([*smoke, a_run("one"), a_run("two", 2.0)])
    assert [each.group.task for each in page.tasks] == ["text_classification", "a_task"]


def test_every_task_has_one_line_on_top_and_one_task_has_none():
    html = render(a_page([a_run("a"), a_run("b", 2.0, task="summarization", compare__key="s")]))
    top = html.split('<section id="recommendation"')[0]
    assert len(re.findall(r'<li><a href="#g=', top)) == 2
    assert 'id="tasks"' not in render(a_page([a_run("a"), a_run("b", 2.0)])).split("<main>")[1].split("<article")[0]


def test_what_to_type_is_said_where_no_zone_and_no_price_is_known():
    plain = render(a_page([a_run("a")]))
    assert "site.zone=FRA" in plain
    assert "site.price_per_kwh=" in plain
    known = render(a_page([a_run("a", metrics=AT_PARIS)]))
    assert "site.zone=FRA" not in known


def test_one_s_own_use_is_kept_in_the_page_its_json_and_its_table():
    page = a_page([a_run("a", 2.0, 0.1, metrics=AT_PARIS), a_run("b", 4.0)], use={"count": 30, "per": "week"})
    own = page.uses[page.recommendations[0].group.id]
    calls = 30 * 365 / 7
    assert own.wh.mean == pytest.approx(2.0 * calls / 1000)
    assert (own.wh.low, own.wh.high) == (pytest.approx(1.9 * calls / 1000), pytest.approx(2.1 * calls / 1000))
    assert own.grams.mean == pytest.approx(0.056 * calls / 1000)
    assert own.grams.high / own.grams.mean == pytest.approx(1.05)
    assert "30 inferences a week" in render(page)
    written = json.loads(files.as_json(page, {}))
    assert written["use"] == {"count": 30, "per": "week"}
    assert written["recommendations"][0]["use"]["wh_per_year"]["mean"] == pytest.approx(own.wh.mean)
    rows = list(csv.DictReader(io.StringIO(table_file.csv_of(page))))
    assert {(row["use_count"], row["use_per"]) for row in rows} == {("30.0", "week")}
    assert float(rows[0]["use_wh_high"]) == pytest.approx(own.wh.high)
    assert own_use.facts(own)[0][1] in files.markdown(page)


def test_the_table_has_every_setting_of_every_group_once_and_names_one_recommended_row_a_group():
    runs = [a_run("=cmd|' /C calc'!A0"), a_run("b", 2.0), a_run("c", flags="not_converged"), a_run("d", quality=0.1),
            a_run("e", task="summarization", compare__key="s")]  # fmt: skip
    page = a_page(runs)
    rows = list(csv.DictReader(io.StringIO(table_file.csv_of(page))))
    assert len(rows) == len(runs)
    assert sorted(row["standing"] for row in rows if row["task"] == "text_classification") == sorted(
        [table_file.RECOMMENDED, INDICATED, table_file.DECIDES_NOTHING, table_file.OUTSIDE]
    )
    assert not any(row["model"].startswith("=") for row in rows)
    assert all(row["wh_low"] < row["wh_per_1k"] < row["wh_high"] for row in rows)


def test_no_two_groups_of_a_report_read_alike_whatever_is_known_of_them():
    same = {"compare__card": "c", "dataset": "file"}
    runs = [a_run(f"m{place}", compare__key=f"k{place}", **same) for place in range(3)]
    runs += [a_run(f"p{place}", compare__key="k9", compare__prompt=f"prompt {place}") for place in range(2)]
    titles = [each.group.title for each in a_page(runs).recommendations]
    assert len(titles) == len(set(titles)) == 5


def test_a_group_is_told_apart_by_its_record_before_its_id():
    from tests.records import a_record

    runs = [a_run(f"m{place}", compare__key=f"k{place}") for place in range(3)]
    record = a_record()
    tasks = [replace(record.task, samples=count, digest=digest) for count, digest in ((3, "aa"), (3, "bb"), (5, "cc"))]
    records = {run.run_id: replace(record, task=task) for run, task in zip(runs, tasks, strict=True)}
    titles = {each.group.first.model: each.group.title for each in a_page(runs, records=records).recommendations}
    assert all("group " not in title for title in titles.values())
    assert "3 inputs" in titles["m0"]
    assert "inputs aa" in titles["m0"]
    assert "5 inputs" in titles["m2"]
