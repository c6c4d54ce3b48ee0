"""Saved settings: recommended by a sweep, run by one override, refused on another model."""

from dataclasses import replace

import pytest
import yaml

from joulemark.config import saved_settings
from joulemark.config.saved_settings import SavedSetting
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF
from joulemark.core.task import Inputs
from joulemark.measure.draft import draft
from joulemark.sweep import saved
from joulemark.sweep.plan import SweepRequest
from joulemark.sweep.trial import Outcome
from joulemark.sweep.trial_state import TrialResult
from tests.composed import built
from tests.config.test_run import choices
from tests.sweep.landscape import plan

SAVED = SavedSetting(
    "mine", "embedded_classifier", "text_classification", "some card", "2026-11-25", "efficiency-1", {"torch": "2"}
)
OVERRIDES = ["batch_size=8", "precision=bf16", "sort=length", "model=embedded_classifier", "protocol=smoke"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs composed with a saved setting in the conf/ of the current folder."""
    (tmp_path / "conf" / "tuned").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def composed(*overrides, setting=SAVED, of=OVERRIDES):
        (tmp_path / "conf" / "tuned" / "mine.yaml").write_text(saved_settings.text(setting, of, "1 Wh"))
        return built("hardware=cpu", *overrides)

    return composed


@pytest.mark.parametrize("name", [name for name in choices("tuned") if name != "none"])
def test_every_saved_setting_of_the_folder_composes_for_its_model(name):
    stored = yaml.safe_load((CONF / "tuned" / f"{name}.yaml").read_text())["tuned"]
    model, _, size = stored["model"].partition("-")
    overrides = [f"model={model}", f"task={stored['task']}", f"tuned={name}", *([f"model.size={size}"] if size else [])]
    assert stored["name"] == name
    assert built(*overrides).chosen["tuned"] == name


def test_a_saved_setting_sets_the_settings_and_an_option_typed_by_hand_prevails(run):
    checked = run("tuned=mine")
    assert (checked.settings.batch_size, checked.settings.precision, checked.settings.sort) == (8, "bf16", "length")
    assert checked.procedure.name == "standard"  # where and how is measured is no setting
    assert run("tuned=mine", "batch_size=2").settings.batch_size == 2
    assert run("batch_size=2", "tuned=mine").settings.batch_size == 2
    assert run("tuned=none").settings.batch_size == 1


def test_a_searched_key_of_the_task_is_saved_too(run):
    setting = replace(SAVED, model="embedded_painter", task="image_generation")
    overrides = ["batch_size=4", "task.steps=3", "task=image_generation"]
    checked = run("model=embedded_painter", "task=image_generation", "tuned=mine", setting=setting, of=overrides)
    assert (checked.settings.batch_size, checked.task.steps) == (4, 3)


def test_another_model_is_refused_and_another_card_or_task_is_a_note(run):
    with pytest.raises(UserError, match="tuned=mine was found for embedded_classifier, and this run is of embedded;"):
        run("tuned=mine", "model=embedded")
    (note,) = run("tuned=mine").notes
    assert note.startswith("tuned=mine was found on some card, and this run is on ")
    card = saved_settings.check(SAVED, "embedded_classifier", "text_classification", "some card")
    assert card == ()
    assert "was found on task=text_classification, and this run does xsum" in " ".join(
        saved_settings.check(SAVED, "embedded_classifier", "xsum", "some card")
    )
    sized = replace(SAVED, model="bloomz-560m", task="summarization")
    with pytest.raises(UserError, match="found for bloomz-560m, and this run is of bloomz-1b1"):
        run("tuned=mine", "model=bloomz", "model.size=1b1", "task=summarization", setting=sized)


def test_the_record_and_its_params_name_the_saved_setting_and_none_without_it(run):
    checked = run("tuned=mine")
    assert draft(checked, Inputs()).origin.tuned == "mine"
    assert checked.chosen["tuned.sweep_id"] == "efficiency-1"
    assert "tuned=mine" in checked.command
    without = run()
    assert draft(without, Inputs()).origin.tuned is None
    assert not [key for key in without.chosen if key.startswith("tuned")]


def test_a_saved_setting_that_does_not_exist_is_refused_in_one_line(run):
    with pytest.raises(UserError, match="tuned=mein does not exist; did you mean tuned="):
        run("tuned=mein")
    with pytest.raises(UserError, match=r"tuned\.model has no value"):
        run("+tuned.name=x")


def test_the_head_says_card_day_sweep_and_versions():
    head = [
        line for line in saved_settings.text(SAVED, OVERRIDES, "1 Wh per 1,000").splitlines() if line.startswith("#")
    ]
    assert head[0] == "# @package _global_"
    assert head[2] == "# found on some card, 2026-11-25, by sweep efficiency-1, with torch 2"
    assert head[3] == "# 1 Wh per 1,000"


@pytest.mark.parametrize("name", ["none", "a-b", "a/b", "8", "", ".x"])
def test_a_name_that_cannot_be_one_is_refused(name, tmp_path):
    with pytest.raises(UserError, match="a name of letters, digits and _"):
        saved_settings.place(name, tmp_path)


def test_nothing_is_written_over(tmp_path):
    path = saved_settings.place("mine", tmp_path / "tuned")
    assert saved_settings.write(path, "one").startswith("saved: ")
    with pytest.raises(UserError, match=r"tuned/mine\.yaml is there already; type another name, or remove it"):
        saved_settings.place("mine", tmp_path / "tuned")
    assert "not saved" in saved_settings.write(path, "two")  # it came to be while the sweep went on
    assert path.read_text() == "one"


def test_a_sweep_saves_what_it_recommends_or_states_how(tmp_path):
    run = built("hardware=cpu")
    best = TrialResult(("batch_size=16", "precision=bf16"), "full", Outcome((), 0, "finished", metrics={}))
    request = SweepRequest("efficiency-1", plan(tmp_path), None, tmp_path, False, (), run=run)
    assert "sweep.save_as=NAME" in saved.sentences(request, best)[0]
    request = replace(request, save_as=tmp_path / "conf" / "tuned" / "mine.yaml")
    assert saved.sentences(request, None) == ["nothing is recommended, so nothing is saved"]
    sentences = saved.sentences(request, best)
    assert sentences[0] == "saved: conf/tuned/mine.yaml"
    assert sentences[1].endswith("model=embedded_classifier task=text_classification tuned=mine")
    stored = yaml.safe_load(request.save_as.read_text())
    assert (stored["batch_size"], stored["precision"], stored["tuned"]["sweep_id"]) == (16, "bf16", "efficiency-1")
    assert "protocol" not in stored
