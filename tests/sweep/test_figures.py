"""The page of a sweep: it opens offline, shows every point by its pass, and says what it cannot draw."""

import json
import re
from dataclasses import replace

import pytest

from joulemark.core.cell import Cell
from joulemark.reporting.render import FOLDER, digest
from joulemark.sweep import recommendation, result, sweep_page
from joulemark.sweep.budget import Budget
from joulemark.sweep.figures.importance import shares
from joulemark.sweep.figures.page import SweepPage, page
from joulemark.sweep.figures.scatter import _hover, against
from joulemark.sweep.figures.style import ENERGY, P95, QUALITY, FigureData, scale
from joulemark.sweep.importance import importance
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.trial_state import FULL
from tests.sweep.landscape import SPACE, Machine, plan, through, truth, wanted

pytestmark = pytest.mark.data  # plotly and scikit-learn take seconds


def shown_of(folder, machine=None, **more):
    planned = plan(folder, **more)
    search, study = through(planned, machine or Machine(), folder)
    reference = search.reference()
    recommended = recommendation.recommend(search.full(), reference, study.goals, planned.space)
    return FigureData(
        "a & b", study.results(), reference, recommended.recommended, study.goals, planned.space.dimensions, "accuracy"
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    constraints = {"quality": {"loss_rel": 0.01}, "p95": {"max": 0.2}}
    return shown_of(tmp_path_factory.mktemp("whole"), goals=wanted(constraints))


def figure(section):
    (chart,) = section.charts
    return chart.figure


def trace(section, name):
    return next(drawn for drawn in figure(section)["data"] if drawn["name"] == name)


def content(**changes):
    plain = SweepPage(
        title="a & b", made="made", headline="Run it", sure="established", level="established", because="The least.",
        command="python -m src.run x", columns=("setting", "Wh"), rows=(("batch_size=1", "2"),), sentences=("One.",),
        sections=(),
    )  # fmt: skip
    return replace(plain, **changes)


def test_the_page_holds_all_that_it_shows_and_loads_nothing(shown):
    drawn = page(content(sections=[against(shown, P95), shares(shown)]))
    assert len(drawn) > 2_000_000
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=", drawn)
    assert "<title>a &amp; b</title>" in drawn
    assert "Energy against latency" in drawn


def test_no_script_runs_but_the_two_whose_digests_the_page_names_and_none_makes_code_from_text(shown):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    figures = [against(replace(shown, quality=evil), QUALITY)]
    drawn = page(content(title=evil, headline=evil, because=evil, rows=((evil, evil),), sections=figures))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', drawn)[1].replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", drawn, re.DOTALL)
    assert [digest(script) for script in scripts] == re.findall(r"'sha256-[^']*'", policy)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy.partition("script-src")[2]
    assert "<img" not in drawn.replace(scripts[0], "")


def result_of(folder, goals=None, cells=None):
    planned = plan(folder, goals=goals or wanted())
    search, study = through(planned, Machine(), folder)
    request = SweepRequest("study", planned, None, folder, False, (), "summarization", None)
    made = result.result_of(search, request, study, search.reference())
    best = made.recommendation.recommended
    return replace(
        made, cells={} if best is None or cells is None else {best.point: cells[0], made.reference.point: cells[1]}
    )


def test_the_page_says_in_words_what_is_recommended_why_and_how_sure_that_is(tmp_path):
    made = result_of(tmp_path)
    of_one, best = sweep_page.of(made), made.recommendation.recommended
    assert best.name in of_one.headline
    assert of_one.because == "Least energy."
    assert (of_one.sure, of_one.level) == ("against the reference: indicated, not established", "open")
    assert any(row[0].endswith("(recommended)") for row in of_one.rows)
    assert of_one.command.endswith(best.point[0]) or best.point[0] in of_one.command
    assert of_one.command in page(of_one)
    processes = (Cell((0.60, 0.61, 0.59)), Cell((21.0, 21.2, 20.8)))
    assert sweep_page.of(result_of(tmp_path, cells=processes)).level == "established"
    alike = (Cell((20.9, 21.3, 20.8)), Cell((21.0, 21.2, 20.8)))
    assert sweep_page.of(result_of(tmp_path, cells=alike)).sure == "against the reference: tie"


def test_what_the_head_of_the_page_says_does_not_stand_among_its_sentences_again(tmp_path):
    made = result_of(tmp_path)
    elsewhere = recommendation.sentences(made.recommendation, made.goals, made.request.plan.full)
    shown = sweep_page.of(replace(made, sentences=[*elsewhere, "screening: the rest"]))
    assert list(shown.sentences) == ["Screening: the rest."]


def test_where_no_setting_meets_the_constraints_the_page_recommends_none(tmp_path):
    none = sweep_page.of(result_of(tmp_path, wanted({"p95": {"max": 0.0001}})))
    assert (none.sure, none.level, none.command) == ("no recommendation", "none", "")
    assert "violates" in " ".join(none.sentences)
    assert 'class="recommendation undecided"' in page(none)


def test_every_measured_point_is_drawn_in_its_stage_and_constraints_separate_them(shown):
    drawn = against(shown, P95)
    screened = [result for result in shown.results if result.stage != FULL]
    within, beyond = trace(drawn, "screening"), trace(drawn, "screening, violates a constraint")
    assert len(within["x"]) + len(beyond["x"]) == len(screened)
    assert all("fp16" in text or float(x) > 0.2 for text, x in zip(beyond["text"], beyond["x"], strict=True))
    full = [result for result in shown.results if result.stage == FULL and result.point != shown.reference.point]
    assert sorted(trace(drawn, "full protocol")["x"]) == sorted(result.metrics[P95] for result in full)
    assert trace(drawn, "constraint: p95 at most 0.2 s")["x"] == [0.2, 0.2]
    kept = truth(1, "fp32")["quality/primary"] * 0.99
    assert trace(against(shown, QUALITY), "constraint: quality loses at most 1 %")["x"] == [kept, kept]


def test_the_line_of_the_front_goes_through_results_that_no_other_dominates(shown):
    drawn = against(shown, P95)
    line = trace(drawn, "Pareto front")
    pairs = list(zip(line["x"], line["y"], strict=True))
    assert pairs == sorted(pairs)
    assert line["y"] == sorted(line["y"], reverse=True)
    assert shown.recommended.metrics[ENERGY] == min(line["y"])
    assert set(line["x"]) <= {result.metrics[P95] for result in shown.results if result.stage == FULL}


def test_a_mark_says_its_overrides_and_the_interval_of_its_energy(shown):
    star = trace(against(shown, P95), "recommended")
    assert "batch_size=" in star["text"][0]
    assert "± 1.0%" in star["text"][0]
    assert star["error_y"]["array"][0] == pytest.approx(shown.recommended.metrics[ENERGY] * 0.01)


def test_an_axis_is_logarithmic_beyond_a_decade_and_never_at_or_below_zero():
    assert scale([1.0, 11.0])["type"] == "log"
    assert scale([1.0, 9.0])["type"] == "linear"
    assert scale([0.0, 900.0])["type"] == "linear"
    assert scale([None, 2.0])["type"] == "linear"


def test_a_colour_is_one_of_the_page_s_so_that_dark_and_light_are_one_figure(shown):
    drawn = json.dumps([figure(each) for each in (against(shown, P95), against(shown, QUALITY), shares(shown))])
    named = set(re.findall(r'"color": "([^"]*)"', drawn))
    assert named
    assert named <= set(re.findall(r"(--\w+):", (FOLDER / "style.css").read_text()))


def test_overrides_of_the_user_are_no_markup_of_the_page(shown):
    marked = [replace(result, point=("batch_size=1", "model=<b>&")) for result in shown.results[:1]]
    assert "<b>&" not in _hover(marked[0]).replace("<b>batch_size", "")


def test_importance_is_shown_of_enough_points_and_refused_of_few(tmp_path, shown):
    energies = {result.point: result.metrics[ENERGY] for result in shown.best_known().values()}
    by_setting = importance(energies, SPACE)
    assert sum(by_setting.values()) == pytest.approx(1)
    assert list(by_setting) == ["batch_size", "precision"]  # the landscape's energy falls by twenty, and by three
    few = dict(list(energies.items())[:9])
    assert "too few points" in importance(few, SPACE)
    assert "2 settings need 10" in importance(few, SPACE)
    bf16_only = {point: energy for point, energy in energies.items() if "precision=bf16" in point}
    assert "only batch_size varied" in importance(bf16_only, SPACE)
    assert importance({}, SPACE).startswith("no setting varied")
    (said,) = shares(shown_of(tmp_path, budget=Budget(trials=9))).paragraphs
    assert said.startswith("Too few points")


def test_without_quality_there_is_no_figure_of_it_and_one_quality_is_a_sentence(tmp_path):
    machine = Machine(metrics={"quality/primary": None})
    assert against(shown_of(tmp_path / "none", machine), QUALITY) is None
    same = against(shown_of(tmp_path / "one", Machine(metrics={"quality/primary": 0.75})), QUALITY)
    assert list(same.paragraphs) == ["quality (accuracy): 0.75 in every result."]
    assert not same.charts
