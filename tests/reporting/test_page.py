"""The page and its files without a browser: nothing breaks out, nothing is invented, nothing is left unsaid."""

import json
import re

import pytest

from joulemark.core import formatting
from joulemark.reporting import contents, files, page_data
from joulemark.reporting.render import quoted, render
from joulemark.reporting.section import Chart, Section, Table
from joulemark.reporting.selection import LeftOut
from tests.reporting.runs import a_page, a_run, an_entry, showcase

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)>&"'


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)[1])


def test_a_name_that_holds_a_script_stays_text_in_the_page_and_the_markdown():
    runs = [a_run(EVIL, command=EVIL, device=EVIL, metric=EVIL), a_run("b", 2.0, flags=EVIL)]
    page = a_page(runs, (LeftOut("f" * 32, EVIL, EVIL, f"failed: {EVIL}"),))
    html = render(page)
    assert html.count("<script") == 4  # the data, the given charts, Plotly, ours
    assert "<img" not in html.split('<script type="application/json"')[0]
    assert data_of(html)["texts"]["model"]["values"][0] == EVIL
    text = re.sub(r"```\n[^`\n]*\n```", "", files.markdown(page))  # in a fence nothing is markup
    assert "<script" not in text
    assert "<img" not in text


def test_json_in_a_script_cannot_end_it():
    text = quoted({"a": "</script><!--<script>&"})
    assert not set(text) & set("<>&")
    assert json.loads(text) == {"a": "</script><!--<script>&"}


def test_the_policy_of_the_page_lets_nothing_be_fetched_and_only_its_own_scripts_run():
    html = render(a_page([a_run()]))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert len(re.findall("sha256-", policy)) == 2
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html.split('id="data"')[0])


def test_a_report_without_runs_says_so_and_why_each_was_left_out():
    page = a_page([], (LeftOut("f" * 32, "a", "summarization", "failed: out of memory"),))
    html = render(page)
    assert "There is no run to report on" in html
    assert "out of memory" in html
    assert json.loads(files.as_json(page, {}))["recommendations"] == []
    assert "out of memory" in files.markdown(page)


def test_one_run_is_called_no_choice():
    assert "One setting is no choice" in render(a_page([a_run()]))


def test_runs_without_quality_have_a_recommendation_about_energy_alone():
    html = render(a_page([a_run("a", 1.0, 0.01, None), a_run("b", 2.0, 0.01, None)]))
    assert "This is about energy alone" in html


def test_the_recommendation_comes_before_everything_else_with_its_command():
    html = render(a_page(showcase()))
    body = html.split("<main>")[1]
    assert body.index('id="recommendation"') < min(
        body.index(anchor) for anchor in ('id="charts"', 'id="runs"', 'id="reading"')
    )
    assert "python -m src.run model=distilbert_sst2 precision=bf16 batch_size=64" in body


def test_groups_of_one_task_are_each_a_recommendation_with_the_reason_why_they_are_apart():
    page = a_page(showcase())
    assert len(page.recommendations) == 4
    apart = [line for lines in page.differs.values() for line in lines]
    assert "boundary: as this program measures and whole host: eight A100s, seven idle" in apart


def test_every_run_of_the_json_is_in_one_recommendation_and_numbers_are_whole():
    page = a_page(showcase())
    report = json.loads(files.as_json(page, {"quality_loss": 0.05}))
    ids = [run_id for recommendation in report["recommendations"] for run_id in recommendation["runs"]]
    assert len(ids) == len(set(ids)) == len(showcase())
    assert set(page.data["ids"]) < set(ids)  # a row of the page is a cell
    (chosen,) = [
        a["chosen"]
        for a in report["recommendations"]
        if a["task"] == "text_classification" and a["sure"] == "established"
    ]
    assert chosen["wh_per_1k"] == pytest.approx(0.00595, rel=0.01)


def test_a_further_section_is_drawn_after_the_charts_and_escaped():
    from dataclasses import replace

    section = Section("meaning", "What it means <b>", [EVIL], [Table(EVIL, ("a", EVIL), [("1", EVIL)], EVIL)],
                      [Chart(EVIL, {"data": [{"x": [1], "y": [2], "name": EVIL}], "layout": {}})])  # fmt: skip
    page = replace(a_page([a_run()]), sections=(section,))
    html = render(page)
    assert html.count("<script") == 4
    assert html.index('id="runs"') < html.index('id="meaning"') < html.index('id="reading"')
    assert "<img" not in files.markdown(page)


def test_the_columns_of_the_page_hold_what_the_runs_hold():
    runs = [a_run("a", 1.23456789, 0.1, 0.9), a_run("b", 2.0, None, None, "bf16", 8)]
    data = a_page(runs).data
    assert data["numbers"]["energy"] == [1.2346, 2]
    assert data["numbers"]["half"] == [0.1, None]
    assert data["numbers"]["quality"] == [0.9, None]
    assert "grams" not in data["numbers"]  # no run has emissions: no column, and no zero


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formatting.wh(0.00596), "5.96 mWh"),
        (formatting.wh(1234.0), "1.23 kWh"),
        (formatting.wh(None), "n/a"),
        (formatting.plus_minus(0.00596, 0.000036), "5.96 ± 0.04 mWh"),
        (formatting.plus_minus(0.00596, 0.0000036), "5.96 ± 0.004 mWh"),
        (formatting.plus_minus(2.0, None), "2.00 Wh (no interval)"),
        (formatting.seconds(0.0189), "18.9 ms"),
        (formatting.size(2**30), "1.00 GiB"),
        (formatting.mass(0.000334), "334 µg"),
        (formatting.digits(4735.2), "4,735"),
        (formatting.digits(0.0), "0"),
        (formatting.count(335e6), "335 M"),
        (formatting.times(1.168), "1.17×"),
        (formatting.percent(0.183), "18 %"),
    ],
)
def test_numbers_have_three_digits_and_a_unit_that_fits(text, expected):
    assert text == expected


def test_numbers_for_the_script_are_short():
    assert page_data.short(0.123456789) == 0.12346
    assert page_data.short(12.0) == 12
    assert page_data.short(None) is None


def test_a_day_is_stated_of_our_own_runs_alone():
    own, external = an_entry("a"), an_entry("b", boundary="eight GPUs")
    assert re.fullmatch(r"measured \d{4}-\d\d-\d\d", contents._when([own]))
    assert contents._when([own, external]).endswith(", 1 of them measured by other programs")
    assert contents._when([external]) == "measured by other programs"
