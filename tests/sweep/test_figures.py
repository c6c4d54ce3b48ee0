"""The page of a sweep: it opens offline, shows every point by its pass, and says what it cannot draw."""

import re
from dataclasses import replace

import pytest

from joulemark.reporting.render import digest
from joulemark.sweep import recommendation
from joulemark.sweep.budget import Budget
from joulemark.sweep.figures.page import page
from joulemark.sweep.figures.parallel import parallel
from joulemark.sweep.figures.scatter import _hover, against
from joulemark.sweep.figures.style import ENERGY, P95, QUALITY, FigureData, scale
from joulemark.sweep.importance import importance
from joulemark.sweep.trial_state import FULL
from tests.sweep.landscape import BATCHES, SPACE, Machine, plan, through, truth, wanted

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


def trace(figure, name):
    return next(drawn for drawn in figure.data if drawn.name == name)


def test_the_page_holds_plotly_itself_and_loads_nothing(shown):
    drawn = page(shown)
    assert len(drawn) > 2_000_000
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=", drawn)
    assert drawn.count('"showSendToCloud":false') == 4
    assert "<title>a &amp; b</title>" in drawn
    assert "Energy against latency" in drawn


def test_no_script_runs_but_the_two_whose_digests_the_page_names(shown):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    drawn = page(replace(shown, title=evil, quality=evil))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', drawn)[1]
    scripts = re.findall(r"<script>(.*?)</script>", drawn, re.DOTALL)
    assert [digest(script) for script in scripts] == re.findall(r"'sha256-[^']*'", policy)
    assert policy.startswith("default-src 'none'")
    assert "'unsafe-inline'" not in policy.partition("script-src")[2]
    assert "<img" not in drawn.replace(scripts[0], "")


def test_every_measured_point_is_drawn_in_its_stage_and_constraints_separate_them(shown):
    figure = against(shown, P95)
    screened = [result for result in shown.results if result.stage != FULL]
    within, beyond = trace(figure, "screening"), trace(figure, "screening, violates a constraint")
    assert len(within.x) + len(beyond.x) == len(screened)
    assert all("fp16" in text or float(x) > 0.2 for text, x in zip(beyond.text, beyond.x, strict=True))
    full = [result for result in shown.results if result.stage == FULL and result.point != shown.reference.point]
    assert sorted(trace(figure, "full protocol").x) == sorted(result.metrics[P95] for result in full)
    assert trace(figure, "constraint: p95 at most 0.2 s").x == (0.2, 0.2)
    kept = truth(1, "fp32")["quality/primary"] * 0.99
    assert trace(against(shown, QUALITY), "constraint: quality loses at most 1 %").x == (kept, kept)


def test_the_line_of_the_front_goes_through_results_that_no_other_dominates(shown):
    figure = against(shown, P95)
    line = trace(figure, "Pareto front")
    pairs = list(zip(line.x, line.y, strict=True))
    assert pairs == sorted(pairs)
    assert list(line.y) == sorted(line.y, reverse=True)
    assert shown.recommended.metrics[ENERGY] == min(line.y)
    assert set(line.x) <= {result.metrics[P95] for result in shown.results if result.stage == FULL}


def test_a_mark_says_its_overrides_and_the_interval_of_its_energy(shown):
    star = trace(against(shown, P95), "recommended")
    assert "batch_size=" in star.text[0]
    assert "± 1.0%" in star.text[0]
    assert star.error_y.array[0] == pytest.approx(shown.recommended.metrics[ENERGY] * 0.01)


def test_an_axis_is_logarithmic_beyond_a_decade_and_never_at_or_below_zero():
    assert scale([1.0, 11.0])["type"] == "log"
    assert scale([1.0, 9.0])["type"] == "linear"
    assert scale([0.0, 900.0])["type"] == "linear"
    assert scale([None, 2.0])["type"] == "linear"


def test_batch_sizes_stand_in_their_order_on_their_axis(shown):
    axis = parallel(shown).data[0].dimensions[0]
    assert (axis.label, list(axis.ticktext)) == ("batch_size", list(BATCHES))
    assert len(axis.values) == len(shown.best_known())


def test_overrides_of_the_user_are_no_markup_of_the_page(shown):
    marked = [replace(result, point=("batch_size=1", "model=<b>&")) for result in shown.results[:1]]
    assert "<b>&" not in _hover(marked[0]).replace("<b>batch_size", "")


def test_importance_is_shown_of_enough_points_and_refused_of_few(tmp_path, shown):
    energies = {result.point: result.metrics[ENERGY] for result in shown.best_known().values()}
    shares = importance(energies, SPACE)
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares) == ["batch_size", "precision"]  # the landscape's energy falls by twenty, and by three
    few = dict(list(energies.items())[:9])
    assert "too few points" in importance(few, SPACE)
    assert "2 settings need 10" in importance(few, SPACE)
    bf16_only = {point: energy for point, energy in energies.items() if "precision=bf16" in point}
    assert "only batch_size varied" in importance(bf16_only, SPACE)
    assert importance({}, SPACE).startswith("no setting varied")
    drawn = page(shown_of(tmp_path, budget=Budget(trials=9)))
    assert "Importance of each setting for energy: too few points" in drawn


def test_without_quality_there_is_no_figure_of_it_and_one_quality_is_a_sentence(tmp_path):
    machine = Machine(metrics={"quality/primary": None})
    assert against(shown_of(tmp_path / "none", machine), QUALITY) is None
    same = against(shown_of(tmp_path / "one", Machine(metrics={"quality/primary": 0.75})), QUALITY)
    assert same == '<p class="none">quality (accuracy): 0.75 in every result.</p>'
